// bz2: chunks that become several blocks, blocks of whole bytes, old files.
#include "test_support.hpp"

#include <doctest/doctest.h>

using namespace satchel::testing;

namespace satchel {
namespace {

// `count` times `unit`.
Bytes repeated(std::string_view unit, std::size_t count) {
    std::string result;
    for (std::size_t i = 0; i < count; ++i) result += unit;
    return Bytes(std::move(result));
}

std::uint64_t blocks(const CompressedChunk& chunk) { return chunk.extra; }

TEST_CASE("a chunk that outgrows a block becomes two") {
    // The first step of bzip2 writes "aaaa" as five bytes: 900 000 become 1 080 000.
    const Bytes data = repeated("aaaab", 180'000);
    const CompressedChunk chunk = codec("bz2").compress_chunk(data, {});
    CHECK(blocks(chunk) == 2);
    const Bytes file = compress(data, "bz2", {.chunk_size = 900'000});
    CHECK(decompress(file) == data);
    CHECK(piped(file, "bzip2 -dc") == data);
    CHECK(piped(file, "bzip2 -tv 2>&1").text().find("ok") != std::string_view::npos);
}

TEST_CASE("a block is filled to its last byte and not beyond") {
    const Codec& bz2 = codec("bz2");
    const auto full = static_cast<std::size_t>(bz2.default_chunk_size(1));
    const std::string plain(random_bytes(3 * full).text());
    for (const auto extra : sizes({0, 1, 2, 19, 20, 21})) {
        const Bytes data{plain.substr(0, full + extra)};
        const CompressedChunk chunk = bz2.compress_chunk(data, {.level = 1});
        CHECK(blocks(chunk) == (extra == 0 ? 1 : 2));
        const Bytes file = join_chunks(bz2, {.level = 1}, std::vector{data, data});
        CHECK(piped(file, "bzip2 -dc") == concatenated({data, data}));
    }
}

TEST_CASE("runs of every length around the limits of a run are counted right") {
    for (const auto run : sizes({3, 4, 5, 254, 255, 256, 257, 258, 259, 260, 511, 1000})) {
        std::string data;
        for (char c = 0; data.size() < 400'000; c = static_cast<char>((c + 1) % 100)) {
            data.append(run, c);
        }
        const Bytes bytes(std::move(data));
        INFO("runs of ", run);
        const Bytes file = compress(bytes, "bz2", {.level = 1, .chunk_size = 400'000});
        CHECK(decompress(file) == bytes);
        CHECK(piped(file, "bzip2 -dc") == bytes);
    }
}

TEST_CASE("an enormous run is one block") {
    const Bytes data = zeros(std::size_t{40} << 20);
    const CompressedChunk chunk = codec("bz2").compress_chunk(data, {});
    CHECK(blocks(chunk) == 1);
    CHECK(chunk.data.size() < 100);
}

TEST_CASE("blocks are whole bytes, and look the same wherever they stand") {
    const Codec& bz2 = codec("bz2");
    std::vector<Bytes> chunks;
    for (std::size_t i = 0; i < 200; ++i) chunks.push_back(text(1 + i % 17, i));
    const auto full = static_cast<std::size_t>(bz2.default_chunk_size(9));
    chunks.push_back(random_bytes(full));  // with hardly room for more groups of symbols
    Buffer all;
    Buffer blocks;
    for (const Bytes& chunk : chunks) {
        all.append(chunk);
        blocks.append(bz2.compress_chunk(chunk, {}).data);
    }
    const Bytes data = std::move(all).freeze();
    const Bytes file = join_chunks(bz2, {}, chunks);
    constexpr std::size_t around = 4 + 10;
    CHECK(file.slice(4, file.size() - around) == std::move(blocks).freeze());
    CHECK(decompress(file) == data);
    CHECK(piped(file, "bzip2 -dc") == data);
}

TEST_CASE("the empty stream is bzip2's") {
    CHECK(compress({}, "bz2") == from_hex("425a683917724538509000000000"));
    CHECK(compress({}, "bz2", {.level = 1}) == from_hex("425a683117724538509000000000"));
}

TEST_CASE("a randomised block of bzip2 0.9 is read") {
    // Made by hand from a stream of this library: the bit "randomised" set. The first byte that is
    // changed by the format's table is the 618th, so a short block decodes to itself.
    const Bytes data = text(300);
    Buffer file;
    file.append(compress(data, "bz2"));
    file.data()[14] |= std::byte{0x80};
    CHECK(decompress(std::move(file).freeze()) == data);
}

}  // namespace
}  // namespace satchel
