// Counts words: the "hello, world" of parallel data. Lines become words, words are counted where
// they are, and the counts of all partitions are merged as a tree.
//
// Output:
// 195 words, 30 of them different
// the longest: crumpled, tattered, worried
//   39 the
//   36 that
//    8 this
//    8 is
//    8 house
#include <satchel/bag.hpp>

#include <cctype>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace {

// "This is the house that Jack built", of which every verse repeats the one before.
std::vector<std::string> poem() {
    const std::vector<std::string> chain{
        "the house that Jack built.",
        "the malt that lay in",
        "the rat that ate",
        "the cat that killed",
        "the dog that worried",
        "the cow with the crumpled horn that tossed",
        "the maiden all forlorn that milked",
        "the man all tattered and torn that kissed",
    };
    std::vector<std::string> lines;
    for (std::size_t verse = 0; verse < chain.size(); ++verse) {
        lines.push_back("This is");
        for (auto k = verse + 1; k-- > 0;) lines.push_back(chain[k]);
    }
    return lines;
}

std::vector<std::string> words_of(const std::string& line) {
    std::vector<std::string> words(1);
    for (const char c : line) {
        if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
            words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    if (words.back().empty()) words.pop_back();
    return words;
}

}  // namespace

int main() {
    const auto words = satchel::from_sequence(poem(), {.npartitions = 8}).map(words_of).flatten();
    const auto counts = words.frequencies({.sort = true});  // by count; equal ones as they came
    const auto longest = words.distinct().topk(3, &std::string::size);

    // One run for everything, in which lines are split into words once.
    const auto [n, all, top] = satchel::compute(words.count(), counts, longest);
    fmt::print("{} words, {} of them different\n", n, all.size());
    fmt::print("the longest: {}\n", fmt::join(top, ", "));
    for (std::size_t k = 0; k < 5; ++k) fmt::print("{:4} {}\n", all[k].second, all[k].first);
}
