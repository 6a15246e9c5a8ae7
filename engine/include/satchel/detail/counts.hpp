// Counts: how often each element occurs, in the order in which they came first.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/detail/ordered_map.hpp>
#include <satchel/detail/stages.hpp>
#include <satchel/detail/stream.hpp>
#include <satchel/detail/view_stream.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel::detail {

/// The value of an element in a map of elements, added if it is new.
template <class T, class V, class Element>
V& find_or_keep(OrderedMap<T, V>& map, std::uint64_t hash, Element&& element) {
    if constexpr (can_keep<T, Element&&>) {
        return map.find_or_add(hash, std::forward<Element>(element), [] { return V{}; });
    } else {
        refuse_copy();
    }
}

/// Moves only, as its elements may.
template <class T>
class Counts {
  public:
    using Entries = std::vector<std::pair<T, std::size_t>>;

    /// Hashes some at a time, so that the processor fetches the slots of all of them at once.
    void add(const Batch<T>& batch) {
        constexpr std::size_t block = 32;
        std::uint64_t hashes[block];
        for (std::size_t from = 0; from < batch.size;) {
            const auto size = std::min(block, batch.size - from);
            for (std::size_t k = 0; k < size; ++k) hashes[k] = map_.announce(batch.at(from + k));
            std::size_t k = 0;
            from = batch.visit(from, [&](auto&& x) {
                ++find_or_keep(map_, hashes[k], std::forward<decltype(x)>(x));
                return ++k < size;
            });
        }
    }
    void merge(Counts&& later) {
        for (auto& [x, count] : later.map_.entries()) {
            const auto hash = map_.announce(x);
            find_or_keep(map_, hash, std::move(x)) += count;
        }
    }
    /// It has none then.
    [[nodiscard]] Entries take() { return std::move(std::exchange(map_, {}).entries()); }

    template <class Archive>
    requires travels<T>
    void serialize(Archive& archive, unsigned) { archive& map_; }

  private:
    OrderedMap<T, std::size_t> map_;
};

/// Strings, most of which are words: those of up to 15 bytes lie in the table itself, each beside
/// its count, so that who counts one again touches one line of the cache, compares two numbers and
/// calls nothing. At most 2^32 - 2 different ones.
template <>
class Counts<std::string> {
  public:
    using Entries = std::vector<std::pair<std::string, std::size_t>>;

    Counts() = default;
    Counts(Counts&&) noexcept = default;
    Counts& operator=(Counts&&) noexcept = default;

    void add(const Batch<std::string>& batch) {
        batch.for_each([&](auto&& x) { add_one(std::forward<decltype(x)>(x)); });
    }
    void add(const ViewBatch& batch);
    void merge(Counts&& later);
    [[nodiscard]] Entries take();

    void serialize(OutputArchive& archive, unsigned) const;
    void serialize(InputArchive& archive, unsigned);

  private:
    static constexpr std::uint32_t empty = UINT32_MAX;

    // What a string is compared by: all of it if it is short, else its hash and its size.
    struct Image {
        std::uint64_t low = 0, high = 0;
        [[nodiscard]] bool is_long() const noexcept { return high >> 56 == 0xFF; }
        [[nodiscard]] std::uint64_t hash() const noexcept { return hash_mix(low, high); }
        friend bool operator==(const Image&, const Image&) = default;
    };
    struct Slot {
        Image image = {};
        std::uint32_t entry = empty;
        std::uint32_t more = 0;  // to be added to the count in the entry
    };

    [[nodiscard]] static Image image_of(std::string_view text, bool has_room) noexcept;
    template <class Text>
    Slot& find_or_add(const Image& image, Text&& text);
    template <class Text>
    Slot& add_slot(std::uint64_t place, const Image& image, Text&& text);
    [[nodiscard]] std::uint64_t free_place(const Image& image) const noexcept;
    void count(Slot& slot);
    void add_one(const std::string& text);
    void add_one(std::string&& text);
    void add_some(std::string&& text, std::size_t count);
    void grow();
    [[nodiscard]] std::vector<std::size_t> counts() const;

    Entries entries_;
    std::vector<Slot> slots_ = std::vector<Slot>(16);
    std::uint64_t mask_ = 15;
};

}  // namespace satchel::detail
