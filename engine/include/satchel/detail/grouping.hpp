// The reducers that give bags: frequencies, distinct, foldby, topk.
#pragma once

#include <satchel/detail/counts.hpp>
#include <satchel/detail/key_block.hpp>
#include <satchel/detail/ordered_map.hpp>
#include <satchel/detail/reducers.hpp>
#include <satchel/detail/stable_sort.hpp>

#include <cstdint>
#include <iterator>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Calls `key`, or gives the element itself where there is no key function.
struct Itself {
    template <class T>
    const T& operator()(const T& x) const {
        return x;
    }
};
template <class F, class T>
inline constexpr bool accepts_key = std::is_invocable_v<const F&, const T&>;

/// Refuses, in words, what makes no keys of elements, and keys that would not own what they refer
/// to.
template <class F, class T>
constexpr bool check_key() {
    static_assert(accepts_key<F, T>,
                  "satchel: this key cannot be called with the elements of this bag. Pass a "
                  "function of a const T&, or a pointer to a member.");
    if constexpr (std::is_same_v<F, Itself>) {
        return true;
    } else if constexpr (accepts_key<F, T>) {
        return check_copyable<F>() && check_result<key_result<F, T>>();
    } else {
        return false;
    }
}

/// A member of partial results that are not copied even where their elements could be.
struct MoveOnly {
    MoveOnly() = default;
    MoveOnly(MoveOnly&&) noexcept = default;
    MoveOnly& operator=(MoveOnly&&) noexcept = default;
};

/// A `T` to keep: moved if it is given away, else copied.
template <class T, class Element>
T kept(Element&& element) {
    if constexpr (can_keep<T, Element&&>) {
        return T(std::forward<Element>(element));
    } else {
        refuse_copy();
    }
}

/// Elements may come one by one. Other counts hash many of a batch at the same time.
template <class C, class Element>
concept CountsOne = requires(C& counts, Element&& element) {
    counts.add_one(std::forward<Element>(element));
};

/// frequencies
template <class T>
struct FrequenciesReducer {
    using Partial = Counts<T>;
    static constexpr bool moves = true;
    bool sort;

    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& counts, const Batch<T>& batch) { counts.add(batch); }
    void add_views(Partial& counts, const ViewBatch& batch) { counts.add(batch); }
    template <class Element>
    requires CountsOne<Partial, Element>
    void add_one(Partial& counts, Element&& x) { counts.add_one(std::forward<Element>(x)); }
    void merge(Partial& earlier, Partial&& later) { earlier.merge(std::move(later)); }
    [[nodiscard]] std::vector<std::pair<T, std::size_t>> finish(Partial&& counts) const {
        auto entries = counts.take();
        if (sort) {
            stable_sort(entries, [](const auto& a, const auto& b) { return a.second > b.second; });
        }
        return entries;
    }
};

/// distinct: the first element of each key.
template <class T, class F>
struct DistinctReducer {
    using K = key_result<F, T>;
    struct Partial {
        OrderedMap<K, Unit> seen = {};
        Items<T> items = {};
        [[no_unique_address]] MoveOnly moves_only = {};
    };
    static constexpr bool moves = true;
    F key;

    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& partial, const Batch<T>& batch) {
        bool is_new = false;
        const auto make = [&] {
            is_new = true;
            return Unit{};
        };
        for_each_by_key(partial.seen, key, batch, make, [&](Unit, auto&& x) {
            if (!std::exchange(is_new, false)) return;
            partial.items.push_back(kept<T>(std::forward<decltype(x)>(x)));
        });
    }
    void merge(Partial& earlier, Partial&& later) {
        add(earlier, {later.items.data(), nullptr, later.items.size(), true});
    }
    [[nodiscard]] Items<T> finish(Partial&& partial) const { return std::move(partial.items); }
};

/// distinct without a key: the elements that were counted.
template <class T>
struct DistinctReducer<T, Itself> {
    using Partial = Counts<T>;
    static constexpr bool moves = true;
    Itself key;

    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& seen, const Batch<T>& batch) { seen.add(batch); }
    void add_views(Partial& seen, const ViewBatch& batch) { seen.add(batch); }
    template <class Element>
    requires CountsOne<Partial, Element>
    void add_one(Partial& seen, Element&& x) { seen.add_one(std::forward<Element>(x)); }
    void merge(Partial& earlier, Partial&& later) { earlier.merge(std::move(later)); }
    [[nodiscard]] Items<T> finish(Partial&& seen) const {
        Items<T> items;
        auto entries = seen.take();
        items.reserve(entries.size());
        for (auto& entry : entries) items.push_back(std::move(entry.first));
        return items;
    }
};

/// foldby: a fold (one of the fold reducers, which say what a result begins with) for each key.
template <class T, class F, class Fold>
struct FoldbyReducer {
    using K = key_result<F, T>;
    using Partial = OrderedMap<K, typename Fold::Partial>;
    static constexpr bool moves = Fold::moves;
    F key;
    Fold fold;

