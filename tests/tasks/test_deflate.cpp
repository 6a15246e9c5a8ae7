// Chunks of deflate, by the library in use and by zlib, its fallback: what every decoder must be
// able to read, one chunk alone and many in a row.
#include "deflate.hpp"
#include "test_support.hpp"

#include <array>
#include <utility>

#include <doctest/doctest.h>

using namespace satchel::testing;

namespace satchel {
namespace {

using Compress = Bytes (*)(std::span<const std::byte>, int);
constexpr std::array<Compress, 2> ways{detail::deflate_chunk, detail::zlib_chunk};

const Bytes border = from_hex("0000ffff000000ffff");

// What `chunks`, put in a row and ended, decode to.
Bytes inflated(const std::vector<Bytes>& chunks) {
    Buffer stream;
    for (const Bytes& chunk : chunks) stream.append(chunk);
    stream.append(from_hex("0300"));
    const auto inflater = detail::make_inflater(0);
    std::span<const std::byte> input(stream.data(), stream.size());
    Buffer result;
    auto status = Decoder::Status::needs_output;
    while (status == Decoder::Status::needs_output) {
        std::array<std::byte, 5000> block{};
        std::span<std::byte> output(block);
        status = inflater->decode(input, output);
        result.append(std::span(block).first(block.size() - output.size()));
    }
    CHECK(status == Decoder::Status::finished);
    CHECK(input.empty());
    return std::move(result).freeze();
}

TEST_CASE("a chunk of any data and level ends with a border and can be continued") {
    const std::vector<Bytes> inputs{{},
                                    text(1),
                                    text(2),
                                    zeros(1),
                                    zeros(300'000),
                                    random_bytes(65'535),
                                    random_bytes(65'537),
                                    runs(100'000),
                                    text(100'000),
                                    concatenated({random_bytes(40'000), text(40'000), zeros(9)})};
    for (const Compress compress_chunk : ways) {
        for (int level = 1; level <= 9; ++level) {
            for (const Bytes& data : inputs) {
                INFO("level ", level, ", ", data.size(), " bytes");
                const Bytes chunk = compress_chunk(data, level);
                REQUIRE(chunk.size() >= border.size());
                CHECK(chunk.slice(chunk.size() - border.size()) == border);
                CHECK(inflated({chunk}) == data);
                CHECK(inflated({chunk, chunk, chunk}) == concatenated({data, data, data}));
            }
        }
    }
}

TEST_CASE("a chunk may end at any bit of a byte") {
    for (const Compress compress_chunk : ways) {
        std::vector<Bytes> chunks;
        Buffer expected;
        for (std::uint64_t seed = 0; seed < 1000; ++seed) {
            const Bytes data = concatenated({text(seed % 40, seed), random_bytes(seed % 7, seed)});
            expected.append(data);
            chunks.push_back(compress_chunk(data, 1 + static_cast<int>(seed % 9)));
        }
        CHECK(inflated(chunks) == std::move(expected).freeze());
    }
}

TEST_CASE("chunks refer to nothing before them") {
    for (const Compress compress_chunk : ways) {
        const Bytes data = text(50'000);
        const Bytes first = compress_chunk(data, 6);
        CHECK(compress_chunk(data, 6) == first);
        CHECK(inflated({compress_chunk(random_bytes(10), 6), first}) ==
              concatenated({random_bytes(10), data}));
    }
}

TEST_CASE("checksums are those of the formats, at once, in steps, and joined") {
    using namespace detail;
    const Bytes data = Bytes::copy_of("123456789");
    CHECK(crc32_append(crc32_initial, data) == 0xCBF43926);
    CHECK(adler32_append(adler32_initial, data) == 0x091E01DE);
    const Bytes a = random_bytes(70'001, 1);
    const Bytes b = random_bytes(12'345, 2);
    const Bytes both = concatenated({a, b});
    const auto crc_a = crc32_append(crc32_initial, a);
    const auto adler_a = adler32_append(adler32_initial, a);
    CHECK(crc32_append(crc_a, b) == crc32_append(crc32_initial, both));
    CHECK(adler32_append(adler_a, b) == adler32_append(adler32_initial, both));
    CHECK(crc32_join(crc_a, crc32_append(crc32_initial, b), b.size()) ==
          crc32_append(crc32_initial, both));
    CHECK(adler32_join(adler_a, adler32_append(adler32_initial, b), b.size()) ==
          adler32_append(adler32_initial, both));
    CHECK(crc32_append(crc_a, {}) == crc_a);
    CHECK(adler32_append(adler_a, {}) == adler_a);
}

}  // namespace
}  // namespace satchel
