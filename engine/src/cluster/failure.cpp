// Exceptions as (number of the type, text, error code).
#include "cluster/failure.hpp"

#include <satchel/archive.hpp>
#include <satchel/detail/code.hpp>
#include <satchel/error.hpp>
#include <satchel/module.hpp>

#include "cluster/codec.hpp"

#include <any>
#include <cstdint>
#include <functional>
#include <future>
#include <ios>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <tuple>
#include <typeindex>
#include <typeinfo>
#include <utility>
#include <variant>

#include <cxxabi.h>
#include <fmt/format.h>

namespace satchel::cluster {
namespace {

// The types that travel, by their place in this list. New ones are added at the end.
using FromText =
    std::tuple<std::runtime_error, std::logic_error, std::invalid_argument, std::domain_error,
               std::length_error, std::out_of_range, std::range_error, std::overflow_error,
               std::underflow_error, Error, InvalidArgument, EmptyBag, KeyError, LengthError,
               GraphError, Cancelled, ConnectionError, ArchiveError, TravelError, ModuleMissing>;
using WithoutText =
    std::tuple<std::bad_alloc, std::bad_cast, std::bad_typeid, std::bad_optional_access,
               std::bad_variant_access, std::bad_function_call, std::bad_any_cast, std::exception>;

enum class Form : std::uint8_t { text, none, system, generic, file, last_enumerator = file };

struct Travelling {
    Form form{};
    std::uint32_t type = 0;  // in its list; of system and file: the error code
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& form& type;
    }
};

template <class List>
struct Types;
template <class... E>
struct Types<std::tuple<E...>> {
    static std::optional<std::uint32_t> find(const std::type_info& type) {
        std::uint32_t number = 0;
        const bool found = ((type == typeid(E) || (++number, false)) || ...);
        return found ? std::optional(number) : std::nullopt;
    }
    static std::exception_ptr make(std::uint32_t number, [[maybe_unused]] const std::string& text) {
        std::exception_ptr result;
        std::uint32_t at = 0;
        const auto make_one = [&]<class X>(std::type_identity<X>) {
            if (at++ != number) return;
            if constexpr (std::is_constructible_v<X, const std::string&>) {
                result = std::make_exception_ptr(X(text));
            } else {
                result = std::make_exception_ptr(X());
            }
        };
        (make_one(std::type_identity<E>()), ...);
        return result;
    }
};

std::optional<Travelling> travelling(const std::exception& error) {
    const auto& type = typeid(error);
    if (const auto number = Types<FromText>::find(type)) return Travelling{Form::text, *number};
    if (const auto number = Types<WithoutText>::find(type)) return Travelling{Form::none, *number};
    if (type == typeid(FileError)) {
        const auto code = static_cast<const FileError&>(error).code();
        return Travelling{Form::file, static_cast<std::uint32_t>(code)};
    }
    if (type == typeid(std::system_error)) {
        const auto& code = static_cast<const std::system_error&>(error).code();
        const bool is_generic = code.category() == std::generic_category();
        if (!is_generic && code.category() != std::system_category()) return std::nullopt;
        return Travelling{is_generic ? Form::generic : Form::system,
                          static_cast<std::uint32_t>(code.value())};
    }
    return std::nullopt;
}

// The text of a system_error ends with what its code means, which the constructor adds again.
std::exception_ptr make_system_error(std::error_code code, std::string_view text) {
    const auto meaning = code.message();
    if (text.ends_with(meaning)) text.remove_suffix(meaning.size());
    if (text.ends_with(": ")) text.remove_suffix(2);
    if (text.empty()) return std::make_exception_ptr(std::system_error(code));
    return std::make_exception_ptr(std::system_error(code, std::string(text)));
}

std::exception_ptr make_travelled(const Failure& failure) {
    const auto what = decode<Travelling>(unpack(failure.exception));
    const auto code = static_cast<int>(what.type);
    switch (what.form) {
        case Form::text:
            return Types<FromText>::make(what.type, failure.text);
        case Form::none:
            return Types<WithoutText>::make(what.type, failure.text);
        case Form::system:
            return make_system_error({code, std::system_category()}, failure.text);
        case Form::generic:
            return make_system_error({code, std::generic_category()}, failure.text);
        case Form::file:
            return std::make_exception_ptr(FileError(failure.text, code));
    }
    return {};
}

}  // namespace

Failure describe_exception(const std::exception_ptr& exception, const std::string& worker) {
    Failure failure{.worker = worker};
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& error) {
        failure.type = detail::readable_name(typeid(error));
        failure.text = error.what();
        if (const auto what = travelling(error)) failure.exception = pack(encode(*what));
    } catch (...) {
        const auto* type = abi::__cxa_current_exception_type();
        failure.type = type == nullptr ? "an unknown type" : detail::readable_name(*type);
        failure.text = "what was thrown is not a std::exception";
    }
    return failure;
}

std::exception_ptr make_exception(const Failure& failure, const std::string& task) {
    if (failure.kind == Failure::Kind::killed_worker) {
        return std::make_exception_ptr(KilledWorker(fmt::format("{}: {}", task, failure.text)));
    }
    if (failure.kind == Failure::Kind::lost) {
        return std::make_exception_ptr(DataLost(failure.text));
    }
    if (!failure.exception.empty()) {
        try {
            if (auto itself = make_travelled(failure)) return itself;
        } catch (const ArchiveError&) {
            // Of a newer build, perhaps: then it is a TaskError, as others are.
        }
    }
    return std::make_exception_ptr(
        TaskError(fmt::format("the task {} failed on the worker {} with {}: {}", task,
                              failure.worker, failure.type, failure.text),
                  {failure.type, failure.text, task, failure.worker}));
}

}  // namespace satchel::cluster
