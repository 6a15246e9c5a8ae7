// How objects of each form are written and read. Included by archive.hpp.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/detail/huge_pages.hpp>

#include <bit>
#include <iterator>
#include <limits>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

// The version of a class that BOOST_CLASS_VERSION sets; known where that macro is.
namespace boost::serialization {
template <class T>
struct version;
}

namespace satchel::detail {

/// A function as its place in its module; see code.hpp.
void save_function_pointer(OutputArchive& archive, void (*function)());
[[nodiscard]] void (*load_function_pointer(InputArchive& archive))();

/// Writes and reads what goes through Boost; defined by boost_serialization.hpp.
template <class T>
struct BoostFormat;

/// Elements of type `E` are written as they lie in memory: every pattern of bytes is one.
template <class E>
inline constexpr bool is_plain =
    (std::is_arithmetic_v<E> && !std::is_same_v<E, bool> && !std::is_same_v<E, long double>) ||
    (std::is_enum_v<E> && !has_last_enumerator<E> &&
     !std::is_same_v<std::underlying_type_t<std::conditional_t<std::is_enum_v<E>, E, std::byte>>,
                     bool>);

/// A container of such elements, which may be written as a whole.
template <class T>
concept PlainBlock = requires(T& x, const typename T::value_type* data) {
    requires is_plain<typename T::value_type>;
    x.data();
    x.assign(data, data);
};

/// What a container's elements are before they belong to it: maps have pairs of a constant key.
template <class V>
struct OwnElement {
    using type = V;
};
template <class K, class V>
struct OwnElement<std::pair<const K, V>> {
    using type = std::pair<K, V>;
};
template <class T>
using own_element = typename OwnElement<typename T::value_type>::type;

template <class T>
constexpr unsigned class_version() {
    if constexpr (requires { boost::serialization::version<T>::value; }) {
        return boost::serialization::version<T>::value;
    }
    return 0;
}

// ---- writing ------------------------------------------------------------------------------------

template <class T>
void save_number(OutputArchive& archive, T number) {
    if constexpr (std::is_same_v<T, bool>) {
        archive.save_size(number ? 1 : 0);
    } else if constexpr (std::is_same_v<T, long double>) {
        // Its last bytes are padding.
        constexpr std::size_t used = std::numeric_limits<T>::digits == 64 ? 10 : sizeof(T);
        archive.save_binary(&number, used);
    } else {
        archive.save_binary(&number, sizeof number);
    }
}

template <class T>
void save_sequence(OutputArchive& archive, const T& sequence) {
    if constexpr (PlainBlock<T>) {
        archive.save_block(sequence.data(), sequence.size() * sizeof(typename T::value_type));
    } else {
        archive.save_size(sequence.size());
        const auto begin = archive.position();
        for (const auto& element : sequence) {
            save<typename T::value_type>(archive, element);
        }
        // What has no data takes a byte all the same, so that a count says how much must follow.
        constexpr char filler = 0;
        for (auto size = archive.position() - begin; size < sequence.size(); ++size) {
            archive.save_binary(&filler, 1);
        }
    }
}

template <class T>
void save_array(OutputArchive& archive, const T& array) {
    using E = std::remove_cvref_t<decltype(array[0])>;
    if constexpr (is_plain<E>) {
        archive.save_binary(&array, std::size(array) * sizeof(E));
    } else {
        for (const auto& element : array) save(archive, element);
    }
}

template <class T>
void save_variant(OutputArchive& archive, const T& variant) {
    if (variant.valueless_by_exception()) {
        throw ArchiveError("writing a std::variant: it holds nothing, because of an exception");
    }
    archive.save_size(variant.index());
    visit([&](const auto& alternative) { save(archive, alternative); }, variant);
}

template <class T>
void save_structure(OutputArchive& archive, const T& object) {
    const OutputArchive::Nested nested(
        archive, form<T> == Form::member || form<T> == Form::unknown || form<T> == Form::free);
    const auto save_all = [&](const auto&... part) { (save(archive, part), ...); };
    if constexpr (form<T> == Form::member || form<T> == Form::unknown) {
        SerializationAccess::serialize(archive, const_cast<T&>(object), class_version<T>());
    } else if constexpr (form<T> == Form::free) {
        free_serialize::call(archive, const_cast<T&>(object), class_version<T>());
    } else if constexpr (form<T> == Form::sequence) {
        save_sequence(archive, object);
    } else if constexpr (form<T> == Form::array) {
        save_array(archive, object);
    } else if constexpr (form<T> == Form::tuple) {
        std::apply(save_all, object);
    } else if constexpr (form<T> == Form::variant) {
        save_variant(archive, object);
    } else if constexpr (form<T> == Form::optional || form<T> == Form::unique_pointer) {
        save_number(archive, static_cast<bool>(object));
        if (object) save(archive, *object);
    } else {
        static_assert(form<T> == Form::aggregate);
        visit_members(object, save_all);
    }
}

template <class T>
void save(OutputArchive& archive, const T& object) {
    if constexpr (form<T> == Form::boost) {
        BoostFormat<T>::save(archive, object);
    } else if constexpr (std::is_same_v<T, std::string>) {
        archive.save_string(object);
    } else if constexpr (form<T> == Form::number) {
        save_number(archive, object);
    } else if constexpr (form<T> == Form::enumeration) {
        save_number(archive, static_cast<std::underlying_type_t<T>>(object));
    } else if constexpr (form<T> == Form::function) {
        save_function_pointer(archive, reinterpret_cast<void (*)()>(object));
    } else if constexpr (form<T> == Form::data_member) {
        archive.save_binary(&object, sizeof object);
    } else if constexpr (form<T> == Form::bytes) {
        archive.save_bytes(object);
    } else if constexpr (form<T> == Form::path) {
        save(archive, object.native());
    } else if constexpr (form<T> == Form::duration) {
        save(archive, object.count());
    } else if constexpr (form<T> == Form::time_point) {
        save(archive, object.time_since_epoch());
    } else if constexpr (form<T> == Form::complex) {
        save(archive, object.real());
        save(archive, object.imag());
    } else if constexpr (form<T> == Form::unknown && !travels<T>) {
        require_travels<T>();
    } else if constexpr (form<T> != Form::empty) {
        save_structure(archive, object);
    }
}

// ---- reading ------------------------------------------------------------------------------------

template <class T>
T load_number(InputArchive& archive) {
    T number{};
    if constexpr (std::is_same_v<T, bool>) {
        unsigned char byte = 0;
        archive.load_binary(&byte, 1);
        if (byte > 1) archive.refuse("a bool is neither 0 nor 1");
        number = byte == 1;
    } else if constexpr (std::is_same_v<T, long double>) {
        constexpr std::size_t used = std::numeric_limits<T>::digits == 64 ? 10 : sizeof(T);
        archive.load_binary(&number, used);
    } else {
        archive.load_binary(&number, sizeof number);
    }
    return number;
}

template <class T>
T load_enumerator(InputArchive& archive) {
    const auto number = load_number<std::underlying_type_t<T>>(archive);
    if constexpr (has_last_enumerator<T>) {
        // A negative number becomes too large.
        if (static_cast<std::uint64_t>(number) > static_cast<std::uint64_t>(last_enumerator<T>)) {
            archive.refuse("an enum has a value that none of its enumerators has");
        }
    }
    return static_cast<T>(number);
}

template <class T>
void load_block(InputArchive& archive, T& container) {
    using E = typename T::value_type;
    archive.load_block(sizeof(E), [&](std::span<const std::byte> block) {
        const auto size = block.size() / sizeof(E);
        if constexpr (std::is_same_v<T, std::string>) {
            if (size <= short_string_max && archive.remaining() >= string_room) {
                const auto* const text = reinterpret_cast<const char*>(block.data());
                return put_short_string(container, text, size);
            }
        }
        if (reinterpret_cast<std::uintptr_t>(block.data()) % alignof(E) == 0) {
            const auto* first = reinterpret_cast<const E*>(block.data());
            if constexpr (requires { container.reserve(size); }) {
                if (block.size() >= huge_pages_min) {
                    container.reserve(size);
                    prefer_huge_pages(container.data(), block.size());
                }
            }
            container.assign(first, first + size);  // once, and not zeroed before
        } else {
            container.resize(size);
            if (size != 0) std::memcpy(container.data(), block.data(), block.size());
        }
    });
}

template <class T>
void load_sequence(InputArchive& archive, T& sequence) {
    if constexpr (PlainBlock<T>) {
        load_block(archive, sequence);
    } else {
        sequence.clear();
        const auto count = archive.load_count();
        const auto before = archive.remaining();
        if constexpr (requires { sequence.reserve(count); }) {
            // No more memory on credit than there are bytes.
            sequence.reserve(std::min(count, before / sizeof(typename T::value_type) + 1));
        }
        for (std::size_t k = 0; k < count; ++k) {
            if constexpr (requires { typename T::key_type; }) {
                sequence.emplace_hint(sequence.end(), load<own_element<T>>(archive));
            } else {
                sequence.push_back(load<own_element<T>>(archive));
            }
        }
        for (auto read = before - archive.remaining(); read < count; ++read) {
            (void)load_number<char>(archive);
        }
    }
}

template <class T>
void load_array(InputArchive& archive, T& array) {
    using E = std::remove_cvref_t<decltype(array[0])>;
    if constexpr (is_plain<E>) {
        archive.load_binary(&array, std::size(array) * sizeof(E));
    } else {
        for (auto& element : array) load_into(archive, element);
    }
}

template <template <class...> class V, class... M>
void load_variant(InputArchive& archive, V<M...>& variant) {
    const auto index = archive.load_size();
    const auto load_at = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return ((index == I && (variant.template emplace<I>(load<M>(archive)), true)) || ...);
    };
    if (!load_at(std::index_sequence_for<M...>{})) {
        archive.refuse("a variant has an alternative that it cannot have");
    }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // a bit-field gets what was read from one
template <class T, class... M>
T make_of([[maybe_unused]] InputArchive& archive, TypeList<M...>) {
    return T{load<std::remove_const_t<M>>(archive)...};  // in braces: in this order
}
#pragma GCC diagnostic pop

template <class T>
void assign(T& object, T&& value) {
    if constexpr (std::is_move_assignable_v<T>) {
        object = std::forward<T>(value);
    } else {
        std::destroy_at(&object);
        std::construct_at(&object, std::forward<T>(value));
    }
}

template <class T>
void load_structure(InputArchive& archive, T& object) {
    const InputArchive::Nested nested(archive, true);
    if constexpr (form<T> == Form::member || form<T> == Form::unknown) {
        SerializationAccess::serialize(archive, object, class_version<T>());
    } else if constexpr (form<T> == Form::free) {
        free_serialize::call(archive, object, class_version<T>());
    } else if constexpr (form<T> == Form::sequence) {
        load_sequence(archive, object);
    } else if constexpr (form<T> == Form::array) {
        load_array(archive, object);
    } else if constexpr (form<T> == Form::variant) {
        load_variant(archive, object);
    } else {
        object.reset();
        if (!load_number<bool>(archive)) return;
        if constexpr (form<T> == Form::optional) {
            object.emplace(load<typename T::value_type>(archive));
        } else {
            static_assert(form<T> == Form::unique_pointer);
            using Element = typename T::element_type;
            object.reset(new Element(load<std::remove_const_t<Element>>(archive)));
        }
    }
}

template <class T>
T restore() {
    if constexpr (std::default_initializable<T>) {
        return T();
    } else {
        return std::bit_cast<T>(std::byte{});  // [=] or [&] that captures nothing
    }
}

/// An object made from what is read; its type need not have a default constructor.
template <class T>
T load(InputArchive& archive) {
    if constexpr (form<T> == Form::boost) {
        return BoostFormat<T>::load(archive);
    } else if constexpr (form<T> == Form::number) {
        return load_number<T>(archive);
    } else if constexpr (form<T> == Form::enumeration) {
        return load_enumerator<T>(archive);
    } else if constexpr (form<T> == Form::function) {
        return reinterpret_cast<T>(load_function_pointer(archive));
    } else if constexpr (form<T> == Form::bytes) {
        return archive.load_bytes();
    } else if constexpr (form<T> == Form::path) {
        return T(load<typename T::string_type>(archive));
    } else if constexpr (form<T> == Form::duration) {
        return T(load<typename T::rep>(archive));
    } else if constexpr (form<T> == Form::time_point) {
        return T(load<typename T::duration>(archive));
    } else if constexpr (form<T> == Form::complex) {
        const auto real = load<typename T::value_type>(archive);
        return T(real, load<typename T::value_type>(archive));
    } else if constexpr (form<T> == Form::empty) {
        return restore<T>();
    } else if constexpr (form<T> == Form::tuple) {
        const InputArchive::Nested nested(archive, true);
        return make_of<T>(archive, decltype(parts_of(std::declval<T>())){});
    } else if constexpr (form<T> == Form::aggregate) {
        const InputArchive::Nested nested(archive, true);
        return make_of<T>(archive, member_types<T>{});
    } else {
        T object{};
        load_into(archive, object);
        return object;
    }
}

template <class T>
void load_into(InputArchive& archive, T& object) {
    if constexpr (form<T> == Form::unknown && !travels<T>) {
        require_travels<T>();
    } else if constexpr (std::is_same_v<T, std::string> && form<T> == Form::sequence) {
        load_block(archive, object);
    } else if constexpr (form<T> == Form::member || form<T> == Form::free ||
                         form<T> == Form::sequence || form<T> == Form::array ||
                         form<T> == Form::variant || form<T> == Form::optional ||
                         form<T> == Form::unique_pointer || form<T> == Form::unknown) {
        load_structure(archive, object);
    } else if constexpr (form<T> == Form::data_member) {
        archive.load_binary(&object, sizeof object);
    } else {
        assign(object, load<T>(archive));
    }
}

}  // namespace satchel::detail
