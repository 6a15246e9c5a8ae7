// The standard tools and Python read what we write, as ONE stream; we read what they write.
#include "test_support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel::testing;

namespace satchel {
namespace {

constexpr std::int64_t small_chunk = 64 << 10;

// A Python program that decodes stdin with an object that stops after the first stream, and fails
// unless that was all.
std::string one_stream(std::string_view module, std::string_view object) {
    return fmt::format(
        "python3 -c '"
        "import sys, {}\n"
        "d = {}\n"
        "out = d.decompress(sys.stdin.buffer.read())\n"
        "assert d.eof and not d.unused_data\n"
        "sys.stdout.buffer.write(out)'",
        module, object);
}

struct Reader {
    std::string_view format;
    std::string command;
};

std::vector<Reader> readers() {
    const std::string zlib_at_once =
        "python3 -c 'import sys, zlib\n"
        "sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))'";
    return {{"gzip", "gzip -dc"},   {"gzip", one_stream("zlib", "zlib.decompressobj(31)")},
            {"zlib", zlib_at_once}, {"zlib", one_stream("zlib", "zlib.decompressobj()")},
            {"bz2", "bzip2 -dc"},   {"bz2", one_stream("bz2", "bz2.BZ2Decompressor()")},
            {"xz", "xz -dc"},       {"xz", one_stream("lzma", "lzma.LZMADecompressor()")},
            {"zstd", "zstd -dc"}};
}

TEST_CASE("the standard readers get every byte from one stream") {
    const std::vector<Bytes> inputs{{},
                                    text(1),
                                    text(small_chunk),
                                    zeros(3 * small_chunk + 5),
                                    runs(2 * small_chunk + 1),
                                    random_bytes(2 * small_chunk - 1),
                                    text(6 * small_chunk + 100)};
    for (const Reader& reader : readers()) {
        if (!has_codec(reader.format)) continue;
        for (const Bytes& data : inputs) {
            INFO(reader.command, ", ", data.size(), " bytes");
            const Bytes file =
                compress(data, reader.format, {.level = 2, .chunk_size = small_chunk});
            CHECK(piped(file, reader.command) == data);
        }
    }
}

TEST_CASE("the standard tools read every level") {
    const Bytes data = concatenated({text(150'000), random_bytes(3000), runs(150'000)});
    for (const Reader& reader : readers()) {
        if (!has_codec(reader.format)) continue;
        if (reader.command.find("python") != std::string::npos) continue;
        for (std::int64_t level = 1; level <= 9; ++level) {
            INFO(reader.command, ", level ", level);
            const Bytes file =
                compress(data, reader.format, {.level = level, .chunk_size = small_chunk});
            CHECK(piped(file, reader.command) == data);
        }
    }
}

TEST_CASE("the tools' own tests accept our files") {
    const Bytes data = text(300'000);
    const auto file = [&](std::string_view format) {
        return compress(data, format, {.chunk_size = small_chunk});
    };
    CHECK(piped(file("gzip"), "gzip -tv 2>&1").text().find("OK") != std::string_view::npos);
    CHECK(piped(file("bz2"), "bzip2 -tv 2>&1").text().find("ok") != std::string_view::npos);
    CHECK(piped(file("xz"), "xz -t && echo fine").text() == "fine\n");
}

TEST_CASE("files of the standard tools are read") {
    const std::string python_zlib =
        "python3 -c 'import sys, zlib\n"
        "d = zlib.compressobj({}, 8, {})\n"
        "sys.stdout.buffer.write(d.compress(sys.stdin.buffer.read()) + d.flush())'";
    const std::vector<std::string> writers{
        "gzip -1c",
        "gzip -9c",
        "gzip -c --rsyncable",
        fmt::format(fmt::runtime(python_zlib), 0, 15),
        fmt::format(fmt::runtime(python_zlib), 6, 15),
        fmt::format(fmt::runtime(python_zlib), 9, 9),
        fmt::format(fmt::runtime(python_zlib), 9, 31),
        "bzip2 -1c",
        "bzip2 -9c",
        "xz -0c",
        "xz -6c",
        "xz -c --check=none",
        "xz -c --check=crc32",
        "xz -c --check=sha256",
        "xz -c -T2 --block-size=65536",
        "xz -c --x86 --lzma2",
        "xz -c --delta=dist=3 --arm64 --lzma2=preset=1,lc=0,lp=2,pb=0",
        "xz -c --format=lzma",
        "xz -9c --format=lzma",
        "zstd -c",
        "zstd -19c",
        "zstd -c --no-check",
        "zstd -c -T2 -B300KB"};
    for (const Bytes& data :
         {Bytes(), text(1), text(200'000), random_bytes(70'000), runs(1 << 20)}) {
        for (const std::string& writer : writers) {
            if (!is_readable(writer)) continue;
            INFO(writer, ", ", data.size(), " bytes");
            CHECK(decompress(piped(data, writer)) == data);
        }
    }
}

TEST_CASE("a .lzma file with a known size is read") {
    const Bytes data = text(100'000);
    // What the xz tool writes says "unknown"; older tools wrote the size, with no end marker.
    const Bytes file = piped(data,
                             "python3 -c 'import sys, lzma\n"
                             "data = sys.stdin.buffer.read()\n"
                             "f = [{\"id\": lzma.FILTER_LZMA1, \"preset\": 6}]\n"
                             "out = lzma.compress(data, format=lzma.FORMAT_ALONE, filters=f)\n"
                             "out = out[:5] + len(data).to_bytes(8, \"little\") + out[13:]\n"
                             "sys.stdout.buffer.write(out)'");
    CHECK(decompress(file) == data);
}

}  // namespace
}  // namespace satchel
