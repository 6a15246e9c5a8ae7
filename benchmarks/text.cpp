// What reading and counting text costs beside loops that are written by hand, for the programs of
// text.py, which runs the same in Dask. Prints a line for each program: its name, its result, and
// the nanoseconds a line of satchel on one thread and on all, and of the loop on one thread.
//
//   benchmark_text PATTERN BLOCKSIZE [REPETITIONS [THREADS]]
//
// PATTERN names files of words in lower case, BLOCKSIZE how they are cut.
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/text.hpp>

#include "support.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/core.h>

namespace benchmarks {
namespace {

using Files = std::vector<std::string>;

// ---- the loops: each file as a whole, lines as views --------------------------------------------

template <class Use>
void for_each_line(const Files& files, Use use) {
    for (const auto& file : files) {
        const auto bytes = satchel::read_file(file);
        auto text = bytes.text();
        while (!text.empty()) {
            const auto size = std::min(text.find('\n'), text.size() - 1) + 1;
            use(text.substr(0, size));
            text.remove_prefix(size);
        }
    }
}

template <class Use>
void for_each_word(std::string_view line, Use use) {
    for (std::size_t at = 0; (at = line.find_first_not_of(" \n", at)) != std::string_view::npos;) {
        const auto end = std::min(line.find_first_of(" \n", at), line.size());
        use(line.substr(at, end - at));
        at = end;
    }
}

struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(text);
    }
};
using Counts = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;

void count_in(Counts& counts, std::string_view text) {
    const auto found = counts.find(text);
    if (found != counts.end()) {
        ++found->second;
    } else {
        counts.emplace(text, 1);
    }
}

double lines_loop(const Files& files) {
    std::size_t count = 0;
    for_each_line(files, [&](std::string_view) { ++count; });
    return static_cast<double>(count);
}
double frequent_lines_loop(const Files& files) {
    Counts counts;
    for_each_line(files, [&](std::string_view line) { count_in(counts, line); });
    return static_cast<double>(counts.size());
}
double words_loop(const Files& files) {
    Counts counts;
    for_each_line(files, [&](std::string_view line) {
        for_each_word(line, [&](std::string_view word) { count_in(counts, word); });
    });
    return static_cast<double>(counts.size());
}
std::string_view first_word(std::string_view line) { return line.substr(0, line.find(' ')); }
double groups_loop(const Files& files) {
    std::unordered_map<std::string, std::vector<std::string>> groups;
    for_each_line(files, [&](std::string_view line) {
        groups[std::string(first_word(line))].emplace_back(line);
    });
    std::size_t largest = 0;
    for (const auto& [key, group] : groups) largest = std::max(largest, group.size());
    return static_cast<double>(largest);
}
/// What the words are joined with.
std::vector<std::string> two_letters() {
    std::vector<std::string> pairs;
    for (char a = 'a'; a <= 'z'; ++a) {
        for (char b = 'a'; b <= 'z'; ++b) pairs.push_back({a, b});
    }
    return pairs;
}
double join_loop(const Files& files) {
    std::unordered_map<std::string, std::vector<std::string>, Hash, std::equal_to<>> table;
    for (const auto& pair : two_letters()) table[pair].push_back(pair);
    std::vector<std::pair<std::string, std::string>> joined;
    std::size_t count = 0;
    for_each_line(files, [&](std::string_view line) {
        for_each_word(line, [&](std::string_view word) {
            const auto found = table.find(word);
            if (found == table.end()) return;
            for (const auto& other : found->second) joined.emplace_back(other, word);
        });
        count += joined.size();
        joined.clear();
    });
    return static_cast<double>(count);
}
double matches_loop(const Files& files) {
    std::size_t count = 0;
    std::string upper;
    for_each_line(files, [&](std::string_view line) {
        upper.assign(line);
        for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        count += upper.find("AB") != std::string::npos ? 1 : 0;
    });
    return static_cast<double>(count);
}

// ---- the race -----------------------------------------------------------------------------------

struct Program {
    const char* name;
    std::function<double(const satchel::Executor&)> bag;
    std::function<double()> loop;
};

