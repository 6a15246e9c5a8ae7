// The reducers that choose at random: sample and choices.
#pragma once

#include <satchel/detail/counter_random.hpp>
#include <satchel/detail/grouping.hpp>
#include <satchel/detail/reducers.hpp>
#include <satchel/detail/stable_sort.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace satchel::detail {

[[noreturn]] void throw_sample_too_large(std::uint64_t k, std::uint64_t count);

/// sample: each element gets a random number from its place; the k smallest are a uniform choice.
template <class T>
struct SampleReducer {
    struct Entry {
        std::uint64_t rank;
        std::uint32_t partition;
        std::uint64_t position;
        T element;
    };
    struct Partial {
        std::vector<Entry> entries = {};     // kept to k from time to time
        std::uint64_t highest = UINT64_MAX;  // of the k that counted when that was done last
        std::uint64_t count = 0;
        [[no_unique_address]] MoveOnly moves_only = {};
    };
    static constexpr bool moves = true;
    std::uint64_t k;
    std::uint64_t seed;
    std::uint32_t partition = 0;

    void begin_partition(std::uint32_t index) { partition = index; }
    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& sample, const Batch<T>& batch) {
        batch.for_each([&](auto&& x) {
            const auto position = sample.count++;
            const auto rank =
                hash_mix(CounterRandom(seed, partition).next(), hash_mix(position, 9));
            if (k == 0 || rank > sample.highest) return;
            push(sample, {rank, partition, position, kept<T>(std::forward<decltype(x)>(x))});
        });
    }
    void merge(Partial& earlier, Partial&& later) {
        earlier.count += later.count;
        for (auto& entry : later.entries) push(earlier, std::move(entry));
    }
    [[nodiscard]] Items<T> finish(Partial&& sample) const {
        if (sample.count < k) throw_sample_too_large(k, sample.count);
        shrink(sample);
        stable_sort(sample.entries, is_earlier);
        Items<T> items;
        for (auto& entry : sample.entries) items.push_back(std::move(entry.element));
        return items;
    }

  private:
    static bool is_earlier(const Entry& a, const Entry& b) {
        return a.partition != b.partition ? a.partition < b.partition : a.position < b.position;
    }
    void push(Partial& sample, Entry entry) const {
        sample.entries.push_back(std::move(entry));
        if (sample.entries.size() / 2 >= k + 32) shrink(sample);
    }
    void shrink(Partial& sample) const {
        auto& entries = sample.entries;
        if (entries.size() <= k) return;
        stable_sort(entries, [](const Entry& a, const Entry& b) {
            return a.rank != b.rank ? a.rank < b.rank : is_earlier(a, b);
        });
        entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(k), entries.end());
        if (k != 0) sample.highest = entries.back().rank;
    }
};

/// Where each draw of choices takes its next element: a heap.
class Turns {
  public:
    struct Turn {
        std::uint64_t position;
        std::uint64_t draw;
    };
    void add(Turn turn);
    /// The earliest position; UINT64_MAX if there is none.
    [[nodiscard]] std::uint64_t next_position() const noexcept;
    /// REQUIRES: there is one.
    Turn take_next();

    /// A task sets them anew.
    void serialize(OutputArchive&, unsigned) const {}
    void serialize(InputArchive&, unsigned) {}

  private:
    std::vector<Turn> heap_;
};

/// choices: k independent draws. Each walks through the partition as a reservoir of one element,
/// and the positions at which it changes its mind follow from the seed, the partition and the
/// number of the draw alone. Two partial results are joined draw by draw, each side with a
/// probability in proportion to its number of elements.
template <class T>
struct ChoicesReducer {
    struct Partial {
        std::vector<T> drawn;
        std::uint64_t count = 0;
        std::uint64_t id = 0;  // says which partitions it covers
    };
    static constexpr bool moves = false;
    std::uint64_t k;
    std::uint64_t seed;
    std::uint32_t partition = 0;
    Turns turns = {};

    void begin_partition(std::uint32_t index) { partition = index; }
    [[nodiscard]] Partial start() const { return {{}, 0, hash_mix(partition, 10)}; }
    void add(Partial& partial, const Batch<T>& batch) {
        if (batch.size == 0) return;
        if (partial.count == 0) {
            partial.drawn.assign(k, batch.at(0));
            for (std::uint64_t draw = 0; draw < k; ++draw) turns.add({0, draw});
        }
        const auto end = partial.count + batch.size;
        while (turns.next_position() < end) {
            auto turn = turns.take_next();
            std::uint64_t position = 0;
            do {
                position = turn.position;
                turn.position = position_after(position, turn.draw, partial.id);
            } while (turn.position < end);
            partial.drawn[turn.draw] = batch.at(position - partial.count);
            turns.add(turn);
        }
        partial.count = end;
    }
    void merge(Partial& earlier, Partial&& later) {
        if (later.count == 0) return;
        if (earlier.count == 0) {
            earlier = std::move(later);
            return;
        }
        earlier.id = hash_mix(earlier.id, later.id);
        CounterRandom random(seed, earlier.id);
        const auto count = earlier.count + later.count;
        for (std::uint64_t draw = 0; draw < k; ++draw) {
            if (random.below(count) < later.count)
                earlier.drawn[draw] = std::move(later.drawn[draw]);
        }
        earlier.count = count;
    }
    [[nodiscard]] Items<T> finish(Partial&& partial) const {
        if (partial.count == 0 && k != 0) throw_empty("choices");
        Items<T> items;
        for (auto&& element : partial.drawn) items.push_back(std::move(element));
        return items;
    }

  private:
    // A reservoir of one keeps the n-th element with probability 1/n, so it skips to beyond n/u.
    [[nodiscard]] std::uint64_t position_after(std::uint64_t position, std::uint64_t draw,
                                               std::uint64_t id) const {
        const auto n = static_cast<double>(position + 1);
        const double u = 1 - CounterRandom(hash_mix(seed, draw), hash_mix(id, position)).uniform();
        return n / u < 0x1p63 ? static_cast<std::uint64_t>(n / u) : UINT64_MAX;
    }
};

}  // namespace satchel::detail
