// The exception types that were registered by TravellingError, by their names.
#pragma once

#include <exception>
#include <string>
#include <typeinfo>

namespace satchel::detail {

[[nodiscard]] bool is_travelling_error(const std::type_info& type);

/// An exception of the type that readable_name() calls `name`; null if there is none.
[[nodiscard]] std::exception_ptr make_travelling_error(const std::string& name,
                                                       const std::string& text);

}  // namespace satchel::detail
