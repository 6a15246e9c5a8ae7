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

/// Open addressing over indices into a vector of entries, with a piece of each hash beside the
/// index, so that a look-up that fails seldom touches an entry. At most 2^32 - 2 entries. Moves
/// only, as its keys may.
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

    /// The hash of `key`, whose slot is then on its way to the cache.
    [[nodiscard]] std::uint64_t announce(const K& key) const {
        const auto hash = hash_key<K>(key);
        if (!slots_.empty()) __builtin_prefetch(&slots_[hash & mask()]);
        return hash;
    }
    /// Brings the entry on its way, too, once the slot has arrived.
    void approach(std::uint64_t hash) const {
        if (entries_.empty()) return;
        const auto entry = slots_[hash & mask()].entry;
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
        const auto tag = static_cast<std::uint32_t>(hash >> 32);
        for (auto k = hash & mask();; k = (k + 1) & mask()) {
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
        const auto tag = static_cast<std::uint32_t>(hash >> 32);
        for (auto k = hash & mask();; k = (k + 1) & mask()) {
            const auto slot = slots_[k];
            if (slot.entry == empty) return nullptr;
            if (slot.tag != tag) continue;
            const auto& entry = entries_[slot.entry];
            if (is_same_key(entry.first, key)) return &entry.second;
        }
    }

    [[nodiscard]] const Entries& entries() const noexcept { return entries_; }
    [[nodiscard]] Entries& entries() noexcept { return entries_; }

    /// Writes the entries; the table of slots is made anew.
    template <class Archive>
    requires(travels<K>&& travels<V>) void serialize(Archive& archive, unsigned) {
        archive& entries_;
        if constexpr (Archive::is_loading::value) {
            std::size_t size = 16;
            while (entries_.size() * 2 >= size) size *= 2;
            fill_slots(size);
        }
    }

  private:
    static constexpr std::uint32_t empty = UINT32_MAX;
    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t entry = empty;
    };

    [[nodiscard]] std::uint64_t mask() const noexcept { return slots_.size() - 1; }

    // A key that is not there.
    template <class Key, class Make>
    [[gnu::noinline]] V& add(std::uint64_t hash, Key&& key, Make&& make) {
        if (entries_.size() * 2 >= slots_.size()) grow();
        entries_.emplace_back(std::forward<Key>(key), make());
        put(hash, static_cast<std::uint32_t>(entries_.size() - 1));
        return entries_.back().second;
    }

    void put(std::uint64_t hash, std::uint32_t entry) {
        auto k = hash & mask();
        while (slots_[k].entry != empty) k = (k + 1) & mask();
        slots_[k] = {static_cast<std::uint32_t>(hash >> 32), entry};
    }

    void grow() {
        constexpr std::size_t first_size = 16;
        fill_slots(slots_.empty() ? first_size : 2 * slots_.size());
    }

    void fill_slots(std::size_t size) {
        slots_.assign(size, Slot{});
        for (std::uint32_t entry = 0; entry < entries_.size(); ++entry) {
            put(hash_key<K>(entries_[entry].first), entry);
        }
    }

    Entries entries_;
    std::vector<Slot> slots_;
};

}  // namespace satchel::detail