void race(const Program& program, double lines, std::int64_t repetitions, std::int64_t threads) {
    const satchel::ThreadPoolExecutor one(1), all(threads);
    const std::vector<std::function<double()>> ways{[&] { return program.bag(one); },
                                                    [&] { return program.bag(all); }, program.loop};
    std::vector<std::vector<double>> samples(ways.size());
    for (std::int64_t repetition = 0; repetition < repetitions; ++repetition) {
        for (std::size_t k = 0; k < ways.size(); ++k) {
            const auto start = now();
            keep(ways[k]());
            samples[k].push_back((now() - start) * 1e9 / lines);
        }
    }
    fmt::print("{}\t{}", program.name, program.bag(all));
    for (const auto& sample : samples) fmt::print("\t{:.3f}", median(sample));
    fmt::print("\n");
}

// ---- the programs -------------------------------------------------------------------------------

using Executor = satchel::Executor;

/// Those that count. The loops refer to `files`.
std::vector<Program> programs_that_count(const satchel::Bag<std::string>& text,
                                         const Files& files) {
    const auto words = text.split().flatten();
    return {
        {"lines: count",
         [=](const Executor& executor) {
             return static_cast<double>(text.count().compute(executor));
         },
         [&] { return lines_loop(files); }},
        {"lines: frequencies",
         [=](const Executor& executor) {
             return static_cast<double>(text.frequencies().count().compute(executor));
         },
         [&] { return frequent_lines_loop(files); }},
        {"words: frequencies",
         [=](const Executor& executor) {
             return static_cast<double>(words.frequencies().count().compute(executor));
         },
         [&] { return words_loop(files); }},
        {"lines: upper, match, count",
         [=](const Executor& executor) {
             return static_cast<double>(text.upper().match("*AB*").count().compute(executor));
         },
         [&] { return matches_loop(files); }},
    };
}

/// Those that bring what has equal keys together.
std::vector<Program> programs_by_key(const satchel::Bag<std::string>& text, const Files& files) {
    const auto words = text.split().flatten();
    const auto itself = [](const std::string& word) -> const std::string& { return word; };
    return {
        {"lines: groupby, largest",
         [=](const Executor& executor) {
             const auto first = [](const std::string& line) {
                 return std::string(first_word(line));
             };
             const auto size = [](const auto& group) { return group.second.size(); };
             return static_cast<double>(text.groupby(first).map(size).max().compute(executor));
         },
         [&] { return groups_loop(files); }},
        {"words: foldby",
         [=](const Executor& executor) {
             const auto count = [](std::size_t n, const std::string&) { return n + 1; };
             const auto counts = words.foldby(itself, count, std::size_t{0}, std::plus<>());
             return static_cast<double>(counts.count().compute(executor));
         },
         [&] { return words_loop(files); }},
        {"words: join",
         [=](const Executor& executor) {
             const auto joined = words.join(two_letters(), itself, itself);
             return static_cast<double>(joined.count().compute(executor));
         },
         [&] { return join_loop(files); }},
    };
}

void run(const std::string& pattern, std::int64_t blocksize, std::int64_t repetitions,
         std::int64_t threads) {
    const auto text = satchel::read_text(pattern, {.blocksize = blocksize});
    std::set<std::string> names;
    for (const auto& [line, path] : satchel::read_text_with_path(pattern).compute()) {
        names.insert(path);
    }
    const Files files(names.begin(), names.end());
    const auto lines = static_cast<double>(text.count().compute());
    for (const auto& programs : {programs_that_count(text, files), programs_by_key(text, files)}) {
        for (const auto& program : programs) race(program, lines, repetitions, threads);
    }
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
    const char* usage = "benchmark_text PATTERN BLOCKSIZE [REPETITIONS [THREADS]]";
    const auto blocksize = benchmarks::argument(argc, argv, 2, 16'000'000, usage);
    const auto repetitions = benchmarks::argument(argc, argv, 3, 5, usage);
    const auto threads = benchmarks::argument(argc, argv, 4, satchel::default_concurrency(), usage);
    if (argc < 2) {
        fmt::print(stderr, "usage: {}\n", usage);
        return 1;
    }
    benchmarks::run(argv[1], blocksize, repetitions, threads);
}
