// Programs made at random, of delayed calls and of bags, on every local executor, beside plain
// models of them: what is fused, stored, shared and moved must never show in a result.
#include <satchel/bag.hpp>
#include <satchel/compute.hpp>
#include <satchel/delayed.hpp>

#include "engine/support.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bag;
using satchel::concat;
using satchel::Delayed;
using satchel::delayed;
using satchel::Executor;
using satchel::from_delayed;
using satchel::from_sequence;
using satchel::testing::mix;
using satchel::testing::on_each_executor;
using satchel::testing::Random;

namespace {

using Word = std::uint64_t;

Word join(Word a, const Word& b) { return mix(a ^ mix(b + 1)); }
Word join_all(const std::vector<Word>& words) {
    return std::accumulate(words.begin(), words.end(), Word{7}, join);
}
std::pair<Word, Word> split(const Word& word) { return {mix(word), mix(word + 1)}; }

/// Delayed calls, and what each of them gives.
struct Calls {
    std::vector<Delayed<Word>> calls;
    std::vector<Word> values;

    static Calls random(std::uint64_t seed, std::uint32_t size) {
        Random random(seed);
        Calls made;
        while (made.calls.size() < size) made.add(random);
        return made;
    }

  private:
    void add(Random& random) {
        const auto size = static_cast<std::uint32_t>(calls.size());
        const Word literal = random(1000);
        if (size == 0 || random(10) == 0) {
            push(delayed([literal] { return literal; })(), literal);
            return;
        }
        // Near ones make long chains, far ones values that live long.
        const auto pick = [&] {
            return size - 1 - random(random(2) == 0 ? std::min(size, 4U) : size);
        };
        const auto a = pick(), b = pick();
        switch (random(5)) {
            case 0:
                push(calls[a].apply(mix), mix(values[a]));
                break;
            case 1:
                push(delayed(join)(literal, calls[a]), join(literal, values[a]));
                break;
            case 2:
                push(delayed(join)(calls[a], calls[b]), join(values[a], values[b]));
                break;
            case 3:
                push(delayed(split)(calls[a]).get<1>(), split(values[a]).second);
                break;
            default:
                push(delayed(join_all)(std::vector{calls[a], calls[b], calls[a]}),
                     join_all({values[a], values[b], values[a]}));
        }
    }
    void push(Delayed<Word> call, Word value) {
        calls.push_back(std::move(call));
        values.push_back(value);
    }
};

using Number = std::int64_t;
using Numbers = std::vector<Number>;
using Partitions = std::vector<Numbers>;

Numbers joined(const Partitions& partitions) {
    Numbers all;
    for (const auto& one : partitions) all.insert(all.end(), one.begin(), one.end());
    return all;
}

Partitions divided(const Numbers& all, std::size_t count) {
    Partitions partitions(count);
    std::size_t at = 0;
    for (std::size_t k = 0; k < count; ++k) {
        const auto size = all.size() / count + (k < all.size() % count ? 1 : 0);
        for (std::size_t i = 0; i < size; ++i) partitions[k].push_back(all[at++]);
    }
    return partitions;
}

Number scramble(Number x) { return static_cast<Number>(mix(static_cast<Word>(x)) % 1000); }
bool is_odd(const Number& x) { return x % 2 != 0; }
Numbers repeated(Number x) { return Numbers(static_cast<std::size_t>(x % 3), x); }
Number sum_of(Number a, const Number& b) { return (a + b) % 1'000'003; }

/// Bags, and the partitions that each of them has.
struct Bags {
    std::vector<Bag<Number>> bags;
    std::vector<Partitions> models;

    static Bags random(std::uint64_t seed, std::uint32_t size) {
        Random random(seed);
        Bags made;
        while (made.bags.size() < size) made.add(random);
        return made;
    }

  private:
    static constexpr std::size_t elements_max = 5000;

    void add(Random& random) {
        if (bags.empty() || random(12) == 0) {
            add_source(random);
            return;
        }
        const auto size = static_cast<std::uint32_t>(bags.size());
        const auto pick = size - 1 - random(random(2) == 0 ? std::min(size, 3U) : size);
        const auto bag = bags[pick];
        const auto model = models[pick];
        if (joined(model).size() > elements_max) {
            add_top(bag, model);
            return;
        }
        random(2) == 0 ? add_element_wise(random(6), bag, model)
                       : add_other(random, random(9), bag, model);
    }

    void add_source(Random& random) {
        Numbers all(random(random(4) == 0 ? 4000 : 50));  // now and then more than a batch
        std::iota(all.begin(), all.end(), Number{random(100)});
        const auto count = std::int64_t{1} + random(12);
        const auto parts = std::max<std::size_t>(1, std::min<std::size_t>(all.size(), count));
        push(from_sequence(all, {.npartitions = count}), divided(all, parts));
    }

    void add_element_wise(std::uint32_t which, const Bag<Number>& bag, Partitions model) {
        switch (which) {
            case 0:
                for (auto& one : model) std::ranges::transform(one, one.begin(), scramble);
                push(bag.map(scramble), model);
                break;
            case 1:
                for (auto& one : model) std::erase_if(one, std::not_fn(is_odd));
                push(bag.filter(is_odd), model);
                break;
            case 2:
                for (auto& one : model) std::erase_if(one, is_odd);
                push(bag.remove(is_odd), model);
                break;
            case 3:
                for (auto& one : model) {
                    Numbers flat;
                    for (const auto x : one)
                        flat.insert(flat.end(), static_cast<std::size_t>(x % 3), x);
                    one = flat;
                }
                push(bag.map(repeated).flatten(), model);
                break;
            case 4:
                for (auto& one : model) std::ranges::reverse(one);
                push(bag.map_partitions([](Numbers one) { return std::ranges::reverse(one), one; }),
                     model);
                break;
            default:
                for (auto& one : model) {
                    for (auto& x : one) x = sum_of(x, x);
                }
                push(bag.map(sum_of, bag), model);
        }
    }

