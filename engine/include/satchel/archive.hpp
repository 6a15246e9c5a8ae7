/// OutputArchive and InputArchive: objects as bytes, for another process of the same build.
///
///     struct Person {
///         std::string name;
///         int age = 0;
///         template <class Archive>
///         void serialize(Archive& archive, unsigned) { archive & name & age; }
///     };
///     satchel::Encoded bytes = satchel::encode(person);
///     Person copy = satchel::decode<Person>(bytes);
///
/// They model the Archive concept of Boost.Serialization: `&`, `<<`, `>>`, `is_saving`,
/// split_member, base_object, make_nvp (Boost's own, too, and BOOST_CLASS_VERSION); but there are
/// no class headers and no tracked pointers. Numbers are little-endian, sizes take as few bytes as
/// they need. What travels<T> says can be written. Large buffers are not copied into the bytes but
/// stand beside them, for scatter-gather output.
///
/// Reading checks everything against what is left before it allocates, and throws ArchiveError for
/// what nobody can have written.
///
/// Thread safety: none; an archive belongs to one thread.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/detail/short_string.hpp>
#include <satchel/error.hpp>
#include <satchel/travels.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel {

static_assert(std::endian::native == std::endian::little,
              "satchel's archives are little-endian and have been tried on such machines alone");

/// Bytes that cannot be what they claim to be, or an object that cannot be written.
class ArchiveError : public Error {
  public:
    using Error::Error;
};

/// A value or a function that cannot be sent to another process. The text says why, and the remedy.
class TravelError : public InvalidArgument {
  public:
    using InvalidArgument::InvalidArgument;
};

/// An object as bytes: `head`, and the large buffers of which it only holds the sizes, in order.
struct Encoded {
    Bytes head;
    std::vector<Bytes> segments;

    /// All bytes together.
    [[nodiscard]] std::uint64_t size() const noexcept;
};

/// A value and a name for it, which these archives do not need.
template <class T>
struct Nvp {
    const char* name;
    T& value;
};
template <class T>
[[nodiscard]] Nvp<T> make_nvp(const char* name, T& value) {
    return {name, value};
}

/// The part of `derived` that its base has: `archive & base_object<Base>(*this)`.
template <class Base, class Derived>
[[nodiscard]] auto& base_object(Derived& derived) {
    static_assert(std::is_base_of_v<Base, Derived>, "satchel: base_object<B>() needs a base B.");
    return static_cast<std::conditional_t<std::is_const_v<Derived>, const Base&, Base&>>(derived);
}

namespace detail {
/// Buffers of at least so many bytes stand beside the others.
inline constexpr std::size_t segment_min = 16 * 1024;

/// How deep objects may be nested: reading recurses, and the input must not choose how far.
inline constexpr int nesting_max = 1000;

[[noreturn]] void throw_nesting();

template <class T>
void save(OutputArchive& archive, const T& object);
template <class T>
void load_into(InputArchive& archive, T& object);
template <class T>
T load(InputArchive& archive);
}  // namespace detail

/// Writes objects.
class OutputArchive {
  public:
    using is_saving = std::true_type;
    using is_loading = std::false_type;

    OutputArchive() = default;

    /// For the library: one that copies large buffers, too, so that all bytes follow each other. To
    /// be read by InputArchive::contiguous().
    [[nodiscard]] static OutputArchive contiguous() {
        OutputArchive archive;
        archive.segment_min_ = SIZE_MAX;
        return archive;
    }

    template <class T>
    OutputArchive& operator&(const T& object) {
        detail::save(*this, object);
        return *this;
    }
    template <class T>
    OutputArchive& operator<<(const T& object) {
        return *this & object;
    }
    template <class T>
    OutputArchive& operator&(const Nvp<T>& named) {
        return *this & std::as_const(named.value);
    }

    /// `size` bytes as they are.
    void save_binary(const void* data, std::size_t size) {
        if (size > static_cast<std::size_t>(end_ - at_)) grow(size);
        if (size != 0) std::memcpy(at_, data, size);
        at_ += size;
    }

    /// A number in as few bytes as it needs.
    void save_size(std::uint64_t size) {
        for (; size >= 0x80; size >>= 7) save_byte(static_cast<unsigned char>(size | 0x80));
        save_byte(static_cast<unsigned char>(size));
    }

