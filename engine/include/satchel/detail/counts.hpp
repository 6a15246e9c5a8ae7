// Counts: how often each element occurs, in the order in which they came first.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/detail/ordered_map.hpp>
#include <satchel/detail/stages.hpp>
#include <satchel/detail/stream.hpp>
#include <satchel/detail/text_store.hpp>
#include <satchel/detail/view_stream.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel::detail {

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
                ++count_of(hashes[k], std::forward<decltype(x)>(x));
                return ++k < size;
            });
        }
    }
    void merge(Counts&& later) {
        map_.merge(std::move(later.map_),
                   [](std::size_t& count, std::size_t more) { count += more; });
    }
    /// It has none then.
    [[nodiscard]] Entries take() { return std::move(std::exchange(map_, {}).entries()); }

    template <class Archive>
    requires travels<T>
    void serialize(Archive& archive, unsigned) { archive& map_; }

  private:
    template <class Element>
    std::size_t& count_of(std::uint64_t hash, Element&& element) {
        if constexpr (can_keep<T, Element&&>) {
            return map_.find_or_add(hash, std::forward<Element>(element),
                                    [] { return std::size_t{0}; });
        } else {
            refuse_copy();
        }
    }

    OrderedMap<T, std::size_t> map_;
};

/// Strings, most of which are words: those of up to 11 bytes lie in the table itself, each beside
/// its count, in 16 bytes that no border of a cache line divides; longer ones lie one behind the
/// other. Who counts one again touches a line of the cache or two, and calls and allocates nothing;
/// no string is made before they are taken. Throws Error for more than 2^31 different ones, or more
/// text than a TextStore has numbers for.
template <>
class Counts<std::string> {
  public:
    using Entries = std::vector<std::pair<std::string, std::size_t>>;

    Counts() = default;
    Counts(Counts&&) noexcept = default;
    Counts& operator=(Counts&&) noexcept = default;

    void add(const Batch<std::string>& batch);
    void add(const ViewBatch& batch);
    void add_one(const std::string& text);
    void add_one(std::string&& text);
    void merge(Counts&& later);
    [[nodiscard]] Entries take();

    void serialize(OutputArchive& archive, unsigned) const;
    void serialize(InputArchive& archive, unsigned);

  private:
    // What a string is compared by: a short one with its size; of a long one a piece of its hash
    // and of its size. That of no string is zero.
    struct Image {
        std::uint64_t low = 0;
        std::uint32_t high = 0;

        [[nodiscard]] bool is_long() const noexcept { return high >> 24 == 0xFF; }
        [[nodiscard]] std::uint64_t hash(std::uint64_t seed) const noexcept {
            return mixed(is_long() ? low >> 32 : low, high, seed);
        }
        // Of a long string in a table: the low half of `low`, which is no part of what it is
        // compared by. Before it is in one, it has none, and so is equal to no image in a table.
        [[nodiscard]] std::uint32_t number() const noexcept {
            return static_cast<std::uint32_t>(low);
        }
        void set_number(std::uint32_t number) noexcept { low = (low >> 32) << 32 | number; }

        // Of a product, one factor of which is zero or nearly so, little is left. With a seed in
        // both, nobody can choose texts for which it is.
        static std::uint64_t mixed(std::uint64_t low, std::uint32_t high,
                                   std::uint64_t seed) noexcept {
            return hash_mix(low ^ seed, high ^ seed);
        }

        friend bool operator==(const Image&, const Image&) = default;
    };
    struct alignas(16) Slot {
        std::uint64_t low = 0;
        std::uint32_t high = 0;
        std::uint32_t count = 0;

        [[nodiscard]] Image image() const noexcept { return {low, high}; }
        [[nodiscard]] bool is_empty() const noexcept { return high == 0; }
    };
    struct Looked {
        Image image;
        std::uint64_t hash = 0;
    };

    static std::uint64_t seed_of_process();
    static void look_at(std::string_view text, bool has_room, std::uint64_t seed,
                        Looked& looked) noexcept;
    static void look_at_long(std::string_view text, std::uint64_t seed, Looked& looked) noexcept;
    template <class Look, class Give>
    void for_each_looked_at(std::size_t size, Look&& look, Give&& give);
    template <bool padded>
    void add_texts(const std::string_view* texts, std::size_t size);

    template <class Text>
    Slot& find_or_add(const Looked& looked, Text&& text);
    template <class Text>
    Slot& search_or_add(const Looked& looked, Text&& text);
    template <class Text>
    Slot& add_slot(const Looked& looked, Text&& text);
    [[nodiscard]] bool holds_long(const Slot& slot, const Image& image,
                                  std::string_view text) const noexcept;
    [[nodiscard]] std::size_t free_place(std::uint64_t hash) const noexcept;
    void grow();
    void count_one(Slot& slot);
    void count(Slot& slot, std::uint64_t times);
    void carry(const Slot& slot, std::uint64_t times);
    [[nodiscard]] std::string_view text_of(const Slot& slot) const noexcept;
    template <class Use>
    void for_each_text(Use&& use) const;

    std::uint64_t seed_ = seed_of_process();
    std::vector<Slot> slots_ = std::vector<Slot>(64);
    std::uint64_t mask_ = 63;
    std::vector<std::uint32_t> places_;  // of the slots, in the order in which the strings came
    TextStore longs_;
    // What does not fit into the counts of slots: their places, and how often; some several times.
    std::vector<std::pair<std::uint32_t, std::uint64_t>> carried_;
};

}  // namespace satchel::detail
