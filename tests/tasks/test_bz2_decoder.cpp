// The steps of bzip2's decompression against simpler ways to do them, and the whole of it against
// libbz2: on whole files, and on damaged ones.
#include "bits.hpp"
#include "bz2_code_reader.hpp"
#include "bz2_format.hpp"
#include "bz2_randomise.hpp"
#include "rotation_sort.hpp"
#include "rotation_unsort.hpp"
#include "test_support.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <vector>

#include <bzlib.h>
#include <doctest/doctest.h>

using namespace satchel::testing;

namespace satchel::detail {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets octets(const Bytes& bytes) {
    Octets result(bytes.size());
    std::ranges::transform(bytes, result.begin(),
                           [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
    return result;
}

// By the definition: one step after the other.
Octets unsorted(const Octets& last, std::uint32_t origin) {
    std::vector<std::uint32_t> next(last.size());
    std::array<std::uint32_t, 257> begins{};
    for (const auto byte : last) ++begins[byte + 1U];
    for (std::size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
    for (std::uint32_t i = 0; i < last.size(); ++i) next[begins[last[i]]++] = i;
    Octets text;
    for (auto at = next[origin]; text.size() < last.size(); at = next[at]) {
        text.push_back(last[at]);
    }
    return text;
}

TEST_CASE("what is sorted is unsorted") {
    for (const auto size : sizes({1, 2, 255, 65'535, 65'536, 65'537, 100'003, 900'000})) {
        for (const Bytes& data : {text(size), random_bytes(size), runs(size), zeros(size)}) {
            auto bytes = octets(data);
            const auto original = bytes;
            const auto origin = sort_rotations(bytes, bytes);
            unsort_rotations(bytes, origin);
            CHECK(bytes == original);
        }
    }
}

TEST_CASE("what nobody has sorted is unsorted in the same way") {
    // Most permutations have several cycles: the text repeats one of them.
    std::mt19937 generator(4);
    for (int i = 0; i < 60; ++i) {
        const auto size = 65'536 + generator() % 40'000;
        auto bytes = octets(i % 3 == 0 ? runs(size, generator()) : random_bytes(size, generator()));
        if (i % 4 == 0) std::ranges::sort(bytes);  // each rotation is its own cycle
        const auto origin = static_cast<std::uint32_t>(generator() % size);
        const auto expected = unsorted(bytes, origin);
        unsort_rotations(bytes, origin);
        CHECK(bytes == expected);
    }
}

TEST_CASE("codes are read, and lengths that make no code are noticed") {
    const auto reader = [](const std::vector<std::uint8_t>& lengths) {
        Bz2CodeReader codes;
        codes.build(lengths);
        return codes;
    };
    const auto entry = [](std::uint32_t symbol, std::uint32_t length) {
        return symbol * 32 + length;
    };
    const auto plain = reader({2, 1, 2});
    CHECK(plain.find(0b0'0000'0000'0000'0000'000) == entry(1, 1));
    CHECK(plain.find(0b1011'0000'0000'0000'0000) == entry(0, 2));
    CHECK(plain.find(0b1111'1111'1111'1111'1111) == entry(2, 2));
    const auto long_codes = reader({1, 12, 20, 20});
    CHECK(long_codes.find(0b1000'0000'0000'0000'0001) == entry(1, 12));
    CHECK(long_codes.find(0b1000'0000'0001'0000'0001) == entry(3, 20));
    CHECK(long_codes.find(0b1000'0000'0001'0000'0010) == 0);
    CHECK(long_codes.find(0b1111'1111'1111'1111'1111) == 0);
    const auto too_many = reader({1, 1, 1, 2, 20});
    CHECK(too_many.find(0) == entry(0, 1));
    CHECK(too_many.find(0b1111'1111'1111'1111'1111) == entry(1, 1));
}

// What libbz2 decodes the stream to; nothing if it is damaged.
std::optional<Bytes> reference(const Bytes& stream, std::size_t size_max) {
    Buffer out(size_max);
    auto size = static_cast<unsigned>(size_max);
    auto* const from = reinterpret_cast<char*>(const_cast<std::byte*>(stream.data()));
    const int result = BZ2_bzBuffToBuffDecompress(reinterpret_cast<char*>(out.data()), &size, from,
                                                  static_cast<unsigned>(stream.size()), 0, 0);
    if (result != BZ_OK) return std::nullopt;
    out.resize(size);
    return std::move(out).freeze();
}

// The same by the decoder of one stream, which gets `step` bytes at once.
std::optional<Bytes> decoded(const Bytes& stream, std::size_t size_max, std::size_t step) {
    const auto decoder = codec("bz2").decoder();
    Buffer out(size_max);
    std::span<std::byte> room(out.data(), out.size());
    try {
        for (std::size_t at = 0; at < stream.size(); at += step) {
            const Bytes piece = stream.slice(at, step);
            std::span<const std::byte> input(piece);
            if (decoder->decode(input, room) != Decoder::Status::finished) continue;
            out.resize(out.size() - room.size());
            return std::move(out).freeze();
        }
    } catch (const CorruptData& error) {
        CHECK(error.offset() <= stream.size());
    }
    return std::nullopt;
}

std::vector<Bytes> small_streams() {
    return {compress(text(400), "bz2"), compress(zeros(3000), "bz2", {.level = 1}),
            compress(concatenated({random_bytes(40), runs(900)}), "bz2"),
            piped(text(3000), "bzip2 -c")};
}

TEST_CASE("every truncation is noticed, as by libbz2") {
    for (const Bytes& stream : small_streams()) {
        for (std::size_t size = 0; size < stream.size(); ++size) {
            CHECK_FALSE(reference(stream.slice(0, size), 5000));
            CHECK_FALSE(decoded(stream.slice(0, size), 5000, stream.size()));
            CHECK_FALSE(decoded(stream.slice(0, size), 5000, 7));
        }
    }
}

TEST_CASE("every flipped bit does what it does to libbz2") {
    for (const Bytes& stream : small_streams()) {
        for (std::size_t bit = 0; bit < stream.size() * 8; ++bit) {
            Buffer buffer;
            buffer.append(stream);
            buffer.data()[bit / 8] ^= std::byte{1} << bit % 8;
            const Bytes damaged = std::move(buffer).freeze();
            INFO("bit ", bit);
            const auto expected = reference(damaged, 5000);
            CHECK(decoded(damaged, 5000, damaged.size()) == expected);
            CHECK(decoded(damaged, 5000, 1) == expected);
        }
    }
}

TEST_CASE("a stream may arrive in pieces of any size") {
    const Bytes data = concatenated({text(250'000), random_bytes(20'000), runs(300'000)});
    const Bytes file = piped(data, "bzip2 -1c");
    for (const auto step : sizes({1, 3, 1000, 32'768, 100'000})) {
        CHECK(decoded(file, data.size() + 1, step) == data);
    }
}

TEST_CASE("blocks that hold too much to be kept do not end the parallel decoding") {
    const Bytes data = concatenated({text(2'000'000), zeros(std::size_t{60} << 20), runs(900'000)});
    for (const Bytes& file : {piped(data, "bzip2 -c"), compress(data, "bz2")}) {
        CHECK(decode_file(file).data == data);
    }
}

TEST_CASE("a block is no larger than the stream says") {
    Buffer file;
    file.append(compress(random_bytes(150'000), "bz2", {.level = 2, .chunk_size = 150'000}));
    file.data()[3] = std::byte{'1'};
    const Bytes wrong = std::move(file).freeze();
    CHECK_FALSE(reference(wrong, 200'000));
    CHECK_THROWS_AS(decode_file(wrong), CorruptData);
}

// Replaces `count` bits of the file.
void put_bits(Buffer& file, std::uint64_t position, std::uint64_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        const auto at = position + i;
        const auto mask = std::byte{0x80} >> at % 8;
        auto& byte = file.data()[at / 8];
        byte = (value >> (count - 1 - i) & 1) != 0 ? byte | mask : byte & ~mask;
    }
}

TEST_CASE("a long randomised block of bzip2 0.9 is read") {
    // There is no program any more that writes such a block. So what it would sort is compressed,
    // and the flag and the sums are changed.
    const Bytes data = random_bytes(200'000);
    auto changed = octets(data);
    undo_bz2_randomise(changed);
    const Bytes stream = compress(std::as_bytes(std::span(changed)), "bz2");
    Buffer file;
    file.append(stream);
    const auto crc = bz2_crc(0, data);
    put_bits(file, 80, crc, 32);
    put_bits(file, 112, 1, 1);
    auto end = stream.size() * 8 - 80;
    while (read_bits(stream, end, 48) != bz2_end_magic) --end;
    put_bits(file, end + 48, crc, 32);
    const Bytes randomised = std::move(file).freeze();
    CHECK(piped(randomised, "bzip2 -dc") == data);
    CHECK(decode_file(randomised).data == data);
}

}  // namespace
}  // namespace satchel::detail