    void add_other(Random& random, std::uint32_t which, const Bag<Number>& bag, Partitions model) {
        const auto all = joined(model);
        const auto count = std::int64_t{1} + random(12);
        switch (which) {
            case 0:
                push(bag.repartition({.npartitions = count}),
                     divided(all, static_cast<std::size_t>(count)));
                break;
            case 1:
                push(from_delayed(bag.to_delayed()), model);
                break;
            case 2:
                push(bag.persist(), model);
                break;
            case 3: {
                const auto other = random(static_cast<std::uint32_t>(bags.size()));
                auto both = model;
                both.insert(both.end(), models[other].begin(), models[other].end());
                push(concat(bag, bags[other]), both);
                break;
            }
            case 4: {
                Number last = 0;
                for (auto& one : model) {
                    for (auto& x : one) last = x = sum_of(last, x);
                }
                push(bag.accumulate(sum_of, Number{0}), model);
                models.back().front().insert(models.back().front().begin(), 0);
                break;
            }
            case 5:
                add_top(bag, model);
                break;
            case 6:
                add_distinct(bag, all);
                break;
            case 7:
                add_counts(bag, all);
                break;
            default:
                add_with_total(bag, model, all);
        }
    }

    void add_top(const Bag<Number>& bag, const Partitions& model) {
        auto all = joined(model);
        std::ranges::stable_sort(all, std::greater{}, scramble);
        all.resize(std::min<std::size_t>(all.size(), 20));
        push(bag.topk(20, scramble, {.split_every = 3}), {all});
    }

    void add_distinct(const Bag<Number>& bag, const Numbers& all) {
        Numbers first;
        std::unordered_set<Number> seen;
        for (const auto x : all) {
            if (seen.insert(x % 17).second) first.push_back(x);
        }
        push(bag.distinct([](const Number& x) { return x % 17; }), {first});
    }

    void add_counts(const Bag<Number>& bag, const Numbers& all) {
        std::unordered_map<Number, Number> counts;
        for (const auto x : all) ++counts[x];
        Numbers model;
        for (const auto x : all) {
            if (const auto found = counts.find(x); found != counts.end()) {
                model.push_back(x + found->second);
                counts.erase(found);
            }
        }
        const auto add = [](Number x, std::size_t n) { return x + static_cast<Number>(n); };
        push(bag.frequencies({.split_every = 2}).starmap(add), {model});
    }

    // Uses the bag twice: as elements, and through a reduction that goes along with each of them.
    void add_with_total(const Bag<Number>& bag, Partitions model, const Numbers& all) {
        const auto total = std::accumulate(all.begin(), all.end(), Number{0});
        for (auto& one : model) {
            for (auto& x : one) x = sum_of(x, total);
        }
        push(bag.map(sum_of, bag.sum({.split_every = 2})), model);
    }

    void push(Bag<Number> bag, Partitions model) {
        bags.push_back(std::move(bag));
        models.push_back(std::move(model));
    }
};

}  // namespace

TEST_CASE("random graphs of delayed calls give what a loop gives") {
    for (const std::uint32_t size : {1, 10, 100, 1000, 5000}) {
        CAPTURE(size);
        const auto made = Calls::random(size, size);
        on_each_executor([&](const Executor& executor) {
            CHECK(satchel::compute(executor, made.calls) == made.values);
            CHECK(made.calls.back().compute(executor) == made.values.back());
        });
    }
}

TEST_CASE("many small graphs of delayed calls, computed one result at a time") {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        CAPTURE(seed);
        const auto made = Calls::random(seed, 40);
        on_each_executor([&](const Executor& executor) {
            for (std::size_t k = 0; k < made.calls.size(); k += 7) {
                CHECK(made.calls[k].compute(executor) == made.values[k]);
            }
        });
    }
}

TEST_CASE("random programs of bags give what loops give") {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        CAPTURE(seed);
        const auto made = Bags::random(seed, 50);
        std::vector<Numbers> expected;
        for (const auto& model : made.models) expected.push_back(joined(model));
        on_each_executor([&](const Executor& executor) {
            CHECK(satchel::compute(executor, made.bags) == expected);
            for (std::size_t k = 0; k < made.bags.size(); k += 5) {
                CAPTURE(k);
                CHECK(made.bags[k].compute(executor) == expected[k]);
            }
        });
    }
}

TEST_CASE("random programs of bags keep the partitions that they should have") {
    for (std::uint64_t seed = 100; seed < 115; ++seed) {
        CAPTURE(seed);
        const auto made = Bags::random(seed, 30);
        for (std::size_t k = 0; k < made.bags.size(); ++k) {
            CAPTURE(k);
            CHECK(made.bags[k].npartitions() == static_cast<std::int64_t>(made.models[k].size()));
        }
        const auto last = satchel::compute(made.bags.back().to_delayed());
        CHECK(last == made.models.back());
    }
}

TEST_CASE("programs of bags whose handles are given up give the same") {
    for (std::uint64_t seed = 200; seed < 220; ++seed) {
        CAPTURE(seed);
        auto made = Bags::random(seed, 20);
        const auto expected = joined(made.models.back());
        auto last = std::move(made.bags.back());
        made.bags.clear();  // what only the last one needs may be moved from
        CHECK(std::move(last).compute(satchel::ThreadPoolExecutor(2)) == expected);
    }
}