    void begin_partition(std::uint32_t index) {
        if constexpr (requires { fold.begin_partition(index); }) fold.begin_partition(index);
    }
    [[nodiscard]] bool in_order() const {
        if constexpr (requires { fold.in_order(); }) return fold.in_order();
        return false;
    }
    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& groups, const Batch<T>& batch) {
        const auto make = [&] { return fold.start(); };
        for_each_by_key(groups, key, batch, make, [&](auto& group, auto&& x) {
            fold.add_one(group, std::forward<decltype(x)>(x));
        });
    }
    void merge(Partial& earlier, Partial&& later) {
        earlier.merge(std::move(later), [&](auto& group, auto&& folded) {
            fold.merge(group, std::forward<decltype(folded)>(folded));
        });
    }
    [[nodiscard]] auto finish(Partial&& groups) {
        using Acc = decltype(fold.finish(std::declval<typename Fold::Partial>()));
        std::vector<std::pair<K, Acc>> results;
        results.reserve(groups.entries().size());
        for (auto& [k, folded] : groups.entries()) {
            results.emplace_back(std::move(k), fold.finish(std::move(folded)));
        }
        return results;
    }
};

/// An element and what topk compares it by.
template <class T, class F>
struct Ranked {
    key_result<F, T> rank;
    T element;
    [[nodiscard]] const auto& key() const { return rank; }
};
template <class T>
struct Ranked<T, Itself> {
    T element;
    [[nodiscard]] const T& key() const { return element; }
};

/// Refuses, in words, what topk cannot put in order.
template <class F, class T>
constexpr bool check_ranks() {
    if constexpr (check_key<F, T>()) {
        using K = key_result<F, T>;
        constexpr bool ordered = requires(const K& a, const K& b) { static_cast<bool>(a < b); };
        static_assert(ordered,
                      "satchel: topk() needs elements (or keys) that can be compared with <. Give "
                      "their type an operator<, or pass a key that has one.");
        constexpr bool assignable = std::is_move_assignable_v<T> && std::is_move_assignable_v<K>;
        static_assert(assignable,
                      "satchel: topk() moves elements about, so their type must be assignable.");
        return ordered && assignable;
    } else {
        return false;
    }
}

/// By `<`, with NaN below all numbers.
template <class K>
bool ranks_below(const K& one, const K& other) {
    if constexpr (std::is_floating_point_v<K>) {
        return one < other || (one != one && other == other);
    } else {
        return one < other;
    }
}

/// topk: the k largest, descending; of equal ones the first.
template <class T, class F>
struct TopkReducer {
    using Entry = Ranked<T, F>;
    struct Partial {
        std::vector<Entry> entries = {};  // kept to k from time to time, in the order of the bag
        std::size_t sorted = 0;           // so many are in order of their keys
        [[no_unique_address]] MoveOnly moves_only = {};
    };
    static constexpr bool moves = true;
    F key;
    std::size_t k;

    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& best, const Batch<T>& batch) {
        if (k == 0) return;
        batch.for_each([&](auto&& x) { offer(best, std::forward<decltype(x)>(x)); });
    }
    void merge(Partial& earlier, Partial&& later) {
        for (auto& entry : later.entries) earlier.entries.push_back(std::move(entry));
        shrink(earlier);
    }
    [[nodiscard]] Items<T> finish(Partial&& best) const {
        shrink(best);
        Items<T> items;
        items.reserve(best.entries.size());
        for (auto& entry : best.entries) items.push_back(std::move(entry.element));
        return items;
    }

  private:
    template <class Element>
    void offer(Partial& best, Element&& x) const {
        if constexpr (std::is_same_v<F, Itself>) {
            if (is_wanted(best, x)) {
                best.entries.push_back(Entry{kept<T>(std::forward<Element>(x))});
            }
        } else {
            key_result<F, T> rank(detail::invoke(key, std::as_const(x)));
            if (is_wanted(best, rank)) {
                best.entries.push_back(Entry{std::move(rank), kept<T>(std::forward<Element>(x))});
            }
        }
        if (best.entries.size() / 2 >= k + 32) shrink(best);
    }
    // After a shrink the k-th entry is the least that counts: an equal one comes too late.
    template <class K>
    bool is_wanted(const Partial& best, const K& rank) const {
        return best.sorted < k || ranks_below(best.entries[k - 1].key(), rank);
    }
    void shrink(Partial& best) const {
        auto& entries = best.entries;
        stable_sort(entries,
                    [](const Entry& a, const Entry& b) { return ranks_below(b.key(), a.key()); });
        if (entries.size() > k) {
            entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(k), entries.end());
        }
        best.sorted = entries.size();
    }
};

}  // namespace satchel::detail
