// read_text of compressed files: whole, in blocks, damaged, and such as cannot be cut.
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/text.hpp>

#include "stderr_of.hpp"
#include "tasks/temporary_folder.hpp"
#include "tasks/test_support.hpp"
#include "tasks/text_support.hpp"
#include "text/pieces.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace satchel;
using namespace satchel::testing;
using satchel::test::bytes_of;
using satchel::test::TemporaryFolder;

namespace {

std::string compressed(const std::string& text, const std::string& format,
                       std::int64_t chunk_size = 65'536) {
    return std::string(compress(bytes_of(text), format, {.chunk_size = chunk_size}).text());
}

std::string by_command(const std::string& text, const std::string& command) {
    return std::string(piped(bytes_of(text), command).text());
}

// Frames that do not say how much they hold, and a table that does.
std::string frames_without_sizes(const std::string& text) {
    constexpr std::size_t part = 100'000;
    std::string frames, table;
    const auto append = [](std::string& out, std::size_t value) {
        for (int k = 0; k < 4; ++k) out += static_cast<char>(value >> 8 * k & 0xFF);
    };
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); at += part, ++count) {
        const auto contents = text.substr(at, part);
        const auto frame = by_command(contents, "zstd -q --no-content-size");
        append(table, frame.size());
        append(table, contents.size());
        frames += frame;
    }
    std::string end;
    append(end, 0x184D'2A5E);
    append(end, table.size() + 9);
    end += table;
    append(end, count);
    end += '\0';
    append(end, 0x8F92'EAB1);
    return frames + end;
}

// The bytes in which the blocks of bzip2 data begin.
std::vector<std::int64_t> bz2_blocks(const std::string& data) {
    std::vector<std::int64_t> blocks;
    std::uint64_t last = 0;
    for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
        const auto byte = static_cast<unsigned char>(data[bit / 8]);
        last = (last << 1 | (byte >> (7 - bit % 8) & 1U)) & 0xFFFF'FFFF'FFFF;
        if (bit >= 47 && last == 0x3141'5926'5359) {
            blocks.push_back(static_cast<std::int64_t>(bit - 47) / 8);
        }
    }
    return blocks;
}

void check_blocks(const std::string& name, const std::string& data,
                  const std::vector<std::string>& expected, const std::string& delimiter = "\n") {
    CAPTURE(name);
    const TemporaryFolder folder;
    const auto path = folder.with(name, data);
    CHECK(read_text(path, {.linedelimiter = delimiter}).compute() == expected);
    const auto size = static_cast<std::int64_t>(data.size());
    for (const auto blocksize : {size / 40, size / 7, size / 3, size}) {
        CAPTURE(blocksize);
        const auto bag = read_text(path, {.blocksize = blocksize, .linedelimiter = delimiter});
        CHECK(bag.npartitions() == size / blocksize);
        CHECK(on_threads_too(bag) == expected);
    }
}

}  // namespace

TEST_CASE("compressed files are known by their names, or by what the options say") {
    const TemporaryFolder folder;
    const std::string text = "one\ntwo\r\nthree";
    const std::vector<std::string> lines{"one\n", "two\r\n", "three"};
    CHECK(read_text(folder.with("a.gz", by_command(text, "gzip"))).compute() == lines);
    CHECK(read_text(folder.with("a.bz2", by_command(text, "bzip2"))).compute() == lines);
    CHECK(read_text(folder.with("a.xz", by_command(text, "xz"))).compute() == lines);
    CHECK(read_text(folder.with("LOG.GZ", by_command(text, "gzip"))).compute() == lines);
    const auto zst = folder.with("a.zst", by_command(text, "zstd -q"));
    if (has_codec("zstd")) {
        CHECK(read_text(zst).compute() == lines);
    } else {
        CHECK_THROWS_AS(static_cast<void>(read_text(zst)), InvalidArgument);
    }
    const auto other = folder.with("a.text", by_command(text, "gzip"));
    CHECK(read_text(other, {.compression = "gzip"}).compute() == lines);
    const auto raw = folder.with("b.gz", text);
    CHECK(read_text(raw, {.compression = "none"}).compute() == lines);
    CHECK(read_text(folder.with("empty.gz", "")).compute().empty());
}

TEST_CASE("all members of a file are read") {
    const TemporaryFolder folder;
    const auto member = by_command("one\ntw", "gzip") + by_command("o\n", "gzip");
    CHECK(read_text(folder.with("a.gz", member)).compute() ==
          std::vector<std::string>{"one\n", "two\n"});
}

