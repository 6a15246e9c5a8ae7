/// TravellingError: an exception type of your own that comes back from a cluster as itself.
///
///     class NoSuchCity : public std::runtime_error {
///         using std::runtime_error::runtime_error;
///     };
///     const satchel::TravellingError<NoSuchCity> no_such_city;   // at namespace scope
///
/// Types of the standard library and of satchel need none; without one, a type of yours arrives as
/// TaskError. What travels is the text: an object that has more is made of it by a function. Where
/// that throws, the error arrives as TaskError all the same.
///
///     HttpError from_text(const std::string& text);               // what() of it is `text` again
///     const satchel::TravellingError<HttpError, from_text> http_error;
///
/// Thread safety: may be made at any time. Counts for the rest of the process.
#pragma once

#include <concepts>
#include <exception>
#include <string>
#include <type_traits>
#include <typeinfo>

namespace satchel {
namespace detail {

/// Makes an exception of what its what() gave.
using ErrorFromText = std::exception_ptr (*)(const std::string& text);

/// The first of a name counts.
void add_travelling_error(const std::type_info& type, ErrorFromText make);

}  // namespace detail

template <std::derived_from<std::exception> E, auto from_text = nullptr>
class TravellingError {
  public:
    TravellingError() { detail::add_travelling_error(typeid(E), &make); }

  private:
    static std::exception_ptr make(const std::string& text) {
        if constexpr (std::is_null_pointer_v<decltype(from_text)>) {
            return std::make_exception_ptr(E(text));
        } else {
            return std::make_exception_ptr(from_text(text));
        }
    }
};

}  // namespace satchel
