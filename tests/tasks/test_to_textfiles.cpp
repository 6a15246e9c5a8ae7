// to_textfiles: names, endings, compression, and that nothing short appears.
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/text.hpp>

#include "tasks/temporary_folder.hpp"
#include "tasks/test_support.hpp"
#include "tasks/text_support.hpp"

#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace satchel;
using namespace satchel::testing;
using satchel::test::TemporaryFolder;
using satchel::test::text_of;
using Texts = std::vector<std::string>;

TEST_CASE("a file a partition, with a number in its name") {
    const TemporaryFolder folder;
    const auto bag = range(12, 12).map([](std::int64_t x) { return std::to_string(x); });
    const auto paths = bag.to_textfiles(folder / "new/deep/x-*.txt");
    REQUIRE(paths.size() == 12);
    CHECK(paths[3] == folder / "new/deep/x-03.txt");
    CHECK(paths[11] == folder / "new/deep/x-11.txt");
    CHECK(text_of(paths[11]) == "11\n");
    CHECK(read_text(folder / "new/deep/*").strip().compute() == bag.compute());
}

TEST_CASE("in a folder, files are called 0.part and so on") {
    const TemporaryFolder folder;
    const auto bag = from_sequence(Texts{"a", "b\n", "c\r\n", "", "e\nf"}, {.npartitions = 1});
    CHECK(bag.to_textfiles(folder.path()) == std::vector<std::filesystem::path>{folder / "0.part"});
    CHECK(text_of(folder / "0.part") == "a\nb\nc\r\n\ne\nf\n");
}

TEST_CASE("an empty partition is an empty file") {
    const TemporaryFolder folder;
    const auto bag = from_sequence(Texts{"a", "b"}, {.npartitions = 2});
    const auto paths = bag.match("b").to_textfiles(folder / "*.txt");
    CHECK(text_of(paths[0]).empty());
    CHECK(text_of(paths[1]) == "b\n");
}

TEST_CASE("the ending of the name says how to compress, or the option does") {
    const TemporaryFolder folder;
    const auto text = some_lines(300'000);
    const auto lines = split_by_python(text, "\n");
    const auto bag = from_sequence(lines, {.npartitions = 2});
    for (const std::string ending : {"gz", "bz2", "xz", "zst"}) {
        if (ending == "zst" && !has_codec("zstd")) continue;
        CAPTURE(ending);
        const auto paths = bag.to_textfiles(folder / ("*." + ending));
        const auto tool = ending == "gz" ? "gzip" : ending == "zst" ? "zstd" : ending + "";
        const std::string command = (ending == "bz2" ? "bzip2" : tool) + std::string(" -dc");
        std::string all;
        for (const auto& path : paths) all += piped(read_file(path), command).text();
        CHECK(all == text + "\n");
        CHECK(read_text(folder / ("*." + ending)).count().compute() == lines.size());
    }
    const auto gz = bag.to_textfiles(folder / "*.log", {.compression = "gzip"});
    CHECK(piped(read_file(gz[0]), "gzip -dc").text().starts_with(lines[0]));
    const auto raw = bag.to_textfiles(folder / "raw-*.gz", {.compression = "none"});
    CHECK(text_of(raw[0]).starts_with(lines[0]));
}

TEST_CASE("files that are there are replaced") {
    const TemporaryFolder folder;
    (void)folder.with("0.part", "old and longer");
    (void)from_sequence(Texts{"new"}).to_textfiles(folder.path(), {}, SynchronousExecutor{});
    CHECK(text_of(folder / "0.part") == "new\n");
}

TEST_CASE("a partition that fails leaves no file, and what was there stays") {
    const TemporaryFolder folder;
    (void)folder.with("1.txt", "old");
    const auto bag = from_sequence(Texts{"a", "b"}, {.npartitions = 2}).map([](std::string x) {
        if (x == "b") throw std::runtime_error("no b");
        return x;
    });
    CHECK_THROWS_WITH((void)bag.to_textfiles(folder / "*.txt", {}, SynchronousExecutor{}), "no b");
    CHECK(text_of(folder / "1.txt") == "old");
    for (const auto& name : folder.names()) CHECK(name.ends_with(".txt"));
}

TEST_CASE("paths that cannot work are refused") {
    const TemporaryFolder folder;
    const auto bag = from_sequence(Texts{"a"});
    const auto two = error_of([&] { (void)bag.to_textfiles("a*b*.txt"); });
    CHECK(two ==
          "to_textfiles: a*b*.txt has more than one *; one of them becomes the number of the "
          "partition, so leave one");
    CHECK_THROWS_AS((void)bag.to_textfiles(""), InvalidArgument);
    CHECK_THROWS_AS((void)bag.to_textfiles("x/*.gz", {.compression = "foo"}), InvalidArgument);
    CHECK_THROWS((void)bag.to_textfiles(folder.with("file", "") / "*.txt"));
    CHECK_THROWS_AS((void)bag.to_textfiles("/proc/none/*.txt"), FileError);
}
