/// Value: one immutable C++ object of any type, as it passes between tasks.
///
///     satchel::Value v = satchel::Value::of(std::string("text"));
///     satchel::Value w = v;                        // shares the object
///     v.get<std::string>();                        // const std::string&
///     std::move(w).take<std::string>();            // moved if nobody else holds it, else copied
///
/// Sixteen bytes: small trivial objects lie in the value itself, others in a counted box. A value
/// can be written to an archive if its type travels, and read again by any process of the same
/// build.
///
/// Thread safety: distinct values may be used from any thread, also when they share an object.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/detail/code.hpp>
#include <satchel/error.hpp>

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace satchel {

class Value;

/// What a function that returns nothing gives, to those that take its result.
struct Unit {
    friend bool operator==(Unit, Unit) = default;
};

namespace detail {

/// What is stored of a result of type `T`, which may be void.
template <class T>
using stored_type = std::conditional_t<std::is_void_v<T>, Unit, T>;

template <class T, class... Outer>
consteval bool can_be_copied();

template <class... Outer, class... M>
consteval bool can_all_be_copied(TypeList<M...>) {
    return (can_be_copied<std::remove_const_t<M>, Outer...>() && ...);
}

// The standard containers claim it even where their elements cannot, and so does what is made of
// such containers. `Outer…` are the types that `T` is a part of.
template <class T, class... Outer>
consteval bool can_be_copied() {
    if constexpr ((std::is_same_v<T, Outer> || ...)) {
        return true;
    } else if constexpr (!std::is_copy_constructible_v<T>) {
        return false;
    } else if constexpr (member_count<T> != not_simple) {
        return can_all_be_copied<T, Outer...>(member_types<T>{});
    } else if constexpr (requires {
                             typename T::allocator_type;
                             typename T::value_type;
                         }) {
        return can_be_copied<std::remove_const_t<typename T::value_type>, T, Outer...>();
    } else if constexpr (OptionalLike<T>) {
        return can_be_copied<std::remove_cvref_t<decltype(*std::declval<const T&>())>, T,
                             Outer...>();
    } else if constexpr (TupleLike<T> && requires(const T& x) { parts_of(x); }) {
        return can_all_be_copied<T, Outer...>(decltype(parts_of(std::declval<T>())){});
    } else {
        return true;
    }
}
/// Whether objects can be copied, with all that they are made of.
template <class T>
inline constexpr bool is_copyable = can_be_copied<T>();

/// A counted object on the heap.
struct Box {
    std::atomic<std::uint32_t> references{1};
};

template <class T>
struct BoxOf : Box {
    template <class... A>
    explicit BoxOf(A&&... arguments) : object(std::forward<A>(arguments)...) {}
    T object;
};

/// What can be done with an object whose type is no longer known.
struct TypeOperations : CodeDescriptor {
    void (*destroy)(Box*) noexcept;  // null: the object lies in the value
    bool copyable;
    TravelProblem problem;  // why it cannot be written
    void (*save)(OutputArchive&, const Value&);
    Value (*load)(InputArchive&);
};

template <class T>
inline constexpr bool fits_in_value =
    sizeof(T) <= 8 &&
    alignof(T) <= 8 && std::is_trivially_copyable_v<T>&& std::is_trivially_destructible_v<T>;

/// The bits of a small object, in one register. Storing the object and then copying the word that
/// it is part of would wait until the store has arrived.
template <class T>
std::uint64_t bits_of(const T& object) noexcept {
    const auto bits_as = [&](auto bits) -> std::uint64_t {
        std::memcpy(&bits, &object, sizeof object);
        return bits;
    };
    if constexpr (sizeof(T) == 1) return bits_as(std::uint8_t{});
    if constexpr (sizeof(T) == 2) return bits_as(std::uint16_t{});
    if constexpr (sizeof(T) == 4) return bits_as(std::uint32_t{});
    return bits_as(std::uint64_t{});
}

template <class T>
void destroy_box(Box* box) noexcept {
    delete static_cast<BoxOf<T>*>(box);
}

template <class T>
void save_object(OutputArchive& archive, const Value& value);
template <class T>
Value load_object(InputArchive& archive);

template <class T>
struct [[gnu::visibility("hidden")]] TypeCode {
    static constexpr bool can_travel = travels<T>;
    static constinit inline const TypeOperations operations{
        {code_magic(CodeKind::type), &TypeCode::operations, &typeid(T)},
        fits_in_value<T> ? nullptr : &destroy_box<T>,
        is_copyable<T>,
        can_travel ? TravelProblem::none : problem_of<T>(),
        [] {
            if constexpr (can_travel)
                return &save_object<T>;
            else
                return nullptr;
        }(),
        [] {
            if constexpr (can_travel)
                return &load_object<T>;
            else
                return nullptr;
        }()};
};
template <class T>
inline constexpr const TypeOperations& operations_of = TypeCode<T>::operations;

}  // namespace detail

/// A shared, type-erased, immutable object; empty when default-constructed.
class Value {
  public:
    Value() noexcept = default;
    Value(const Value& other) noexcept : type_(other.type_), word_(other.word_) {
        if (boxed()) box()->references.fetch_add(1, std::memory_order_relaxed);
    }
    Value(Value&& other) noexcept
        : type_(std::exchange(other.type_, nullptr)), word_(other.word_) {}
    Value& operator=(Value other) noexcept {
        std::swap(type_, other.type_);
        std::swap(word_, other.word_);
        return *this;
    }
    ~Value() { reset(); }

    /// A value that holds `object`, moved or copied in.
    template <class T>
    [[nodiscard]] static Value of(T&& object) {
        return make<std::decay_t<T>>(std::forward<T>(object));
    }

    /// A value that holds a `T` made from `arguments`.
    template <class T, class... A>
    [[nodiscard]] static Value make(A&&... arguments) {
        Value value;
        if constexpr (detail::fits_in_value<T>) {
            const T object(std::forward<A>(arguments)...);
            const auto bits = detail::bits_of(object);
            std::memcpy(&value.word_, &bits, sizeof bits);
        } else {
            detail::Box* box = new detail::BoxOf<T>(std::forward<A>(arguments)...);
            std::memcpy(&value.word_, &box, sizeof box);
        }
        value.type_ = &detail::operations_of<T>;
        return value;
    }

    [[nodiscard]] bool has_value() const noexcept { return type_ != nullptr; }

    /// The type of the object. REQUIRES: has_value().
    [[nodiscard]] const std::type_info& type() const noexcept { return *type_->type; }

    /// The object, valid while this value holds it. REQUIRES: it was made as a `T`.
    template <class T>
    [[nodiscard]] const T& get() const noexcept {
        return *const_cast<Value*>(this)->template object<T>();
    }

    /// Whether no other value shares the object, so that it may be changed or moved from.
    [[nodiscard]] bool unique() const noexcept {
        return !boxed() || box()->references.load(std::memory_order_acquire) == 1;
    }

    /// The object for its only owner. REQUIRES: unique().
    template <class T>
    [[nodiscard]] T& unique_object() noexcept {
        assert(unique());
        return *object<T>();
    }

    /// Gives the object away: moved if nobody shares it, else copied.
    /// Throws InvalidArgument if it is shared and of a type that cannot be copied.
    template <class T>
    [[nodiscard]] T take() && {
        if (unique()) return std::move(*object<T>());
        if constexpr (detail::is_copyable<T>) {
            return *object<T>();
        } else {
            throw InvalidArgument(
                "a value of a move-only type has several users, or a handle keeps it, and it "
                "cannot "
                "be copied; take it by const reference, as in kept.apply(look)");
        }
    }

    /// Writes the type and the object. Throws TravelError if objects of that type do not travel.
    void serialize(OutputArchive& archive, unsigned) const;
    /// Reads what was written. Throws ModuleMissing if this process does not have the type.
    void serialize(InputArchive& archive, unsigned);

    /// For the library: what can be done with the object. REQUIRES: has_value().
    [[nodiscard]] const detail::TypeOperations& operations() const noexcept { return *type_; }

    /// Drops the object; the value is empty afterwards.
    void reset() noexcept {
        if (boxed() && box()->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            type_->destroy(box());
        }
        type_ = nullptr;
    }

  private:
    [[nodiscard]] bool boxed() const noexcept {
        return type_ != nullptr && type_->destroy != nullptr;
    }
    [[nodiscard]] detail::Box* box() const noexcept {
        detail::Box* box;
        std::memcpy(&box, &word_, sizeof box);
        return box;
    }
    template <class T>
    T* object() noexcept {
        assert(type_ == &detail::operations_of<T> || (has_value() && type() == typeid(T)));
        if constexpr (detail::fits_in_value<T>) {
            return std::launder(reinterpret_cast<T*>(&word_));
        } else {
            return &static_cast<detail::BoxOf<T>*>(box())->object;
        }
    }

    // A small object or the address of a box. Of characters, so that it may be copied as whatever
    // it is.
    struct Word {
        alignas(8) unsigned char bytes[8];
    };

    const detail::TypeOperations* type_ = nullptr;
    Word word_ = {};
};

namespace detail {

template <class T>
void save_object(OutputArchive& archive, const Value& value) {
    const OutputArchive::Owner owner(
        archive,
        [](const void* held) -> std::shared_ptr<const void> {
            return std::make_shared<Value>(*static_cast<const Value*>(held));
        },
        &value);
    save(archive, value.get<T>());
}

template <class T>
Value load_object(InputArchive& archive) {
    return Value::make<T>(load<T>(archive));
}

/// Writes the object in `value` without its type, for who knows that. Throws TravelError.
void save_state(OutputArchive& archive, const Value& value);

}  // namespace detail
}  // namespace satchel
