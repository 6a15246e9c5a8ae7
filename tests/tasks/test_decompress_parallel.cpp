// Decoding in parallel gives what decoding gives. `decode` of test_support.hpp does both and
// compares; here are the files for which the two take different ways.
#include "test_support.hpp"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zlib.h>

using namespace satchel::testing;

namespace satchel {
namespace {

Bytes much() {
    return concatenated({text(700'000), random_bytes(300'000), runs(800'000), text(900'000, 2)});
}

// A gzip member whose blocks end with double borders and refer to what comes before those.
Bytes with_dependent_chunks(const Bytes& data, std::size_t chunk_size) {
    z_stream stream{};
    constexpr int with_gzip_header = 15 + 16;
    REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, with_gzip_header, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    Buffer file;
    const auto deflate_chunk = [&](const Bytes& chunk, int flush) {
        std::array<std::byte, 65'536> out{};
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(chunk.data()));
        stream.avail_in = static_cast<uInt>(chunk.size());
        do {
            stream.next_out = reinterpret_cast<Bytef*>(out.data());
            stream.avail_out = static_cast<uInt>(out.size());
            deflate(&stream, flush);
            file.append(std::span(out).first(out.size() - stream.avail_out));
        } while (stream.avail_out == 0);
    };
    for (std::size_t i = 0; i < data.size(); i += chunk_size) {
        deflate_chunk(data.slice(i, chunk_size), Z_SYNC_FLUSH);
        file.append(from_hex("000000ffff"));
    }
    deflate_chunk({}, Z_FINISH);
    deflateEnd(&stream);
    return std::move(file).freeze();
}

// A gzip member of stored blocks.
Bytes stored_member(const Bytes& data) {
    Buffer file;
    file.append(from_hex("1f8b0800000000000003"));
    constexpr std::size_t block_size = 30'000;
    for (std::size_t i = 0; i < data.size(); i += block_size) {
        const Bytes block = data.slice(i, block_size);
        const auto size = static_cast<unsigned>(block.size());
        const bool is_last = i + block_size >= data.size();
        for (const unsigned byte :
             {is_last ? 1U : 0U, size & 255, size >> 8, ~size & 255, ~size >> 8 & 255}) {
            file.append(std::array{static_cast<std::byte>(byte)});
        }
        file.append(block);
    }
    const auto check =
        ::crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size()));
    for (const auto number :
         {static_cast<std::uint32_t>(check), static_cast<std::uint32_t>(data.size())}) {
        for (unsigned k = 0; k < 4; ++k) {
            file.append(std::array{static_cast<std::byte>(number >> 8 * k)});
        }
    }
    return std::move(file).freeze();
}

