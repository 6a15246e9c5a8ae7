// Streams of batches: how elements flow through a fused pipeline.
//
// A stage pulls a batch from the stage before it, calls the user's function in a loop that the
// compiler can inline and vectorise, and gives the results on as the next batch. The virtual call
// is paid once a batch. A batch has about a thousand elements, or 256 KiB of them, whichever is
// less: it stays in the cache, and elements of a megabyte are alive one at a time.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/detail/node.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// std::min and std::max come with <string>, and the concepts of <ranges> with <memory>. The headers
// that are there for them cost every user's compilation a tenth of a second each.

namespace satchel::detail {

inline constexpr std::size_t batch_elements_max = 1024;
inline constexpr std::size_t batch_bytes_max = 256 * 1024;
inline constexpr std::size_t batch_opaque_max = 16;  // of types whose size nobody knows

// ---- what elements are made of ranges -----------------------------------------------------------

template <class V>
struct ElementType {
    using type = V;
};
template <>
struct ElementType<const char*> {
    using type = std::string;
};
template <>
struct ElementType<char*> : ElementType<const char*> {};
template <class K, class V>
struct ElementType<std::pair<const K, V>> {
    using type = std::pair<K, V>;
};
/// What a range of `V` makes a bag of: string literals become strings, and the pairs of a map such
/// as can be assigned, and so sorted.
template <class V>
using element_type = typename ElementType<std::decay_t<V>>::type;

/// Whether the parts of a range that is given away go with it. Those of a view do not, nor those of
/// a range that shares them with its copies: as a constant, it hands them out to be changed.
template <class Range>
inline constexpr bool owns_parts = !std::ranges::enable_view<Range> && [] {
    if constexpr (std::ranges::input_range<const Range>) {
        using Reference = std::ranges::range_reference_t<const Range>;
        return !std::is_lvalue_reference_v<Reference> ||
               std::is_const_v<std::remove_reference_t<Reference>>;
    } else {
        return true;
    }
}();

// ---- how large an element is --------------------------------------------------------------------

template <class T>
struct SizeOf;

/// The size of elements of type `T` can be told.
template <class T>
concept Measurable = std::is_trivially_copyable_v<T> || requires(const T& x) {
    SizeOf<T>::of(x);
};

template <class T>
std::size_t element_bytes(const T& element) {
    if constexpr (std::is_trivially_copyable_v<T>) {
        return sizeof(T);
    } else {
        return SizeOf<T>::of(element);
    }
}

template <>
struct SizeOf<std::string> {
    static std::size_t of(const std::string& x) { return sizeof x + x.size(); }
};
template <>
struct SizeOf<Bytes> {
    static std::size_t of(const Bytes& x) { return sizeof x + x.size(); }
};
template <Measurable T>
struct SizeOf<std::vector<T>> {
    static std::size_t of(const std::vector<T>& x) {
        if constexpr (std::is_trivially_copyable_v<T>) {
            return sizeof x + x.size() * sizeof(T);
        } else {
            std::size_t bytes = sizeof x;
            for (const auto& element : x) bytes += element_bytes(element);
            return bytes;
        }
    }
};
template <Measurable A, Measurable B>
struct SizeOf<std::pair<A, B>> {
    static std::size_t of(const std::pair<A, B>& x) {
        return element_bytes(x.first) + element_bytes(x.second);
    }
};
template <Measurable... T>
struct SizeOf<std::tuple<T...>> {
    static std::size_t of(const std::tuple<T...>& x) {
        return std::apply([](const auto&... part) { return (element_bytes(part) + ... + 0); }, x);
    }
};
template <Measurable T>
struct SizeOf<std::optional<T>> {
    static std::size_t of(const std::optional<T>& x) {
        return sizeof x + (x ? element_bytes(*x) : 0);
    }
};

/// So small and simple that copying an element costs no more than passing a reference to it, and
/// that a full batch of them is never too large.
template <class T>
inline constexpr bool is_light =
    std::is_trivially_copyable_v<T>&& std::is_trivially_destructible_v<T>&&
        std::is_copy_assignable_v<T> &&
    sizeof(T) * batch_elements_max <= batch_bytes_max && sizeof(T) <= 64;

// ---- batches
// -----------------------------------------------------------------------------------------

/// body(0) … body(n - 1). The inner loop has a fixed length, so that compilers vectorise it at -O2
/// too.
template <class F>
inline void for_each_index(std::size_t n, F&& body) {
    constexpr std::size_t block = 32;
    std::size_t k = 0;
    for (; k + block <= n; k += block) {
        for (std::size_t j = 0; j < block; ++j) body(k + j);
    }
    for (; k < n; ++k) body(k);
}

/// Some elements of a stream, valid until the next pull.
template <class T>
struct Batch {
    T* items = nullptr;                   ///< contiguous …
    const T* const* scattered = nullptr;  ///< … or, if set, here and there; then never owned
    std::size_t size = 0;
    bool owned = false;  ///< the elements may be moved from and overwritten by who pulled them