    /// Bytes with their size; large ones are shared.
    void save_bytes(const Bytes& bytes);

    /// Elements that lie one after another, as bytes. Large ones are shared if they surely live as
    /// long as the object that is being written, else copied.
    void save_block(const void* data, std::size_t size) {
        save_size(size);
        if (size >= segment_min_) return save_segment(data, size);
        save_binary(data, size);
    }

    /// The same for a string.
    void save_string(const std::string& string) {
        const auto size = string.size();
        if (size > detail::string_room || end_ - at_ <= std::ptrdiff_t{detail::string_room}) {
            return save_block(string.data(), size);
        }
        *at_ = static_cast<std::byte>(size);
        std::memcpy(at_ + 1, string.data(), detail::string_room);
        at_ += 1 + size;
    }

    /// How many bytes of the head there are.
    [[nodiscard]] std::size_t position() const noexcept {
        return static_cast<std::size_t>(at_ - buffer_.data());
    }

    /// All that was written. The archive is empty afterwards.
    [[nodiscard]] Encoded finish() &&;

    /// For the library: while one exists, what is written is a part of an object that
    /// `share(context)` keeps alive.
    using Share = std::shared_ptr<const void> (*)(const void* context);
    class Owner {
      public:
        Owner(OutputArchive& archive, Share share, const void* context)
            : archive_(archive), before_(std::exchange(archive.sharing_, {share, context, {}})) {}
        Owner(const Owner&) = delete;
        Owner& operator=(const Owner&) = delete;
        ~Owner() { archive_.sharing_ = std::move(before_); }

      private:
        friend OutputArchive;
        struct Sharing {
            Share share = nullptr;
            const void* context = nullptr;
            std::shared_ptr<const void> owner = {};  // what share gave
        };
        OutputArchive& archive_;
        Sharing before_;
    };

    /// For the library: while one exists, objects are nested deeper, and perhaps in the hands of a
    /// user's serialize, which may write what does not live long.
    class Nested {
      public:
        Nested(OutputArchive& archive, bool by_user)
            : archive_(archive), share_(archive.sharing_.share) {
            if (++archive_.depth_ > detail::nesting_max) detail::throw_nesting();
            if (by_user) archive_.sharing_.share = nullptr;
        }
        Nested(const Nested&) = delete;
        Nested& operator=(const Nested&) = delete;
        ~Nested() {
            --archive_.depth_;
            archive_.sharing_.share = share_;
        }

      private:
        OutputArchive& archive_;
        Share share_;
    };

  private:
    void save_byte(unsigned char byte) {
        if (at_ == end_) grow(1);
        *at_++ = static_cast<std::byte>(byte);
    }
    void save_segment(const void* data, std::size_t size);
    void grow(std::size_t size);

    Buffer buffer_;
    std::byte* at_ = nullptr;
    std::byte* end_ = nullptr;
    std::vector<Bytes> segments_;
    std::size_t segment_min_ = detail::segment_min;
    Owner::Sharing sharing_;
    int depth_ = 0;
};

/// Reads what an OutputArchive wrote.
class InputArchive {
  public:
    using is_saving = std::false_type;
    using is_loading = std::true_type;

    /// `Bytes` that are read share the memory of `encoded`.
    explicit InputArchive(Encoded encoded)
        : encoded_(std::move(encoded)),
          at_(encoded_.head.data()),
          end_(encoded_.head.data() + encoded_.head.size()) {}

    /// For the library: reads what an OutputArchive::contiguous() wrote.
    [[nodiscard]] static InputArchive contiguous(Bytes bytes) {
        InputArchive archive(Encoded{std::move(bytes), {}});
        archive.segment_min_ = SIZE_MAX;
        return archive;
    }

    template <class T>
    InputArchive& operator&(T&& object) {
        static_assert(
            !std::is_lvalue_reference_v<T> || !std::is_const_v<std::remove_reference_t<T>>,
            "satchel: this reads into a constant object.");
        detail::load_into(*this, const_cast<std::remove_cvref_t<T>&>(object));
        return *this;
    }
    template <class T>
    InputArchive& operator>>(T&& object) {
        return *this & std::forward<T>(object);
    }
    template <class T>
    InputArchive& operator&(const Nvp<T>& named) {
        return *this & named.value;
    }
    template <class T>
    InputArchive& operator&(Nvp<T>&& named) {
        return *this & named.value;
    }