TEST_CASE("what looks like a border near the end of a stored block is data") {
    // Whatever a decoder puts behind a border must not be taken for the rest of the block.
    for (std::size_t tail = 0; tail < 32; ++tail) {
        const Bytes data = concatenated(
            {random_bytes(20'000), from_hex("0000ffff 000000ffff"), random_bytes(tail, 7)});
        const Bytes file = stored_member(data);
        INFO("tail of ", tail);
        CHECK(decode_file(file).data == data);
        CHECK(decode_file(concatenated({file, file})).data == concatenated({data, data}));
    }
}

TEST_CASE("files of our own are decoded") {
    const Bytes data = much();
    for (const Codec* codec : codecs()) {
        for (const std::int64_t chunk_size : {65'536, 500'000, 4'000'000}) {
            INFO(codec->info().name, ", chunks of ", chunk_size);
            const Bytes file =
                compress(data, codec->info().name, {.level = 1, .chunk_size = chunk_size});
            for (const auto block_size : sizes({1000, 100'000, 10'000'000})) {
                CHECK(decode_file(file, {}, block_size).data == data);
            }
            CHECK(decode_file(concatenated({file, file})).data == concatenated({data, data}));
        }
    }
}

TEST_CASE("files of parallel and other tools are decoded") {
    const Bytes data = much();
    for (const std::string command : {"gzip -c",
                                      "pigz -c",
                                      "pigz -ic",
                                      "pigz -icb 512",
                                      "pigz -Rc",
                                      "pigz -zc",
                                      "pigz -izc",
                                      "bgzip -c",
                                      "bzip2 -c",
                                      "bzip2 -1c",
                                      "lbzip2 -c",
                                      "lbzip2 -1c",
                                      "pbzip2 -c -b2",
                                      "xz -1c",
                                      "xz -1c -T2 --block-size=300KiB",
                                      "xz -1c -T1 --block-size=300KiB",
                                      "pixz -1",
                                      "xz -0c -C none",
                                      "zstd -c",
                                      "zstd -c -T2 -B300KB",
                                      "pzstd -c -p2",
                                      "xz -0c -C sha256 -T2 --block-size=1MiB",
                                      "xz -c0 --format=lzma"}) {
        if (!is_installed(command) || !is_readable(command)) continue;
        INFO(command);
        const Bytes file = piped(data, command);
        CHECK(decode_file(file).data == data);
        if (command.find("lzma") != std::string::npos) continue;
        CHECK(decode_file(concatenated({file, file})).data == concatenated({data, data}));
        for (const auto size : sizes({file.size() / 3, file.size() - 9, file.size() - 1})) {
            CHECK_THROWS_AS(decode_file(file.slice(0, size)), CorruptData);
        }
    }
}

TEST_CASE("borders inside of stored data are no borders") {
    const Bytes data = much();
    const Bytes inner = compress(data, "gzip", {.chunk_size = 65'536});
    const Bytes twice = concatenated({inner, inner});
    for (const std::string command : {"gzip -1c", "gzip -9c", "pigz -ic", "bzip2 -1c", "xz -0c"}) {
        if (!is_installed(command)) continue;
        INFO(command);
        const Bytes outer = piped(twice, command);
        CHECK(decode_file(outer).data == twice);
        CHECK(decode_file(piped(outer, command)).data == outer);
    }
    CHECK(decode_file(compress(inner, "gzip", {.chunk_size = 65'536})).data == inner);
    CHECK(decode_file(compress(inner, "zlib", {.chunk_size = 65'536})).data == inner);
}

TEST_CASE("a stored final block may end like a border") {
    const Bytes border = from_hex("0000ffff000000ffff");
    const Bytes data = concatenated({random_bytes(40'000), border});
    const auto size = static_cast<unsigned>(data.size());
    const Bytes header =
        from_hex(fmt::format("1f8b08000000000000ff01{:02x}{:02x}{:02x}{:02x}", size & 0xFF,
                             size >> 8, ~size & 0xFF, ~size >> 8 & 0xFF));
    const Bytes trailer = compress(data, "gzip").slice(compress(data, "gzip").size() - 8);
    const Bytes member = concatenated({header, data, trailer});
    CHECK(decode_file(member).data == data);
    CHECK(decode_file(concatenated({member, member, member})).data ==
          concatenated({data, data, data}));
}

TEST_CASE("chunks that refer to those before them are decoded with these") {
    const Bytes data = much();
    for (const auto chunk_size : sizes({1000, 20'000, 100'000, 1'000'000})) {
        INFO("chunks of ", chunk_size);
        const Bytes file = with_dependent_chunks(data, chunk_size);
        for (const auto block_size : sizes({10'000, 1'000'000})) {
            CHECK(decode_file(file, {}, block_size).data == data);
        }
    }
}

TEST_CASE("magic numbers inside of bz2 data are no blocks") {
    // Stored in a format that leaves bytes as they are, then in bzip2, whose blocks look random.
    Buffer magic;
    for (int i = 0; i < 20'000; ++i) magic.append(from_hex("314159265359177245385090"));
    const Bytes data = std::move(magic).freeze();
    CHECK(decode_file(compress(data, "bz2")).data == data);
    const Bytes zeros_file = compress(zeros(std::size_t{60} << 20), "bz2");
    CHECK(decode_file(zeros_file).data.size() == std::size_t{60} << 20);
}

TEST_CASE("damage anywhere is found") {
    const Bytes data = much();
    for (const Codec* codec : codecs()) {
        const Bytes file = compress(data, codec->info().name, {.level = 1, .chunk_size = 65'536});
        int found = 0;
        for (std::size_t i = 1; i < 40; ++i) {
            Buffer damaged;
            damaged.append(file);
            const auto at = file.size() * i / 40;
            damaged.data()[at] ^= std::byte{0x10};
            INFO(codec->info().name, ", byte ", at);
            try {
                // Some bits do not matter, as those between the end of a block and the next byte.
                const Decoded decoded = decode_file(std::move(damaged).freeze(), {}, 300'000);
                CHECK(decoded.data == data);
            } catch (const CorruptData& error) {
                ++found;
            }
        }
        CHECK(found > 35);
    }
}

TEST_CASE("frames of zstd's first versions are no frames") {
    // Two skippable ones, and what version 0.7 wrote.
    const Bytes file =
        from_hex("502a4d18040000005e24000a522a4d18040000005efaffff27b52ffd445800fffb0000000090");
    const auto drop = [](const Bytes&) { return true; };
    CHECK_THROWS_AS((void)decompress_parallel(reader(file, file.size()), drop), CorruptData);
    CHECK_THROWS_AS((void)decompress(file), CorruptData);
}

TEST_CASE("whoever has enough ends the decoding") {
    const Bytes data = much();
    for (const Codec* codec : codecs()) {
        const Bytes file = compress(data, codec->info().name, {.level = 1, .chunk_size = 65'536});
        Buffer head;
        const auto result = decompress_parallel(reader(file, 10'000), [&](const Bytes& block) {
            head.append(block);
            return head.size() < 100'000;
        });
        CHECK(head.size() >= 100'000);
        const auto size = head.size();
        CHECK(data.slice(0, size) == std::move(head).freeze());
        CHECK(result.codec == codec);
    }
}

TEST_CASE("errors of reader and writer pass through") {
    const Bytes file = compress(much(), "gzip", {.chunk_size = 65'536});
    const auto fail = [](auto&&...) -> bool { throw FileError("no more", 5); };
    CHECK_THROWS_AS(decompress_parallel(reader(file, 10'000), fail), FileError);
    std::size_t offset = 0;
    const auto read = [&]() -> Bytes {
        if (offset == 40'000) throw FileError("no more", 5);
        const Bytes block = file.slice(offset, 10'000);
        offset += block.size();
        return block;
    };
    CHECK_THROWS_AS(decompress_parallel(read, [](const Bytes&) { return true; }), FileError);
}

}  // namespace
}  // namespace satchel