    [[nodiscard]] const T& at(std::size_t k) const {
        return scattered != nullptr ? *scattered[k] : items[k];
    }

    /// Calls `f` with elements from `from` on, as `T&&` if they are owned, else as `const T&`,
    /// until it returns false; gives the number of the first element that `f` was not called with.
    template <class F>
    std::size_t visit(std::size_t from, F&& f) const {
        const auto batch = *this;  // which the compiler knows that `f` leaves alone
        auto k = from;
        if (owned) {
            while (k < batch.size && f(std::move(batch.items[k]))) ++k;
        } else if (scattered != nullptr) {
            while (k < batch.size && f(*batch.scattered[k])) ++k;
        } else {
            while (k < batch.size && f(std::as_const(batch.items[k]))) ++k;
        }
        return k < size ? k + 1 : k;
    }

    /// Calls `f` with every element.
    template <class F>
    void for_each(F&& f) const {
        if constexpr (is_light<T>) {  // one loop, and one that vectorises
            const auto* const first = items;
            for_each_index(size, [&](std::size_t k) { f(first[k]); });
        } else {
            (void)visit(0, [&](auto&& element) {
                f(std::forward<decltype(element)>(element));
                return true;
            });
        }
    }
};

/// A stream of elements of type `T`.
template <class T>
class Stream : public StreamBase {
  public:
    /// Gives the next elements, possibly none. False at the end, also when asked again; `batch` is
    /// then as it was.
    virtual bool next(Batch<T>& batch) = 0;
};

template <class T>
std::unique_ptr<Stream<T>> typed(std::unique_ptr<StreamBase> stream) {
    return std::unique_ptr<Stream<T>>(static_cast<Stream<T>*>(stream.release()));
}

/// A stream that is made when its first elements are asked for, as making it is much work.
template <class T, class Make>
class LateStream final : public Stream<T> {
  public:
    explicit LateStream(Make make) : make_(std::move(make)) {}

    bool next(Batch<T>& batch) override {
        if (!made_) {
            made_ = make_();
            if (expected_ != 0) made_->expect(expected_);
        }
        return made_->next(batch);
    }
    void expect(std::size_t elements) override { expected_ = elements; }  // before the first

  private:
    Make make_;
    std::unique_ptr<Stream<T>> made_;
    std::size_t expected_ = 0;
};
template <class T, class Make>
std::unique_ptr<StreamBase> late_stream(Make make) {
    return std::make_unique<LateStream<T, Make>>(std::move(make));
}

/// Memory for a batch that a stage makes: contiguous, re-used, its elements destroyed when it is.
template <class T>
class BatchStorage {
  public:
    BatchStorage() = default;
    BatchStorage(const BatchStorage&) = delete;
    BatchStorage& operator=(const BatchStorage&) = delete;
    ~BatchStorage() {
        clear();
        if (items_ != nullptr) std::allocator<T>().deallocate(items_, capacity_);
    }

    /// Empties it, and makes room for as many elements as a batch should have.
    void prepare() {
        constexpr auto fitting = batch_bytes_max / sizeof(T) + 1;
        prepare(is_light<T> ? batch_elements_max : std::min(batch_elements_max, fitting));
    }

    /// Empties it, and makes room for `capacity` elements.
    void prepare(std::size_t capacity) {
        clear();
        if (capacity <= capacity_) return;
        if (items_ != nullptr) std::allocator<T>().deallocate(items_, capacity_);
        items_ = nullptr;
        capacity_ = 0;
        items_ = std::allocator<T>().allocate(capacity);
        capacity_ = capacity;
    }

    /// REQUIRES: there is room.
    template <class... A>
    T& emplace(A&&... arguments) {
        auto* place = std::construct_at(items_ + size_, std::forward<A>(arguments)...);
        ++size_;
        bytes_ += measured(*place);
        return *place;
    }

    /// Whether another element fits, by number and by bytes.
    [[nodiscard]] bool has_room() const noexcept {
        if constexpr (is_light<T>) {
            return size_ < capacity_;
        } else if constexpr (Measurable<T>) {
            return size_ < capacity_ && bytes_ < batch_bytes_max;
        } else {
            return size_ < std::min(capacity_, batch_opaque_max);
        }
    }

