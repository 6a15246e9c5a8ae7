// An inverted index: for each word the documents that have it. groupby brings the same words of all
// documents together, wherever they are; join looks up what is asked for.
//
//     example_inverted_index            on the threads of this computer
//     example_inverted_index cluster    on two worker processes: the same program
//
// Output:
// 52 words
// and: 1 2 3 4
// lamb: 1
// the: 1 3 4
// water: 2
#include <satchel/satchel.hpp>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace {

struct Document {
    int number = 0;
    std::string text;
};
using Entry = std::pair<std::string, int>;  // a word and a document that has it

const std::vector<Document> documents{
    {1,
     "Mary had a little lamb, its fleece was white as snow, and everywhere that Mary went the "
     "lamb was sure to go."},
    {2,
     "Jack and Jill went up a hill to fetch a pail of water; Jack fell down and broke his "
     "crown, and Jill came tumbling after."},
    {3, "Hey diddle diddle, the cat and the fiddle, the cow jumped over the moon."},
    {4, "The itsy bitsy spider crawled up a spout; down came the rain and washed him out."}};

std::vector<Entry> words_of(const Document& document) {
    std::vector<Entry> entries;
    std::string word;
    for (const char c : document.text + " ") {
        if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        } else if (!word.empty()) {
            entries.emplace_back(std::exchange(word, {}), document.number);
        }
    }
    return entries;
}

// Groups keep the order of the bag, so the numbers ascend.
std::pair<std::string, std::string> listed(
    const std::pair<std::string, std::vector<Entry>>& group) {
    std::string numbers;
    int last = 0;
    for (const auto& [word, number] : group.second) {
        if (number != last) numbers += fmt::format(" {}", number);
        last = number;
    }
    return {group.first, numbers};
}

}  // namespace

int main(int argc, char** argv) {
    satchel::init(argc, argv);  // in a worker process this call never returns
    std::optional<satchel::LocalCluster> cluster;
    std::optional<satchel::Client> client;  // becomes the default executor
    if (argc > 1 && std::string_view(argv[1]) == "cluster") {
        cluster.emplace(satchel::LocalClusterOptions{.n_workers = 2, .threads_per_worker = 1});
        client.emplace(*cluster);
    }

    const auto index = satchel::from_sequence(documents, {.npartitions = 4})
                           .map(words_of)
                           .flatten()
                           .groupby(&Entry::first, {.npartitions = 8})
                           .map(listed)
                           .persist();
    fmt::print("{} words\n", index.count().compute());

    const auto asked = satchel::from_sequence({"lamb", "water", "the", "and", "satchel"});
    using Listed = std::pair<std::string, std::string>;
    auto found =
        index.join(asked, &Listed::first, [](const std::string& word) { return word; }).compute();
    std::ranges::sort(found);
    for (const auto& [word, entry] : found) fmt::print("{}:{}\n", word, entry.second);
}
