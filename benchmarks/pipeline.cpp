// What a bag's pipeline costs beside loops that are written by hand: map, filter, map and sum over
// numbers that are counted off, over stored numbers, and over strings; on one thread. The filter
// keeps about half, and no processor can predict which. README.md explains the table.
//
//   benchmark_pipeline [ELEMENTS [REPETITIONS]]
#include <satchel/bag.hpp>
#include <satchel/executor.hpp>

#include "support.hpp"

#include <cstdint>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/core.h>

namespace benchmarks {
namespace {

/// One way to get the sum.
struct Way {
    const char* name;
    std::function<std::int64_t()> sum;
};

/// Runs the ways in turns; the first is satchel's.
void race(const char* title, std::int64_t elements, std::int64_t repetitions,
          const std::vector<Way>& ways) {
    std::vector<std::vector<double>> samples(ways.size());
    const auto expected = ways.front().sum();
    for (std::int64_t repetition = 0; repetition < repetitions; ++repetition) {
        for (std::size_t k = 0; k < ways.size(); ++k) {
            const auto start = now();
            const auto sum = ways[k].sum();
            samples[k].push_back(now() - start);
            if (sum != expected) throw std::runtime_error("wrong sum");
        }
    }
    const auto ours = median(samples.front());
    for (std::size_t k = 0; k < ways.size(); ++k) {
        const auto seconds = median(samples[k]);
        fmt::print("{:<24} {:<24} {:>10.2f} {:>12.2f}\n", k == 0 ? title : "", ways[k].name,
                   seconds * 1e9 / static_cast<double>(elements), ours / seconds);
    }
}

// ---- numbers -----------------------------------------------------------------------------------

std::int64_t scale(std::int64_t x) { return 3 * x + 1; }
bool is_kept(std::int64_t x) {
    return (static_cast<std::uint64_t>(x) * 0x9E37'79B9'7F4A'7C15) >> 63 != 0;
}
std::int64_t mix(std::int64_t x) { return x ^ (x >> 3); }

// The loops by hand, over at(0) … at(n - 1).

template <class At>
std::int64_t branchy(std::int64_t n, At at) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto x = scale(at(i));
        if (is_kept(x)) sum += mix(x);
    }
    return sum;
}

template <class At>
std::int64_t branchless(std::int64_t n, At at) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto x = scale(at(i));
        sum += -static_cast<std::int64_t>(is_kept(x)) & mix(x);
    }
    return sum;
}

// A sum that cannot overflow unnoticed, as a bag's.
template <class At>
std::int64_t checked(std::int64_t n, At at) {
    __extension__ __int128 sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto x = scale(at(i));
        if (is_kept(x)) sum += mix(x);
    }
    if (sum != static_cast<std::int64_t>(sum)) throw std::runtime_error("the sum does not fit");
    return static_cast<std::int64_t>(sum);
}

std::int64_t piped(const satchel::Bag<std::int64_t>& numbers, const satchel::Executor& pool) {
    return numbers.map([](std::int64_t x) { return scale(x); })
        .filter([](std::int64_t x) { return is_kept(x); })
        .map([](std::int64_t x) { return mix(x); })
        .sum()
        .compute(pool);
}

template <class At>
void race_numbers(const char* title, const satchel::Bag<std::int64_t>& bag, std::int64_t n, At at,
                  std::int64_t repetitions, const satchel::Executor& pool) {
    race(title, n, repetitions,
         {{"satchel", [&] { return piped(bag, pool); }},
          {"loop, branchy", [&] { return branchy(n, at); }},
          {"loop, branchless", [&] { return branchless(n, at); }},
          {"loop, checked", [&] { return checked(n, at); }}});
}

// ---- strings -----------------------------------------------------------------------------------

std::string upper(const std::string& text) {
    auto result = text;
    for (auto& c : result) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return result;
}
bool is_wanted(const std::string& text) { return (text[0] + text[1]) % 2 == 0; }
std::int64_t length(const std::string& text) { return static_cast<std::int64_t>(text.size()); }

std::int64_t branchy_strings(const std::vector<std::string>& strings) {
    std::int64_t sum = 0;
    for (const auto& string : strings) {
        const auto text = upper(string);
        if (is_wanted(text)) sum += length(text);
    }
    return sum;
}

std::int64_t branchless_strings(const std::vector<std::string>& strings) {
    std::int64_t sum = 0;
    for (const auto& string : strings) {
        const auto text = upper(string);
        sum += -static_cast<std::int64_t>(is_wanted(text)) & length(text);
    }
    return sum;
}

std::int64_t checked_strings(const std::vector<std::string>& strings) {
    __extension__ __int128 sum = 0;
    for (const auto& string : strings) {
        const auto text = upper(string);
        if (is_wanted(text)) sum += length(text);
    }
    if (sum != static_cast<std::int64_t>(sum)) throw std::runtime_error("the sum does not fit");
    return static_cast<std::int64_t>(sum);
}

std::int64_t piped_strings(const satchel::Bag<std::string>& strings,
                           const satchel::Executor& pool) {
    return strings.map([](const std::string& text) { return upper(text); })
        .filter([](const std::string& text) { return is_wanted(text); })
        .map([](const std::string& text) { return length(text); })
        .sum()
        .compute(pool);
}

/// Words of 4 to 27 letters: about half are too long for a std::string to hold without memory.
std::vector<std::string> random_words(std::int64_t n) {
    std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same words every time
    std::vector<std::string> words;
    words.reserve(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
        auto& word = words.emplace_back(4 + random() % 24, ' ');
        for (auto& c : word) c = static_cast<char>('a' + random() % 26);
    }
    return words;
}

void race_strings(std::int64_t n, std::int64_t repetitions, const satchel::Executor& pool) {
    const auto words = random_words(n);
    const auto bag = satchel::from_sequence(words, {.npartitions = 8});
    race("strings", n, repetitions,
         {{"satchel", [&] { return piped_strings(bag, pool); }},
          {"loop, branchy", [&] { return branchy_strings(words); }},
          {"loop, branchless", [&] { return branchless_strings(words); }},
          {"loop, checked", [&] { return checked_strings(words); }}});
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
    using namespace benchmarks;
    constexpr auto usage = "benchmark_pipeline [ELEMENTS [REPETITIONS]]";
    const auto n = argument(argc, argv, 1, 50'000'000, usage);
    const auto repetitions = argument(argc, argv, 2, 7, usage);
    const satchel::ThreadPoolExecutor pool(1);

    fmt::print("{} elements, a tenth of that for strings, 1 thread, medians of {} runs in turns\n",
               n, repetitions);
    fmt::print("{:<24} {:<24} {:>10} {:>12}\n", "elements", "", "ns each", "satchel, x");
    race_numbers(
        "numbers, counted", satchel::range(n, 8), n, [](std::int64_t i) { return i; }, repetitions,
        pool);
    {
        std::vector<std::int64_t> stored(static_cast<std::size_t>(n));
        for (std::int64_t i = 0; i < n; ++i) stored[static_cast<std::size_t>(i)] = i;
        const auto* const first = stored.data();
        race_numbers(
            "numbers, stored", satchel::from_sequence(stored, {.npartitions = 8}), n,
            [first](std::int64_t i) { return first[i]; }, repetitions, pool);
    }
    race_strings(n / 10 + 1, repetitions, pool);
}