    [[nodiscard]] T* items() noexcept { return items_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// For light elements, which were written to items() directly.
    void set_size(std::size_t size) noexcept {
        static_assert(is_light<T>);
        size_ = size;
    }

    [[nodiscard]] Batch<T> batch() noexcept { return {items_, nullptr, size_, true}; }

  private:
    static std::size_t measured(const T& element) {
        if constexpr (is_light<T> || !Measurable<T>) {
            return 0;
        } else {
            return element_bytes(element);
        }
    }
    void clear() noexcept {
        std::destroy_n(items_, size_);
        size_ = 0;
        bytes_ = 0;
    }

    T* items_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
};

/// How many elements a source gives at a time: fewer if few are expected, and then twice as many
/// each time, because filters may drop them.
class BatchLimit {
  public:
    void expect(std::size_t elements) noexcept {
        limit_ = std::min(std::max<std::size_t>(elements, 1), batch_elements_max);
    }
    /// That of the next batch.
    [[nodiscard]] std::size_t next() noexcept {
        return std::exchange(limit_, std::min(2 * limit_, batch_elements_max));
    }

  private:
    std::size_t limit_ = batch_elements_max;
};

// ---- stored partitions
// -------------------------------------------------------------------------------

/// std::vector<bool> has no addresses for its elements; this has.
class BoolItems {
  public:
    using value_type = bool;
    BoolItems() = default;
    explicit BoolItems(const std::vector<bool>& values);

    [[nodiscard]] bool* data() noexcept { return reinterpret_cast<bool*>(bytes_.data()); }
    [[nodiscard]] const bool* data() const noexcept {
        return reinterpret_cast<const bool*>(bytes_.data());
    }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
    [[nodiscard]] bool* begin() noexcept { return data(); }
    [[nodiscard]] bool* end() noexcept { return data() + size(); }
    [[nodiscard]] const bool* begin() const noexcept { return data(); }
    [[nodiscard]] const bool* end() const noexcept { return data() + size(); }
    void reserve(std::size_t size) { bytes_.reserve(size); }
    void push_back(bool value) { bytes_.push_back(value ? 1 : 0); }

    void serialize(OutputArchive& archive, unsigned) const;
    void serialize(InputArchive& archive, unsigned);

  private:
    std::vector<unsigned char> bytes_;
    static_assert(sizeof(bool) == 1);
};

/// The elements of one partition, as tasks give them to each other: contiguous.
template <class T>
using Items = std::conditional_t<std::is_same_v<T, bool>, BoolItems, std::vector<T>>;

/// Lowering refuses pipelines that would have to copy a move-only element; this is its safety net.
[[noreturn]] void refuse_copy();

/// A `T` can be made from what a stream gives: always if it is given away, else if `T` can be
/// copied, which the standard containers claim also where their elements cannot.
template <class T, class Given>
inline constexpr bool can_keep = std::is_constructible_v<T, Given> &&
                                 (is_copyable<T> || !std::is_lvalue_reference_v<Given>);

/// Appends a batch: moved if it is owned.
template <class T>
void append(Items<T>& items, const Batch<T>& batch) {
    if constexpr (is_light<T> && !std::is_same_v<T, bool>) {
        items.insert(items.end(), batch.items, batch.items + batch.size);
    } else {
        batch.for_each([&](auto&& element) {
            using Element = decltype(element);
            if constexpr (can_keep<T, Element>) {
                items.push_back(std::forward<Element>(element));
            } else {
                refuse_copy();
            }
        });
    }
}

/// All that is left of a stream.
template <class T>
Items<T> collect_all(Stream<T>& stream) {
    Items<T> items;
    Batch<T> batch;
    while (stream.next(batch)) append(items, batch);
    return items;
}

/// Reads a partition that another task has made, in place.
template <class T>
class StoredStream final : public Stream<T> {
  public:
    /// The items must live as long as the stream.
    StoredStream(const T* items, std::size_t size, bool owned)
        : items_(items), size_(size), owned_(owned) {}

    bool next(Batch<T>& batch) override {
        if (at_ == size_) return false;
        batch = {const_cast<T*>(items_ + at_), nullptr, std::min(limit_.next(), size_ - at_),
                 owned_};
        at_ += batch.size;
        return true;
    }
    void expect(std::size_t elements) override { limit_.expect(elements); }

  private:
    const T* items_;
    std::size_t size_;
    std::size_t at_ = 0;
    bool owned_;
    BatchLimit limit_;
};

template <class T>
std::unique_ptr<StreamBase> read_items(const Value&, Binding& binding) {
    const auto& items = binding.arguments().template get<Items<T>>(binding.slot(0));
    return std::make_unique<StoredStream<T>>(items.data(), items.size(),
                                             binding.arguments().owns(binding.slot(0)));
}
template <class T>
Value collect_items(const Value&, Binding& binding) {
    const auto stream = typed<T>(std::move(binding.upstream(0)));
    return Value::make<Items<T>>(collect_all(*stream));
}

template <class T>
inline constexpr ElementOperations element_operations{
    &StreamCodeOf<&read_items<T>, void>::code, &SinkCodeOf<&collect_items<T>, void>::code,
    &TypeCode<Items<T>>::operations, is_copyable<T>};

}  // namespace satchel::detail
