// Ranges of compressed files: they are right, and little more than they need is read.
#include <satchel/tasks/seek.hpp>
#include <satchel/tasks/splitter.hpp>

#include "deflate_note.hpp"
#include "test_support.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

#include <doctest/doctest.h>

using namespace satchel::testing;

namespace satchel {
namespace {

// A file in memory that counts what is read of it.
class CountedFile {
  public:
    explicit CountedFile(Bytes data) : data_(std::move(data)) {}

    RandomAccess access() {
        return {data_.size(), [this](std::uint64_t offset, std::uint64_t size) {
                    const auto begin = std::min<std::uint64_t>(offset, data_.size());
                    Bytes part = data_.slice(static_cast<std::size_t>(begin),
                                             static_cast<std::size_t>(size));
                    read_ += part.size();
                    return part;
                }};
    }

    [[nodiscard]] std::size_t read() const { return read_; }

  private:
    Bytes data_;
    std::atomic<std::size_t> read_ = 0;
};

std::optional<SeekTable> table_of(const Bytes& data, std::string_view format) {
    CountedFile file(data);
    return codec(format).seek_table(file.access());
}

struct Given {
    Bytes data;
    std::uint64_t size = 0;
};

Given given(const Bytes& data, std::string_view format, const SeekTable& table,
            const OutputRange& range) {
    CountedFile file(data);
    Buffer out;
    const auto size =
        read_range(codec(format), file.access(), table, range, [&](const Bytes& part) {
            out.append(part);
            return true;
        });
    return {std::move(out).freeze(), size};
}

Bytes much() {
    return concatenated({text(700'000), random_bytes(300'000), runs(800'000), text(900'000, 2)});
}

Bytes part_of(const Bytes& data, const OutputRange& range) {
    const auto offset = std::min<std::uint64_t>(range.offset, data.size());
    return data.slice(static_cast<std::size_t>(offset),
                      static_cast<std::size_t>(std::min<std::uint64_t>(range.length, data.size())));
}

void check_ranges(const Bytes& file, std::string_view format, const SeekTable& table,
                  const Bytes& data) {
    CHECK(table.output_size == data.size());
    for (const std::uint64_t offset :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{65'535}, std::uint64_t{65'536},
          std::uint64_t{1'234'567}, std::uint64_t{data.size() - 1}, std::uint64_t{data.size()},
          std::uint64_t{data.size() + 9}, ~std::uint64_t{0}}) {
        for (const std::uint64_t length :
             {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{65'536}, std::uint64_t{700'001},
              ~std::uint64_t{0}}) {
            INFO(format, ", ", length, " from ", offset);
            const OutputRange range{offset, length};
            const auto got = given(file, format, table, range);
            CHECK(got.data == part_of(data, range));
            CHECK(got.size == got.data.size());
        }
    }
}

const char* const formats[] = {"gzip", "zlib", "xz", "zstd"};

TEST_CASE("files of our own tell where their chunks are") {
    const Bytes data = much();
    for (const std::string_view format : formats) {
        if (!has_codec(format)) continue;
        for (const std::int64_t chunk_size : {65'536, 300'000}) {
            const Bytes file = compress(data, format, {.level = 1, .chunk_size = chunk_size});
            const auto table = table_of(file, format);
            REQUIRE(table);
            CHECK(table->pieces.size() == (data.size() + static_cast<std::size_t>(chunk_size) - 1) /
                                              static_cast<std::size_t>(chunk_size));
            check_ranges(file, format, *table, data);
        }
    }
}

TEST_CASE("a range is read without the rest of the file") {
    const Bytes data = random_bytes(8 << 20);
    for (const std::string_view format : formats) {
        if (!has_codec(format)) continue;
        INFO(format);
        CountedFile file(compress(data, format, {.level = 1, .chunk_size = 65'536}));
        const auto table = codec(format).seek_table(file.access());
        REQUIRE(table);
        std::size_t size = 0;
        read_range(codec(format), file.access(), *table, {.offset = 5'000'000, .length = 100'000},
                   [&](const Bytes& part) { return (size += part.size()) != 0; });
        CHECK(size == 100'000);
        CHECK(file.read() < 400'000);
    }
}

TEST_CASE("damage elsewhere does not matter to a range; damage in it is found") {
    const Bytes data = random_bytes(1 << 20);
    for (const std::string_view format : formats) {
        if (!has_codec(format)) continue;
        INFO(format);
        Buffer damaged;
        damaged.append(compress(data, format, {.level = 1, .chunk_size = 65'536}));
        std::fill_n(damaged.data() + 300'000, 1000, std::byte{0xAA});
        const Bytes file = std::move(damaged).freeze();
        const auto table = table_of(file, format);
        REQUIRE(table);
        for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{500'000}}) {
            const OutputRange range{offset, 150'000};
            CHECK(given(file, format, *table, range).data == part_of(data, range));
        }
        const auto got = given(file, format, *table, {250'000, 200'000});
        CHECK(got.data.size() < 100'000);
        CHECK(got.data == data.slice(250'000, got.data.size()));
    }
}

// Of one byte in each chunk, whatever is read of it must be right.
TEST_CASE("every single-bit flip of a small file gives the right range or none") {
    const Bytes data = concatenated({text(900), random_bytes(60), runs(500)});
    for (const std::string_view format : formats) {
        if (!has_codec(format)) continue;
        const Bytes file =
            join_chunks(codec(format), {.level = 6},
                        std::vector{data.slice(0, 600), data.slice(600, 700), data.slice(1300)});
        std::size_t tables = 0;
        for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
            Buffer buffer;
            buffer.append(file);
            buffer.data()[bit / 8] ^= std::byte{1} << bit % 8;
            const Bytes damaged = std::move(buffer).freeze();
            const auto table = table_of(damaged, format);
            if (!table) continue;
            ++tables;
            INFO(format, ", bit ", bit);
            for (const OutputRange range : {OutputRange{0, 100}, OutputRange{500, 900}}) {
                const auto got = given(damaged, format, *table, range);
                CHECK(got.data == part_of(data, range).slice(0, got.data.size()));
            }
        }
        CHECK(tables > 1000);
        for (std::size_t size = 0; size < file.size(); ++size) {
            INFO(format, ", ", size, " bytes of ", file.size());
            CHECK_FALSE(table_of(file.slice(0, size), format));
        }
    }
}

TEST_CASE("files that are put one behind the other have no table, or the right one") {
    const Bytes data = text(200'000);
    std::size_t tables = 0;  // of xz and zstd
    for (const std::string_view format : formats) {
        if (!has_codec(format)) continue;
        INFO(format);
        const Bytes file = compress(data, format, {.level = 1, .chunk_size = 65'536});
        for (const Bytes& twice : {concatenated({file, file}), concatenated({file, zeros(8)}),
                                   concatenated({file, compress({}, format)})}) {
            const auto table = table_of(twice, format);
            if (!table) continue;
            ++tables;
            const Bytes all = decompress(twice);
            check_ranges(twice, format, *table, all);
        }
    }
    CHECK(tables > 0);
}

TEST_CASE("notes that do not lead to the start of the file tell nothing") {
    const Bytes first = text(200'000);
    const Bytes second = text(200'000, 2);
    for (const std::string_view format : {"gzip", "zlib"}) {
        INFO(format);
        const CompressOptions options{.level = 1, .chunk_size = 65'536};
        const Bytes one = compress(first, format, options);
        Buffer file;
        file.append(concatenated({one, compress(second, format, options)}));
        // A bit that means nothing to other decoders, in the note on the second chunk of the second
        // stream. The notes behind it count from where that stream begins.
        std::size_t notes = 0;
        for (auto k = one.size(); notes < 2; ++k) {
            const auto note = std::span(file.data(), file.size()).subspan(k, detail::note_size);
            if (!detail::decode_note(note)) continue;
            if (++notes == 2) file.data()[k + 5] ^= std::byte{0x08};
        }
        const Bytes damaged = std::move(file).freeze();
        CHECK_FALSE(table_of(damaged, format));
        if (format == "gzip") CHECK(decompress(damaged) == concatenated({first, second}));
    }
}

TEST_CASE("other tools' files have tables where their formats do") {
    const Bytes data = much();
    for (const std::string command :
         {"xz -0c -T1 --block-size=300KiB", "xz -0c -T2 --block-size=300KiB", "pixz -0", "xz -0c",
          "xz -0c -C none --block-size=300KiB"}) {
        if (!is_installed(command)) continue;
        INFO(command);
        const Bytes file = piped(data, command);
        const auto table = table_of(file, "xz");
        REQUIRE(table);
        if (command != "pixz -0") check_ranges(file, "xz", *table, data);
        const Bytes twice = concatenated({file, zeros(4), file});
        const auto table_of_two = table_of(twice, "xz");
        REQUIRE(table_of_two);
        check_ranges(twice, "xz", *table_of_two, decompress(twice));
    }
    for (const std::string command : {"gzip -c", "pigz -ic", "bgzip -c"}) {
        if (!is_installed(command)) continue;
        CHECK_FALSE(table_of(piped(data, command), "gzip"));
    }
}

TEST_CASE("a table is asked for only where the file does not tell enough by itself") {
    const Bytes data = much();
    const auto needs_none = [](const Bytes& file, std::string_view format) {
        return codec(format).splitter()->needs_no_table(file.slice(0, 4096));
    };
    for (const char* const format : formats) {
        if (has_codec(format)) CHECK(needs_none(compress(data, format), format));
    }
    CHECK(needs_none(piped(data, "xz -0c -T2 --block-size=300KiB"), "xz"));
    CHECK_FALSE(needs_none(piped(data, "xz -0c -T1 --block-size=300KiB"), "xz"));
    if (has_codec("zstd") && is_installed("zstd -c")) {
        CHECK_FALSE(needs_none(piped(data, "zstd -c"), "zstd"));
    }
}

TEST_CASE("a footer alone does not make satchel read what it calls a table") {
    if (!has_codec("zstd")) return;
    const Bytes footer = from_hex("40 42 0f 00  00  b1 ea 92 8f");  // a million frames
    constexpr std::uint64_t file_size = std::uint64_t{1} << 40;
    std::uint64_t most = 0;
    const RandomAccess file{file_size, [&](std::uint64_t offset, std::uint64_t size) {
                                most = std::max(most, size);
                                return offset == file_size - footer.size() ? footer : zeros(8);
                            }};
    CHECK_FALSE(codec("zstd").seek_table(file));
    CHECK(most < 1000);
}

TEST_CASE("whoever has enough ends the reading") {
    const Bytes data = much();
    CountedFile file(compress(data, "gzip", {.level = 1, .chunk_size = 65'536}));
    const auto table = codec("gzip").seek_table(file.access());
    REQUIRE(table);
    std::size_t size = 0;
    read_range(codec("gzip"), file.access(), *table, {},
               [&](const Bytes& part) { return (size += part.size()) < 100'000; });
    CHECK(size < 300'000);
}

TEST_CASE("tables that lie give nothing") {
    const Bytes data = much();
    const Bytes file = compress(data, "xz", {.level = 1, .chunk_size = 65'536});
    const auto honest = table_of(file, "xz");
    REQUIRE(honest);
    for (const auto field : {&SeekPiece::offset, &SeekPiece::size, &SeekPiece::begin,
                             &SeekPiece::end, &SeekPiece::output_size, &SeekPiece::check}) {
        for (const std::uint64_t lie :
             {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
            auto table = *honest;
            if (table.pieces[0].*field == lie) continue;
            table.pieces[0].*field = lie;
            const auto got = given(file, "xz", table, {0, 10});
            CHECK(got.data == data.slice(0, got.size));
        }
    }
}

}  // namespace
}  // namespace satchel
