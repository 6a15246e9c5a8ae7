// What bags cost beside loops that are written by hand, for the programs of bag.py, which runs the
// same in Dask. Prints a line for each program: its name, its result, and the nanoseconds an
// element of satchel on one thread and on all, and of the loop on one thread.
//
//   benchmark_bag TEXT NUMBERS [REPETITIONS [THREADS]]
//
// TEXT is a file of lines of words in lower case, NUMBERS how many numbers to count off.
#include <satchel/bag.hpp>

#include "support.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace benchmarks {
namespace {

using Lines = std::vector<std::string>;
using Words = std::vector<std::string>;

// ---- what both do with an element ---------------------------------------------------------------

std::int64_t scale(std::int64_t x) { return 3 * x + 1; }
bool is_kept(std::int64_t x) { return x % 4 == 1; }
std::int64_t mix(std::int64_t x) { return x ^ (x >> 3); }
double half(std::int64_t x) { return 0.5 * static_cast<double>(x); }
// The join is with so many numbers; half of the residues are among them.
constexpr std::int64_t join_keys = 504;

std::int64_t residue(std::int64_t x) { return x % 1'000'003 * 7 % 1009; }

Words split(const std::string& line) {
    Words words;
    words.reserve(static_cast<std::size_t>(std::ranges::count(line, ' ')) + 1);
    for (std::size_t at = 0; (at = line.find_first_not_of(' ', at)) != std::string::npos;) {
        const auto end = std::min(line.find(' ', at), line.size());
        words.emplace_back(line, at, end - at);
        at = end;
    }
    return words;
}
std::string upper(std::string line) {
    for (auto& c : line) c = static_cast<char>(c - (c >= 'a' && c <= 'z' ? 'a' - 'A' : 0));
    return line;
}
bool has_ab(const std::string& line) { return line.find("AB") != std::string::npos; }

// ---- the loops ----------------------------------------------------------------------------------

double sum_loop(std::int64_t n) {
    std::int64_t sum = 0;
    for (std::int64_t x = 0; x < n; ++x) {
        const auto y = scale(x);
        if (is_kept(y)) sum += mix(y);
    }
    return static_cast<double>(sum);
}
// Welford's method.
double variance_loop(std::int64_t n) {
    double mean = 0, squares = 0;
    for (std::int64_t x = 0; x < n; ++x) {
        const double delta = half(x) - mean;
        mean += delta / static_cast<double>(x + 1);
        squares += delta * (half(x) - mean);
    }
    return squares / static_cast<double>(n);
}
double residues_loop(std::int64_t n) {
    std::unordered_map<std::int64_t, std::size_t> counts;
    for (std::int64_t x = 0; x < n; ++x) ++counts[residue(x)];
    return static_cast<double>(counts.size());
}
double largest_loop(const std::vector<std::int64_t>& stored) {
    auto largest = stored.front();
    for (const auto x : stored) largest = std::max(largest, x);
    return static_cast<double>(largest);
}
double lengths_loop(const Lines& lines) {
    std::size_t sum = 0;
    for (const auto& line : lines) {
        for (const auto& word : split(line)) sum += word.size();
    }
    return static_cast<double>(sum);
}
double upper_loop(const Lines& lines) {
    std::size_t count = 0;
    for (const auto& line : lines) count += has_ab(upper(line)) ? 1 : 0;
    return static_cast<double>(count);
}
double words_loop(const Lines& lines) {
    std::unordered_map<std::string, std::size_t> counts;
    for (const auto& line : lines) {
        for (auto& word : split(line)) ++counts[std::move(word)];
    }
    std::size_t most = 0;
    for (const auto& [word, count] : counts) most = std::max(most, count);
    return static_cast<double>(most);
}

double groups_loop(std::int64_t n) {
    std::unordered_map<std::int64_t, std::vector<std::int64_t>> groups;
    for (std::int64_t x = 0; x < n; ++x) groups[residue(x)].push_back(x);
    std::size_t largest = 0;
    for (const auto& [key, group] : groups) largest = std::max(largest, group.size());
    return static_cast<double>(largest);
}
double word_groups_loop(const Lines& lines) {
    std::unordered_map<std::string, Words> groups;
    for (const auto& line : lines) {
        for (auto& word : split(line)) {
            auto& group = groups[word];
            group.push_back(std::move(word));
        }
    }
    std::size_t largest = 0;
    for (const auto& [key, group] : groups) largest = std::max(largest, group.size());
    return static_cast<double>(largest);
}
double join_loop(std::int64_t n) {
    std::unordered_map<std::int64_t, std::vector<std::int64_t>> table;
    for (std::int64_t u = 0; u < join_keys; ++u) table[u].push_back(u);
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
    std::size_t count = 0;
    for (std::int64_t x = 0; x < n; ++x) {
        const auto found = table.find(residue(x));
        if (found == table.end()) continue;
        for (const auto u : found->second) {
            pairs.emplace_back(u, x);
            if (pairs.size() < 1024) continue;
            count += pairs.size();
            pairs.clear();
        }
    }
    return static_cast<double>(count + pairs.size());
}

// ---- the race -----------------------------------------------------------------------------------

struct Program {
    const char* name;
    std::size_t elements;
    std::function<double(const satchel::Executor&)> bag;
    std::function<double()> loop;
};

void race(const Program& program, std::int64_t repetitions, std::int64_t threads) {
    const satchel::ThreadPoolExecutor one(1), all(threads);
    const std::vector<std::function<double()>> ways{[&] { return program.bag(one); },
                                                    [&] { return program.bag(all); }, program.loop};
    std::vector<std::vector<double>> samples(ways.size());
    double result = 0;
    for (std::int64_t repetition = 0; repetition < repetitions; ++repetition) {
        for (std::size_t k = 0; k < ways.size(); ++k) {
            const auto start = now();
            result = ways[k]();
            samples[k].push_back((now() - start) * 1e9 / static_cast<double>(program.elements));
            keep(result);
        }
    }
    fmt::print("{}\t{}", program.name, program.bag(all));
    for (const auto& sample : samples) fmt::print("\t{:.3f}", median(sample));
    fmt::print("\n");
}

Lines read_lines(const std::string& path) {
    std::ifstream in(path);
    Lines lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

// ---- the programs -------------------------------------------------------------------------------

using Executor = satchel::Executor;

std::vector<Program> programs_of_numbers(std::int64_t n) {
    const auto numbers = satchel::range(n, 16);
    std::vector<std::int64_t> values(static_cast<std::size_t>(n));
    for (std::int64_t x = 0; x < n; ++x) values[static_cast<std::size_t>(x)] = residue(x) * n + x;
    const auto stored = satchel::from_sequence(values, {.npartitions = 16});
    const auto elements = static_cast<std::size_t>(n);
    return {
        {"numbers: map, filter, map, sum", elements,
         [=](const Executor& executor) {
             const auto sum = numbers.map(satchel::fn<scale>)
                                  .filter(satchel::fn<is_kept>)
                                  .map(satchel::fn<mix>)
                                  .sum();
             return static_cast<double>(sum.compute(executor));
         },
         [=] { return sum_loop(n); }},
        {"numbers: map, var", elements,
         [=](const Executor& executor) {
             return numbers.map(satchel::fn<half>).var().compute(executor);
         },
         [=] { return variance_loop(n); }},
        {"stored numbers: max", elements,
         [=](const Executor& executor) {
             return static_cast<double>(stored.max().compute(executor));
         },
         [values = std::move(values)] { return largest_loop(values); }},
        {"frequencies: of numbers", elements,
         [=](const Executor& executor) {
             return static_cast<double>(
                 numbers.map(satchel::fn<residue>).frequencies().count().compute(executor));
         },
         [=] { return residues_loop(n); }},
    };
}

template <class Groups>
double largest_group(const Groups& groups, const Executor& executor) {
    const auto sizes = groups.map([](const auto& group) { return group.second.size(); });
    return static_cast<double>(sizes.max().compute(executor));
}

/// The loops refer to `lines`.
std::vector<Program> programs_of_text(const Lines& lines) {
    const auto text = satchel::from_sequence(lines, {.npartitions = 16});
    const auto words = text.map(split).flatten();
    return {
        {"text: split, flatten, lengths, sum", lines.size(),
         [=](const Executor& executor) {
             return static_cast<double>(
                 words.map(satchel::fn<&std::string::size>).sum().compute(executor));
         },
         [&] { return lengths_loop(lines); }},
        {"text: upper, filter, count", lines.size(),
         [=](const Executor& executor) {
             return static_cast<double>(text.map(upper).filter(has_ab).count().compute(executor));
         },
         [&] { return upper_loop(lines); }},
        {"frequencies: of words, topk", lines.size(),
         [=](const Executor& executor) {
             const auto by_count = [](const auto& counted) { return counted.second; };
             const auto most = words.frequencies().topk(1, by_count).compute(executor);
             return static_cast<double>(most[0].second);
         },
         [&] { return words_loop(lines); }},
        {"groupby: words", lines.size(),
         [=](const Executor& executor) {
             const auto word = [](const std::string& x) -> const std::string& { return x; };
             return largest_group(words.groupby(word), executor);
         },
         [&] { return word_groups_loop(lines); }},
    };
}

double join(std::int64_t n, std::int64_t npartitions, const Executor& executor) {
    const auto itself = [](std::int64_t x) { return x; };
    const auto pairs = satchel::range(n, 16).join(satchel::range(join_keys, npartitions),
                                                  satchel::fn<residue>, itself);
    return static_cast<double>(pairs.count().compute(executor));
}

std::vector<Program> programs_that_shuffle(std::int64_t n) {
    const auto elements = static_cast<std::size_t>(n);
    return {
        {"groupby: numbers", elements,
         [=](const Executor& executor) {
             return largest_group(satchel::range(n, 16).groupby(satchel::fn<residue>), executor);
         },
         [=] { return groups_loop(n); }},
        {"join: with a partition", elements,
         [=](const Executor& executor) { return join(n, 1, executor); },
         [=] { return join_loop(n); }},
        {"join: with sixteen", elements,
         [=](const Executor& executor) { return join(n, 16, executor); },
         [=] { return join_loop(n); }},
    };
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
    const char* usage = "benchmark_bag TEXT NUMBERS [REPETITIONS [THREADS]]";
    const auto numbers = benchmarks::argument(argc, argv, 2, 10'000'000, usage);
    const auto repetitions = benchmarks::argument(argc, argv, 3, 5, usage);
    const auto threads = benchmarks::argument(argc, argv, 4, satchel::default_concurrency(), usage);
    const auto lines = benchmarks::read_lines(argc > 1 ? argv[1] : "");
    if (lines.empty()) {
        fmt::print(stderr, "usage: {}\n", usage);
        return 1;
    }
    // Fewer are grouped, for the sake of the memory that the loops need.
    for (const auto& programs :
         {benchmarks::programs_of_numbers(numbers), benchmarks::programs_of_text(lines),
          benchmarks::programs_that_shuffle(numbers / 8)}) {
        for (const auto& program : programs) benchmarks::race(program, repetitions, threads);
    }
}
