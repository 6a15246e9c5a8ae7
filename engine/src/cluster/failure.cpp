// Exceptions as (number of the type, text, error code).
#include "cluster/failure.hpp"

#include <satchel/archive.hpp>
#include <satchel/detail/code.hpp>
#include <satchel/error.hpp>
#include <satchel/module.hpp>

#include "cluster/codec.hpp"
#include "function/travelling_errors.hpp"

#include <any>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <ios>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
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
               GraphError, Cancelled, ConnectionError, ArchiveError, TravelError, ModuleMissing,
               TimeoutError, DataLost, ClientClosed, KilledWorker>;
using WithoutText =
    std::tuple<std::bad_alloc, std::bad_cast, std::bad_typeid, std::bad_optional_access,
               std::bad_variant_access, std::bad_function_call, std::bad_any_cast, std::exception,
               std::bad_weak_ptr, std::bad_array_new_length, std::bad_exception>;

enum class Form : std::uint8_t {
    text,
    none,
    system,
    generic,
    file,
    paths,
    stream,
    task,
    registered,
    last_enumerator = registered
};

struct Travelling {
    Form form{};
    std::uint32_t type = 0;               // in its list, or the error code
    std::string first = {}, second = {};  // of paths
    TaskError::Details details = {};      // of a task's error

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& form& type;
        if (form == Form::paths) archive& first& second;
        if (form == Form::task) {
            archive& details.type& details.text& details.task& details.worker;
        }
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
    // That of a task which this one has run is passed on, with what is known of it.
    if (type == typeid(TaskError)) {
        return Travelling{.form = Form::task,
                          .details = static_cast<const TaskError&>(error).details()};
    }
    if (type == typeid(std::ios_base::failure)) {
        const auto& code = static_cast<const std::ios_base::failure&>(error).code();
        if (code.category() != std::iostream_category()) return std::nullopt;
        return Travelling{Form::stream, static_cast<std::uint32_t>(code.value())};
    }
    if (type == typeid(std::filesystem::filesystem_error)) {
        const auto& failed = static_cast<const std::filesystem::filesystem_error&>(error);
        if (failed.code().category() != std::system_category() &&
            failed.code().category() != std::generic_category()) {
            return std::nullopt;
        }
        return Travelling{Form::paths, static_cast<std::uint32_t>(failed.code().value()),
                          failed.path1().string(), failed.path2().string()};
    }
    if (type == typeid(std::system_error)) {
        const auto& code = static_cast<const std::system_error&>(error).code();
        const bool is_generic = code.category() == std::generic_category();
        if (!is_generic && code.category() != std::system_category()) return std::nullopt;
        return Travelling{is_generic ? Form::generic : Form::system,
                          static_cast<std::uint32_t>(code.value())};
    }
    if (detail::is_travelling_error(type)) return Travelling{.form = Form::registered};
    return std::nullopt;
}

// What the constructor adds to a text, it adds again: the meaning of the code, after a colon.
std::string_view without_meaning(std::string_view text, const std::error_code& code) {
    const auto meaning = code.message();
    if (text.ends_with(meaning)) text.remove_suffix(meaning.size());
    if (text.ends_with(": ")) text.remove_suffix(2);
    return text;
}

std::exception_ptr make_filesystem_error(const Travelling& what, std::error_code code,
                                         std::string_view text) {
    constexpr std::string_view prefix = "filesystem error: ";
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    for (const auto& path : {what.second, what.first}) {
        const auto added = fmt::format(" [{}]", path);
        if (text.ends_with(added)) text.remove_suffix(added.size());
    }
    const std::string own(without_meaning(text, code));
    using std::filesystem::filesystem_error;
    if (what.second.empty()) {
        return std::make_exception_ptr(what.first.empty()
                                           ? filesystem_error(own, code)
                                           : filesystem_error(own, what.first, code));
    }
    return std::make_exception_ptr(filesystem_error(own, what.first, what.second, code));
}

std::exception_ptr make_system_error(std::error_code code, std::string_view text) {
    text = without_meaning(text, code);
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
        case Form::paths:
            return make_filesystem_error(what, {code, std::system_category()}, failure.text);
        case Form::stream: {
            const std::error_code stream_code(code, std::iostream_category());
            return std::make_exception_ptr(std::ios_base::failure(
                std::string(without_meaning(failure.text, stream_code)), stream_code));
        }
        case Form::task:
            return std::make_exception_ptr(TaskError(failure.text, what.details));
        case Form::file:
            return std::make_exception_ptr(FileError(failure.text, code));
        case Form::registered:
            return detail::make_travelling_error(failure.type, failure.text);
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
        } catch (...) {
            // Of a newer build, perhaps, or nothing that a TravellingError can make one of: then it
            // is a TaskError, as others are. What a user's function throws may be anything.
        }
    }
    return std::make_exception_ptr(
        TaskError(fmt::format("the task {} failed on the worker {} with {}: {}", task,
                              failure.worker, failure.type, failure.text),
                  {failure.type, failure.text, task, failure.worker}));
}

}  // namespace satchel::cluster