    void load_binary(void* data, std::size_t size) {
        if (size > remaining()) throw_short(size);
        if (size != 0) std::memcpy(data, at_, size);
        at_ += size;
    }

    [[nodiscard]] std::uint64_t load_size() {
        if (at_ != end_ && *at_ < std::byte{0x80}) return static_cast<std::uint64_t>(*at_++);
        return load_long_size();
    }
    [[nodiscard]] Bytes load_bytes();

    /// The number of objects that follow; each takes a byte at least.
    [[nodiscard]] std::size_t load_count();

    /// Calls `use` with what save_block() wrote, as a span of bytes: a whole number of elements of
    /// `element_size`.
    template <class Use>
    void load_block(std::size_t element_size, const Use& use) {
        const auto size = load_size();
        if (size % element_size != 0) refuse("a block does not hold a whole number of elements");
        if (size < segment_min_) return use(take(size));
        const auto segment = load_segment(size);
        use(std::span(segment.data(), segment.size()));
    }

    /// How many bytes of the head are left.
    [[nodiscard]] std::size_t remaining() const noexcept {
        return static_cast<std::size_t>(end_ - at_);
    }

    /// Throws ArchiveError unless everything was read.
    void expect_end() const;

    /// Throws ArchiveError: `what` is wrong here.
    [[noreturn]] void refuse(const char* what) const;

    /// For the library; see OutputArchive.
    class Nested {
      public:
        Nested(InputArchive& archive, bool) : archive_(archive) {
            if (++archive_.depth_ > detail::nesting_max) detail::throw_nesting();
        }
        Nested(const Nested&) = delete;
        Nested& operator=(const Nested&) = delete;
        ~Nested() { --archive_.depth_; }

      private:
        InputArchive& archive_;
    };

  private:
    [[noreturn]] void throw_short(std::size_t wanted) const;
    std::span<const std::byte> take(std::uint64_t size) {
        if (size > remaining()) throw_short(static_cast<std::size_t>(size));
        return {std::exchange(at_, at_ + size), static_cast<std::size_t>(size)};
    }
    std::uint64_t load_long_size();
    Bytes load_segment(std::uint64_t size);

    Encoded encoded_;
    const std::byte* at_;
    const std::byte* end_;
    std::size_t next_segment_ = 0;
    std::size_t segment_min_ = detail::segment_min;
    int depth_ = 0;
};

namespace detail {
// Objects, not functions: those would be found, because of the archive, beside Boost's of the same
// name.
struct SplitMember {
    template <class Archive, class T>
    void operator()(Archive& archive, T& object, unsigned version) const {
        if constexpr (Archive::is_saving::value) {
            SerializationAccess::save(archive, std::as_const(object), version);
        } else {
            SerializationAccess::load(archive, object, version);
        }
    }
};
struct SplitFree {
    template <class Archive, class T>
    void operator()(Archive& archive, T& object, unsigned version) const {
        if constexpr (Archive::is_saving::value) {
            save(archive, std::as_const(object), version);
        } else {
            load(archive, object, version);
        }
    }
};
}  // namespace detail

/// split_member(archive, *this, version) calls save() or load(): for a serialize that differs by
/// direction.
inline constexpr detail::SplitMember split_member{};
/// split_free(archive, object, version) calls save(archive, object, version), or load(…), of the
/// object's namespace.
inline constexpr detail::SplitFree split_free{};

}  // namespace satchel

#include <satchel/detail/serialize.hpp>

namespace satchel {

/// An object as bytes. Large buffers are copied; those of `Bytes` are shared.
template <class T>
[[nodiscard]] Encoded encode(const T& object) {
    OutputArchive archive;
    archive& object;
    return std::move(archive).finish();
}

/// The object that was encoded. Throws ArchiveError if the bytes are damaged, or are not a `T`.
template <class T>
[[nodiscard]] T decode(Encoded encoded) {
    InputArchive archive(std::move(encoded));
    T object = detail::load<T>(archive);
    archive.expect_end();
    return object;
}

}  // namespace satchel
