// Counts the words of many files: every file is a partition, compressed ones too, and large ones
// can be cut into blocks. Writes the counts as compressed files of lines.
//
//     text_files '/usr/share/doc/**/copyright'      the files that match, a pattern or several
//     text_files                                    a small folder that it makes
//
// Output:
// 3 files, 10 lines
//    7 the
//    3 and
//    2 in
//    2 tide
//    2 of
// written: counts-0.gz, counts-1.gz
// the longest words: lighthouse, keeper's, morning
#include <satchel/satchel.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/ranges.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;

std::string small_folder(const fs::path& folder) {
    const std::vector<std::string> notes{
        "The sea in the morning,\nthe sky and the gulls.\n\nLow tide.",
        "The keeper's boat\r\nand the lighthouse\r\nwait in the harbour.\r\n",
        "High tide of winter:\nfoam and salt,\nwords of rising wind.\n",
    };
    for (std::size_t k = 0; k < notes.size(); ++k) {
        // A bag of one partition makes one file.
        (void)satchel::from_sequence(std::vector{notes[k]})
            .to_textfiles(folder / fmt::format("note-{}-*.txt", k));
    }
    return folder / "note-*.txt";
}

// A line of the result.
std::string line_of(const std::pair<std::string, std::size_t>& counted) {
    return fmt::format("{} {}", counted.second, counted.first);
}

}  // namespace

int main(int argc, char** argv) {
    const auto folder = fs::temp_directory_path() / fmt::format("satchel-text-{}", ::getpid());
    std::vector<std::string> patterns(argv + 1, argv + argc);
    if (patterns.empty()) patterns.push_back(small_folder(folder));

    const auto lines = satchel::read_text(patterns);
    const auto words = lines.lower()
                           .split()
                           .flatten()
                           .strip(".,:;!?\"()<>*-=")
                           .filter([](const std::string& word) { return !word.empty(); });
    const auto counts = words.frequencies({.sort = true});

    // Each of the two reads the files, which costs less than keeping all words would.
    const auto n = lines.count().compute();
    const auto all = counts.compute();
    fmt::print("{} files, {} lines\n", lines.npartitions(), n);
    for (std::size_t k = 0; k < std::min<std::size_t>(all.size(), 5); ++k) {
        fmt::print("{:4} {}\n", all[k].second, all[k].first);
    }

    const auto result = satchel::from_sequence(all, {.npartitions = 2}).map(line_of);
    std::vector<std::string> names;
    for (const auto& path : result.to_textfiles(folder / "counts-*.gz")) {
        names.push_back(path.filename());
    }
    fmt::print("written: {}\n", fmt::join(names, ", "));

    const auto written = satchel::read_text(folder / "counts-*.gz");
    const auto longest = written.split().pluck(1).topk(3, &std::string::size).compute();
    fmt::print("the longest words: {}\n", fmt::join(longest, ", "));
    fs::remove_all(folder);
}
