// read_text: every line exactly once, whatever the blocks; what paths mean; errors.
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/text.hpp>

#include "tasks/temporary_folder.hpp"
#include "tasks/text_support.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace satchel;
using namespace satchel::testing;
using satchel::test::TemporaryFolder;
using Lines = std::vector<std::string>;

namespace {

void check_all_blocksizes(const std::string& text, const std::string& delimiter) {
    CAPTURE(delimiter);
    const TemporaryFolder folder;
    const auto path = folder.with("text", text);
    const auto expected = split_by_python(text, delimiter);
    const auto words = from_sequence(expected).split().flatten().compute();
    CHECK(read_text(path, {.linedelimiter = delimiter}).compute() == expected);
    const auto size = static_cast<std::int64_t>(text.size());
    for (std::int64_t blocksize = 1; blocksize <= size + 1; ++blocksize) {
        CAPTURE(blocksize);
        const auto bag = read_text(path, {.blocksize = blocksize, .linedelimiter = delimiter});
        REQUIRE(bag.compute(SynchronousExecutor{}) == expected);
        REQUIRE(bag.split().flatten().compute(SynchronousExecutor{}) == words);
    }
}

}  // namespace

TEST_CASE("any block size gives the lines that Python gives") {
    check_all_blocksizes("one\ntwo\r\n\n\nfive\n", "\n");
    check_all_blocksizes("one\ntwo\r\nthree", "\n");
    check_all_blocksizes("one\r\ntwo\nthree\r\n\r\nfour\r", "\r\n");
    check_all_blocksizes("a<br>bb<br><br>cc<b<br>", "<br>");
    check_all_blocksizes("no delimiter at all", "\n");
    check_all_blocksizes("a;b;", ";");
    check_all_blocksizes("a; b  ; c\nd; ;  ; e", "; ");
}

TEST_CASE("delimiters that overlap themselves are found as from the start of the file") {
    check_all_blocksizes("a\n\n\nb\n\n\n\nc\n\n\n\n\nd", "\n\n");
    check_all_blocksizes("xaaaayaaaaaazaaa", "aaa");
    check_all_blocksizes("ababababxababayabab", "abab");
    check_all_blocksizes(std::string(100, '\n') + "x" + std::string(101, '\n'), "\n\n");
    check_all_blocksizes("--=--=--x--=--=--", "--=--");
    check_all_blocksizes("a \n \n \nb c \n \n \n d\n \n e \n \n", " \n ");
}

TEST_CASE("what is above a folder that a link leads to") {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder / "data/v2");
    std::filesystem::create_directory_symlink(folder / "data/v2", folder / "current");
    (void)folder.with("data/log", "of the data\n");
    (void)folder.with("log", "another\n");
    CHECK(read_text(folder / "current/../log").compute() == Lines{"of the data\n"});
    CHECK(read_text(folder / "current/../lo?").compute() == Lines{"of the data\n"});
    const auto paths = from_sequence(Lines{"x"}).to_textfiles(folder / "current/./..//out");
    CHECK(std::filesystem::exists(folder / "data/out/0.part"));
    CHECK(paths.front() == folder / "data/out/0.part");
    std::filesystem::create_symlink("circle", folder / "circle");
    CHECK_THROWS_AS((void)read_text(folder / "circle/../log"), FileError);
}

