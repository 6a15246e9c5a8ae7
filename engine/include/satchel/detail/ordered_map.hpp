// OrderedMap: a hash map that gives its entries in the order in which they came first.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/detail/same_key.hpp>
#include <satchel/stable_hash.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel::detail {

template <class K>
concept HashableKey = StablyHashable<K> || HasStandardHash<K>;

template <class K>
inline constexpr bool is_class_of_user =
    std::is_class_v<K> && !is_standard<K>() && !std::is_same_v<K, Bytes>;

/// Hashes by stable_hash where it can, else by std::hash. What a class of the user's says of itself
/// counts more than what its parts say.
template <class K>
std::uint64_t hash_key(const K& key) {
    if constexpr (is_class_of_user<K> && own_hash::Exists<K>) {
        return hash_mix(stable_hash(key), 6);  // which may be a number that counts up
    } else if constexpr (StablyHashable<K> && !(is_class_of_user<K> && HasStandardHash<K>)) {
        return StableHash{}(key);
    } else {
        return hash_mix(std::hash<K>{}(key), 6);
    }
}

/// Open addressing over indices into a vector of entries, with the lower half of each hash beside
/// the index, so that a look-up that fails seldom touches an entry, and a table that grows none. At
/// most 2^31 entries. Moves only, as its keys may.
template <class K, class V>
class OrderedMap {
    static_assert(
        requires(const K& a, const K& b) { static_cast<bool>(a == b); },
        "satchel: elements or keys that are counted, grouped or joined need an operator==. "
        "Give their type one: bool operator==(const Mine&) const = default;");

  public:
    using key_type = K;
    using Entries = std::vector<std::pair<K, V>>;

    OrderedMap() = default;
    OrderedMap(OrderedMap&&) noexcept = default;
    OrderedMap& operator=(OrderedMap&&) noexcept = default;

    /// Whether it has outgrown the caches of a processor, so that each look-up waits for memory.
    [[nodiscard]] bool is_large() const noexcept {
        constexpr std::size_t cache = std::size_t{256} << 10;
        return slots_.size() * sizeof(Slot) + entries_.size() * sizeof(entries_.front()) > cache;
    }

    /// The hash of `key`, whose slot is then on its way to the cache.
    [[nodiscard]] std::uint64_t announce(const K& key) const {
        const auto hash = hash_key<K>(key);
        if (!slots_.empty()) __builtin_prefetch(&slots_[place_of(tag_of(hash))]);
        return hash;
    }
    /// Brings the entry on its way, too, once the slot has arrived.
    void approach(std::uint64_t hash) const {
        if (entries_.empty()) return;
        const auto entry = slots_[place_of(tag_of(hash))].entry;
        __builtin_prefetch(entries_.data() + (entry == empty ? 0 : entry));
    }

    /// The value of `key`; if it is new, what `make` gives.
    template <class Key, class Make>
    V& find_or_add(Key&& key, Make&& make) {
        const auto hash = hash_key<K>(key);
        return find_or_add(hash, std::forward<Key>(key), std::forward<Make>(make));
    }

    /// The same for a key whose hash is known.
    template <class Key, class Make>
    V& find_or_add(std::uint64_t hash, Key&& key, Make&& make) {
        if (slots_.empty()) grow();
        const auto tag = tag_of(hash);
        for (auto k = place_of(tag);; k = (k + 1) & mask()) {
            const auto slot = slots_[k];
            if (slot.tag == tag && slot.entry != empty) {
                auto& entry = entries_[slot.entry];
                if (is_same_key(entry.first, key)) return entry.second;
            } else if (slot.entry == empty) {
                break;
            }
        }
        return add(hash, std::forward<Key>(key), std::forward<Make>(make));
    }

    /// The value of `key`, whose hash is given, or null.
    [[nodiscard]] const V* find(std::uint64_t hash, const K& key) const {
        if (entries_.empty()) return nullptr;
        const auto tag = tag_of(hash);
        for (auto k = place_of(tag);; k = (k + 1) & mask()) {
            const auto slot = slots_[k];
            if (slot.entry == empty) return nullptr;
            if (slot.tag != tag) continue;
            const auto& entry = entries_[slot.entry];
            if (is_same_key(entry.first, key)) return &entry.second;
        }
    }

    [[nodiscard]] const Entries& entries() const noexcept { return entries_; }
    [[nodiscard]] Entries& entries() noexcept { return entries_; }

    /// Adds the entries of `later`, which has none then; what both have is left to
    /// `join(value, value_of_later)`. Looks up some at a time, so that the processor waits once for
    /// the slots and entries of all of them.
    template <class Join>
    void merge(OrderedMap&& later, const Join& join) {
        constexpr std::size_t block = 32;
        std::uint64_t hashes[block];
        auto taken = std::move(std::exchange(later, {}).entries_);
        for (std::size_t from = 0; from < taken.size(); from += block) {
            const auto size = std::min(block, taken.size() - from);
            for (std::size_t k = 0; k < size; ++k) hashes[k] = announce(taken[from + k].first);
            for (std::size_t k = 0; k < size; ++k) approach(hashes[k]);
            for (std::size_t k = 0; k < size; ++k) {
                auto& [key, value] = taken[from + k];
                const auto before = entries_.size();
                auto& found =
                    find_or_add(hashes[k], std::move(key), [&] { return std::move(value); });
                if (entries_.size() == before) join(found, std::move(value));
            }
        }
    }

    /// Writes the entries; the table of slots is made anew.
    template <class Archive>
    requires(travels<K>&& travels<V>) void serialize(Archive& archive, unsigned) {
        archive& entries_;
        if constexpr (Archive::is_loading::value) {
            auto size = first_size;
            while (entries_.size() * 2 >= size) size *= 2;
            slots_.assign(size, Slot{});
            for (std::uint32_t entry = 0; entry < entries_.size(); ++entry) {
                put({tag_of(hash_key<K>(entries_[entry].first)), entry});
            }
        }
    }

  private:
    static constexpr std::uint32_t empty = UINT32_MAX;
    static constexpr std::size_t first_size = 16;
    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t entry = empty;
    };

    static std::uint32_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash);
    }
    [[nodiscard]] std::size_t place_of(std::uint32_t tag) const noexcept { return tag & mask(); }
    [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }

    // A key that is not there.
    template <class Key, class Make>
    [[gnu::noinline]] V& add(std::uint64_t hash, Key&& key, Make&& make) {
        if (entries_.size() * 2 >= slots_.size()) grow();
        entries_.emplace_back(std::forward<Key>(key), make());
        put({tag_of(hash), static_cast<std::uint32_t>(entries_.size() - 1)});
        return entries_.back().second;
    }

    void put(Slot slot) {
        auto k = place_of(slot.tag);
        while (slots_[k].entry != empty) k = (k + 1) & mask();
        slots_[k] = slot;
    }

    void grow() {
        const auto size = slots_.empty() ? first_size : 2 * slots_.size();
        for (const auto slot : std::exchange(slots_, std::vector<Slot>(size))) {
            if (slot.entry != empty) put(slot);
        }
    }

    Entries entries_;
    std::vector<Slot> slots_;  // a power of two, at most 2^32
};

}  // namespace satchel::detail