TEST_CASE("blocks of compressed files give the lines of the whole") {
    const auto text = some_lines(1'500'000);
    const auto expected = split_by_python(text, "\n");
    check_blocks("own.gz", compressed(text, "gzip"), expected);
    check_blocks("foreign.bz2", by_command(text, "bzip2 -1"), expected);
    check_blocks("own.bz2", compressed(text, "bz2", 100'000), expected);
    check_blocks("own.xz", compressed(text, "xz"), expected);
    check_blocks("foreign.xz", by_command(text, "xz -T2 --block-size=100000"), expected);
    check_blocks("unsized.xz", by_command(text, "xz -T1 --block-size=100000"), expected);
    if (!has_codec("zstd")) return;
    check_blocks("own.zst", compressed(text, "zstd"), expected);
    check_blocks("unsized.zst", frames_without_sizes(text), expected);
}

TEST_CASE("parts of bzip2 files that begin around a mark") {
    const TemporaryFolder folder;
    const auto member = by_command(some_lines(450'000), "bzip2 -1");
    const auto data = member + member;
    const auto blocks = bz2_blocks(data);
    REQUIRE(blocks.size() >= 10);
    const InputFile file(folder.with("a.bz2", data));
    const auto begin_from = [&](std::int64_t from) {
        const auto pieces = detail::open_pieces(file, codec("bz2"), from);
        std::vector<std::int64_t> found;
        while (const auto piece = pieces->next()) found.push_back(detail::place_of(*piece));
        return found;
    };
    CHECK(begin_from(0) == blocks);
    auto places = blocks;  // and the end of the first member, and of the second
    places.push_back(std::ssize(member) - 10);
    places.push_back(std::ssize(data) - 10);
    for (const auto place : places) {
        for (auto from = place - 2; from < place + 4; ++from) {
            CAPTURE(from);
            const auto first = std::ranges::lower_bound(blocks, from);
            CHECK(begin_from(from) == std::vector(first, blocks.end()));
        }
    }
}

TEST_CASE("what is no bzip2 data is not read as no lines") {
    const TemporaryFolder folder;
    const auto path = folder.with("a.bz2", some_lines(100'000));
    CHECK(error_of([&] {
              (void)read_text(path, {.blocksize = 10'000});
          }).find("cannot be read in blocks: it is no bzip2 data") != std::string::npos);
}

TEST_CASE("blocks of bzip2 that hold much more than they take") {
    std::string text;
    for (int k = 0; k < 20'000; ++k)
        text += std::string(1000, static_cast<char>('a' + k % 5)) + "\n";
    check_blocks("runs.bz2", by_command(text, "bzip2 -9"), split_by_python(text, "\n"));
}

TEST_CASE("blocks of gzip data that holds what chunks end with") {
    std::string text;
    for (int k = 0; k < 50; ++k) text += compressed(some_lines(3'000 + k), "gzip") + "\n";
    const auto expected = split_by_python(text, "\n");
    check_blocks("own.gz", compressed(text, "gzip"), expected);
}

TEST_CASE("blocks of a file that has garbage behind it") {
    const TemporaryFolder folder;
    const auto text = some_lines(300'000);
    for (const std::string format : {"gzip", "bz2"}) {
        CAPTURE(format);
        const std::string name = "a" + std::string(codec(format).info().suffix);
        const auto path = folder.with(name, compressed(text, format, 100'000) + "garbage\n");
        std::vector<std::string> whole, in_blocks;
        const auto read = [&](std::optional<std::int64_t> blocksize, auto& lines) {
            return stderr_of([&] { lines = read_text(path, {.blocksize = blocksize}).compute(); });
        };
        const auto message = [](const std::string& line) { return line.substr(line.find(" - ")); };
        const auto warning = message(read({}, whole));
        CHECK(warning.find("ignored garbage after the " + format + " data") != std::string::npos);
        CHECK(message(read(10'000, in_blocks)) == warning);
        CHECK(in_blocks == whole);
    }
}

TEST_CASE("blocks that are too large to be decoded by themselves are refused at the call") {
    const TemporaryFolder folder;
    const std::string text(std::size_t{70} << 20, '\n');
    const auto path = folder.with("a.xz", by_command(text + text, "xz -0 -T2 --block-size=70MiB"));
    const auto error = error_of([&] { (void)read_text(path, {.blocksize = 1000}); });
    CHECK(error.find("blocks of 70.00 MiB, and those of up to 64.00 MiB") != std::string::npos);
}

TEST_CASE("blocks of files that were put together from compressed ones") {
    const auto text = some_lines(600'000);
    const auto half = text.size() / 2 + 17;
    const auto expected = split_by_python(text, "\n");
    const auto joined = [&](const std::string& format) {
        return compressed(text.substr(0, half), format, 70'000) +
               compressed(text.substr(half), format, 100'000);
    };
    check_blocks("two.gz", joined("gzip"), expected);
    check_blocks("two.bz2", joined("bz2"), expected);
    check_blocks("two.xz", joined("xz"), expected);
    if (!has_codec("zstd")) return;
    check_blocks("two.zst", joined("zstd"), expected);
    const TemporaryFolder folder;
    const auto mixed = folder.with("a.zst", by_command(text, "zstd -q") + compressed(text, "zstd"));
    CHECK_THROWS_AS((void)read_text(mixed, {.blocksize = 1000}), InvalidArgument);
}

TEST_CASE("blocks of compressed files with a delimiter that overlaps itself") {
    std::string text;
    for (int k = 0; k < 200'000; ++k) text += k % 1000 == 0 ? "word " : "\n";
    check_blocks("own.gz", compressed(text, "gzip"), split_by_python(text, "\n\n"), "\n\n");
    check_blocks("own.xz", compressed(text, "xz"), split_by_python(text, "\n\n"), "\n\n");
}

TEST_CASE("a line that spans many pieces") {
    const auto text = some_lines(100'000) + std::string(900'000, 'x') + "\n" + some_lines(100'000);
    check_blocks("own.gz", compressed(text, "gzip"), split_by_python(text, "\n"));
}

TEST_CASE("blocks of nothing that was compressed") {
    const TemporaryFolder folder;
    for (const auto& [name, command] : {std::pair("a.xz", "xz"), std::pair("a.bz2", "bzip2")}) {
        const auto path = folder.with(name, by_command("", command));
        CHECK(read_text(path, {.blocksize = 3}).count().compute() == 0);
    }
}

TEST_CASE("a table that calls blocks empty is not believed") {
    if (!has_codec("zstd")) return;
    const TemporaryFolder folder;
    const auto text = some_lines(300'000);
    auto frames = frames_without_sizes(text);
    const std::size_t table = 9 + 8 * 3;  // at the end: three entries, and what ends it
    for (int k = 0; k < 4; ++k) frames[frames.size() - table + 12 + k] = '\0';
    const auto path = folder.with("a.zst", frames);
    CHECK(read_text(path).compute() == split_by_python(text, "\n"));
    CHECK_THROWS_AS((void)read_text(path, {.blocksize = 1000}).compute(), Error);
}

TEST_CASE("files that cannot be cut are refused at the call, with those that can") {
    const TemporaryFolder folder;
    const auto text = some_lines(200'000);
    const auto refused = [&](const std::string& name, const std::string& data) {
        const auto path = folder.with(name, data);
        CHECK_THROWS_AS((void)read_text(path, {.blocksize = 1000}), InvalidArgument);
        return error_of([&] { (void)read_text(path, {.blocksize = 1000}); });
    };
    const auto gz = refused("a.gz", by_command(text, "gzip"));
    CHECK(gz.find("a.gz cannot be read in blocks: its gzip stream has no places") !=
          std::string::npos);
    CHECK(gz.find("any .bz2, .xz of several blocks") != std::string::npos);
    CHECK(refused("a.xz", by_command(text, "xz")).find("a single block") != std::string::npos);
    if (!has_codec("zstd")) return;
    CHECK(refused("a.zst", by_command(text, "zstd -q")).find("no table") != std::string::npos);
}

TEST_CASE("damage is reported with the file's name, whole and in blocks") {
    const TemporaryFolder folder;
    const auto text = some_lines(400'000);
    for (const std::string format : {"gzip", "bz2", "xz", "zstd"}) {
        if (!has_codec(format)) continue;
        CAPTURE(format);
        const auto whole = compressed(text, format);
        const std::string name = "a" + std::string(codec(format).info().suffix);
        const auto cut = folder.with(name, whole.substr(0, whole.size() / 2));
        CHECK_THROWS_AS((void)read_text(cut).compute(), FileError);
        auto flipped = whole;
        for (std::size_t k = 0; k < 40; ++k) flipped[whole.size() / 2 + k] ^= '\x55';
        const auto path = folder.with(name, flipped);
        for (const auto& bag : {read_text(path), read_text(path, {.blocksize = 10'000})}) {
            const auto error = error_of([&] { (void)bag.compute(); });
            CHECK(error.find(name + ": ") != std::string::npos);
            CHECK(error.find("get a good copy of it") != std::string::npos);
        }
    }
}