TEST_CASE("blocks of large files, with lines longer than a block and longer than a buffer") {
    const TemporaryFolder folder;
    const auto text =
        some_lines(200'000) + std::string(600'000, 'x') + "\n" + some_lines(100'000, 2);
    const auto path = folder.with("text", text);
    const auto expected = split_by_python(text, "\n");
    for (const std::int64_t blocksize : {997, 4096, 65'536, 250'000, 2'000'000}) {
        CAPTURE(blocksize);
        CHECK(on_threads_too(read_text(path, {.blocksize = blocksize})) == expected);
    }
}

TEST_CASE("lines and words that are only looked at are those of strings") {
    const TemporaryFolder folder;
    const auto path = folder.with("text", some_lines(300'000) + " last");
    for (const std::string delimiter : {"\n", "e", "ab"}) {
        const auto text = read_text(path, {.blocksize = 70'000, .linedelimiter = delimiter});
        const auto strings = from_sequence(text.compute());
        CAPTURE(delimiter);
        CHECK(text.count().compute() == strings.count().compute());
        CHECK(on_threads_too(text.frequencies()) == strings.frequencies().compute());
        CHECK(on_threads_too(text.distinct()) == strings.distinct().compute());
        const auto words = text.split().flatten();
        const auto of_strings = strings.split().flatten();
        CHECK(on_threads_too(words) == of_strings.compute());
        CHECK(words.count().compute() == of_strings.count().compute());
        CHECK(on_threads_too(words.frequencies()) == of_strings.frequencies().compute());
        CHECK(on_threads_too(text.split("e").flatten().distinct()) ==
              strings.split("e").flatten().distinct().compute());
        CHECK(words.take(7, {.npartitions = -1}) == of_strings.take(7, {.npartitions = -1}));
    }
}

TEST_CASE("blocks are at least as large as asked for, and balanced") {
    const TemporaryFolder folder;
    std::string text;
    for (int k = 0; k < 100; ++k) text += "12345678\n";
    const auto path = folder.with("text", text);
    const auto partitions = [&](std::int64_t blocksize) {
        return read_text(path, {.blocksize = blocksize}).npartitions();
    };
    CHECK(partitions(100) == 9);
    CHECK(partitions(333) == 2);
    CHECK(partitions(450) == 2);
    CHECK(partitions(899) == 1);
    CHECK(partitions(901) == 1);
    CHECK(partitions(1) == 900);
    // A line that begins where a block does belongs to the block before.
    const auto count = [](const Lines& lines) { return lines.size(); };
    const auto sizes = read_text(path, {.blocksize = 450}).map_partitions(count).compute();
    CHECK(sizes == std::vector<std::size_t>{51, 49});
}

TEST_CASE("a file is a partition, also an empty one") {
    const TemporaryFolder folder;
    const auto a = folder.with("a.txt", "1\n2\n");
    const auto b = folder.with("b.txt", "");
    const auto c = folder.with("c.txt", "3");
    const auto bag = read_text({a, b, c});
    CHECK(bag.npartitions() == 3);
    CHECK(on_threads_too(bag) == Lines{"1\n", "2\n", "3"});
    CHECK(read_text(b).npartitions() == 1);
    CHECK(read_text(b, {.blocksize = 10}).compute().empty());
    CHECK(bag.take(1) == Lines{"1\n"});
}

TEST_CASE("several files are one partition") {
    const TemporaryFolder folder;
    Lines expected;
    std::vector<std::filesystem::path> paths;
    for (int k = 0; k < 7; ++k) {
        const auto line = std::to_string(k);
        paths.push_back(folder.with(line, line + "\n" + line));
        expected.insert(expected.end(), {line + "\n", line});
    }
    for (const std::int64_t files : {1, 2, 3, 7, 10}) {
        CAPTURE(files);
        const auto bag = read_text(paths, {.files_per_partition = files});
        CHECK(bag.npartitions() == (7 + files - 1) / files);
        CHECK(on_threads_too(bag) == expected);
    }
}

TEST_CASE("patterns are sorted, lists keep their order") {
    const TemporaryFolder folder;
    for (const char* name : {"a10.txt", "a2.txt", "a1.txt", "b.txt", ".hidden.txt", "a[1].txt"}) {
        (void)folder.with(name, name);
    }
    std::filesystem::create_directories(folder / "a.txt/deep/er");
    (void)folder.with("a.txt/deep/er/c.txt", "deep");
    const auto lines = [&](const std::string& pattern) {
        return read_text(folder / pattern).compute();
    };
    CHECK(lines("a*.txt") == Lines{"a1.txt", "a10.txt", "a2.txt", "a[1].txt"});
    CHECK(lines("a?.txt") == Lines{"a1.txt", "a2.txt"});
    CHECK(lines("a[!2].txt") == Lines{"a1.txt"});
    CHECK(lines("a[1].txt") == Lines{"a[1].txt"});
    CHECK(lines(".h*") == Lines{".hidden.txt"});
    CHECK(lines("a.txt/*/*/c.*") == Lines{"deep"});
    CHECK(lines("**/c.txt") == Lines{"deep"});
    CHECK(lines("**/b.txt") == Lines{"b.txt"});
    const auto list = read_text({(folder / "b.txt").native(), (folder / "a?.txt").native()});
    CHECK(list.compute() == Lines{"b.txt", "a1.txt", "a2.txt"});
}

TEST_CASE("lines with the path of their file") {
    const TemporaryFolder folder;
    const auto a = folder.with("a", "1\n2");
    const auto b = folder.with("b", "3\n");
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    const auto bag = read_text_with_path({a, b}, {.files_per_partition = 2});
    CHECK(on_threads_too(bag) ==
          Pairs{{"1\n", a.native()}, {"2", a.native()}, {"3\n", b.native()}});
    const auto relative = std::filesystem::relative(a);
    CHECK(read_text_with_path(relative).compute().front().second == a.native());
}

TEST_CASE("files are read when they are needed") {
    const TemporaryFolder folder;
    const auto path = folder.with("text", std::string(1000, '\n'));
    const auto blocks = read_text(path, {.blocksize = 100});
    const auto whole = read_text(path);
    std::filesystem::resize_file(path, 950);
    CHECK(whole.count().compute() == 950);
    CHECK(error_of([&] { (void)blocks.compute(); }).find("was truncated meanwhile") !=
          std::string::npos);
    std::filesystem::remove(path);
    CHECK_THROWS_AS((void)whole.compute(), FileError);
}

TEST_CASE("equal arguments make equal bags, until the file changes") {
    const TemporaryFolder folder;
    const auto path = folder.with("text", "a\n");
    const auto name = read_text(path).name();
    CHECK(read_text(path).name() == name);
    CHECK(read_text(path, {.linedelimiter = "a"}).name() != name);
    (void)folder.with("text", "a\nb\n");
    CHECK(read_text(path).name() != name);
}

TEST_CASE("what cannot be read is refused at the call") {
    const TemporaryFolder folder;
    const auto path = folder.with("text", "a\n");
    const auto refused = [](const auto& paths, const ReadTextOptions& options = {}) {
        return error_of([&] { (void)read_text(paths, options); });
    };
    CHECK(refused(folder / "none").find("none: cannot open: No such file") != std::string::npos);
    CHECK(refused(folder / "*.csv").starts_with("read_text: no file matches /"));
    CHECK_THROWS_AS((void)read_text(folder / "none"), FileError);
    CHECK_THROWS_AS((void)read_text(folder / "*.csv"), FileError);
    CHECK(refused(folder.path()).find("is a folder; write") != std::string::npos);
    CHECK(refused(Lines{}) == "read_text: there are no paths; give one or more");
    CHECK(refused("") == "read_text: a path is empty; name a file");
    CHECK_THROWS_AS((void)read_text({path, ""}), InvalidArgument);
    CHECK(refused(path, {.blocksize = 0}) ==
          "read_text: the blocksize is 0; a block has at least one byte");
    CHECK(refused(path, {.files_per_partition = -1}) ==
          "read_text: files_per_partition is -1; a partition has at least one");
    CHECK(refused(path, {.blocksize = 1, .files_per_partition = 1}) ==
          "read_text: blocksize and files_per_partition exclude each other; give one of them");
    CHECK(refused(path, {.linedelimiter = ""}) ==
          "read_text: the linedelimiter is empty; lines end with one byte or more");
    CHECK(refused(path, {.compression = "foo"}).starts_with("there is no codec 'foo'; there are"));
}
