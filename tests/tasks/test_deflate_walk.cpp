// The walker finds the last block where zlib, decoding block by block, sees it begin; and nothing
// in what is no deflate stream.
#include "deflate_walk.hpp"
#include "test_support.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include <doctest/doctest.h>
#include <zlib.h>

using namespace satchel::testing;

namespace satchel {
namespace {

using detail::find_last_block;
using detail::LastBlock;

Bytef* pointer(const Bytes& bytes) {
    return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
}

// A raw deflate stream that zlib makes.
Bytes deflated(const Bytes& data, int level, int strategy = Z_DEFAULT_STRATEGY,
               int memory_level = 8) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, level, Z_DEFLATED, -15, memory_level, strategy) == Z_OK);
    std::string out(deflateBound(&stream, data.size()) + 1000, '\0');
    stream.next_in = pointer(data);
    stream.avail_in = static_cast<uInt>(data.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return Bytes(std::move(out));
}

// Where zlib sees the last block begin, and the stream end.
LastBlock last_block_by_zlib(const Bytes& file) {
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, -15) == Z_OK);
    std::string out(1 << 16, '\0');
    stream.next_in = pointer(file);
    stream.avail_in = static_cast<uInt>(file.size());
    LastBlock block;
    int result = Z_OK;
    while (result == Z_OK) {
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        result = inflate(&stream, Z_BLOCK);
        const auto position = stream.total_in * 8 - (static_cast<unsigned>(stream.data_type) & 7U);
        const bool at_border = (stream.data_type & 128) != 0;
        const bool was_last = (stream.data_type & 64) != 0;
        if (at_border && !was_last) block.begin = position;
        if (at_border && was_last) block.end = position;
    }
    CHECK(result == Z_STREAM_END);
    inflateEnd(&stream);
    return block;
}

void check_agreement(const Bytes& file) {
    const auto found = find_last_block(file);
    REQUIRE(found);
    const LastBlock expected = last_block_by_zlib(file);
    CHECK(found->begin == expected.begin);
    CHECK(found->end == expected.end);
}

TEST_CASE("the walker agrees with zlib on every kind of block") {
    const std::vector<Bytes> inputs{{},
                                    text(1),
                                    text(100),
                                    text(150'000),
                                    runs(150'000),
                                    random_bytes(100'000),
                                    zeros(100'000),
                                    concatenated({text(99'999), random_bytes(70'000)})};
    for (const Bytes& data : inputs) {
        for (const int level : {0, 1, 6}) {
            for (const int strategy : {Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE}) {
                for (const int memory_level : {1, 9}) {
                    INFO(data.size(), " bytes, ", level, ", ", strategy, ", ", memory_level);
                    check_agreement(deflated(data, level, strategy, memory_level));
                }
            }
        }
    }
}

TEST_CASE("codes longer than the tables' index are followed") {
    // Frequencies like Fibonacci numbers make codes of every length up to the limit of 15.
    std::string data;
    std::size_t a = 1;
    std::size_t b = 1;
    for (char symbol = 0; symbol < 24; ++symbol) {
        data.append(a, symbol);
        b += std::exchange(a, b);
    }
    std::shuffle(data.begin(), data.end(), std::mt19937(1));
    check_agreement(deflated(Bytes(std::move(data)), 6, Z_HUFFMAN_ONLY, 9));
}

TEST_CASE("what follows the stream does not matter") {
    const Bytes file = deflated(text(1000), 6);
    const auto alone = find_last_block(file);
    const auto followed = find_last_block(concatenated({file, random_bytes(100)}));
    REQUIRE((alone && followed));
    CHECK(alone->begin == followed->begin);
    CHECK(alone->end == followed->end);
}

TEST_CASE("a stream that is cut off has no last block") {
    for (const Bytes& file : {deflated(text(3000), 6), deflated(random_bytes(300), 6),
                              deflated(text(300), 6, Z_FIXED), deflated(text(50), 0)}) {
        for (std::size_t size = 0; size < file.size(); ++size) {
            INFO(size, " of ", file.size());
            CHECK_FALSE(find_last_block(file.slice(0, size)));
        }
    }
}

TEST_CASE("any bytes are safe to walk") {
    for (std::uint64_t seed = 0; seed < 5000; ++seed) {
        const Bytes noise = random_bytes(seed % 300, seed);
        if (const auto found = find_last_block(noise)) CHECK(found->end <= noise.size() * 8);
    }
    const Bytes file = deflated(concatenated({text(2000), random_bytes(50)}), 9);
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
        Buffer damaged;
        damaged.append(file);
        damaged.data()[bit / 8] ^= std::byte{1} << bit % 8;
        const auto found = find_last_block(std::move(damaged).freeze());
        if (found) CHECK(found->end <= file.size() * 8);
    }
}

TEST_CASE("malformed blocks are refused") {
    CHECK_FALSE(find_last_block({}));
    CHECK_FALSE(find_last_block(from_hex("07")));              // block type 3
    CHECK_FALSE(find_last_block(from_hex("010500faff0000")));  // stored, five bytes, two there
    CHECK_FALSE(find_last_block(from_hex("0102000000ffff")));  // stored, lengths that do not fit
    CHECK_FALSE(find_last_block(from_hex("fdff0000000000000000000000")));  // 288 + 31 codes
    CHECK(find_last_block(from_hex("0300"))->end == 10);
    CHECK(find_last_block(from_hex("010000ffff"))->end == 40);
}

}  // namespace
}  // namespace satchel
