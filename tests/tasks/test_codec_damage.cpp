// Damaged files give an error or the right data, never wrong or short data that looks complete.
#include <satchel/error.hpp>

#include "test_support.hpp"

#include <algorithm>
#include <optional>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel::testing;

namespace satchel {
namespace {

Bytes small_data() { return concatenated({text(700), random_bytes(60), runs(400), text(500)}); }

// Two chunks, so that there is a border between them.
Bytes small_file(const Codec& codec) {
    const Bytes data = small_data();
    return join_chunks(codec, {.level = 6}, std::vector{data.slice(0, 900), data.slice(900)});
}

Bytes with_bit_flipped(const Bytes& file, std::size_t bit) {
    Buffer buffer;
    buffer.append(file);
    buffer.data()[bit / 8] ^= std::byte{1} << bit % 8;
    return std::move(buffer).freeze();
}

// What `file` decodes to; nothing if that is an error.
std::optional<Bytes> decoded_if_right(const Bytes& file) {
    try {
        return decode_file(file).data;
    } catch (const CorruptData& error) {
        CHECK(error.offset() <= file.size());
        return std::nullopt;
    }
}

TEST_CASE("every truncation is an error that says where the file ends") {
    for (const Codec* codec : codecs()) {
        const Bytes file = small_file(*codec);
        REQUIRE(decode_file(file).data == small_data());
        for (std::size_t size = 1; size < file.size(); ++size) {
            INFO(codec->info().name, ", ", size, " of ", file.size(), " bytes");
            CHECK_THROWS_AS(decode_file(file.slice(0, size)), CorruptData);
            try {
                decode_file(file.slice(0, size), {.format = std::string(codec->info().name)}, 13);
            } catch (const CorruptData& error) {
                CHECK(error.offset() == size);
                CHECK(error.what() ==
                      fmt::format("the data is cut off: it ends inside the {} stream, "
                                  "at offset {}",
                                  codec->info().name, size));
            }
        }
    }
}

TEST_CASE("every single-bit flip is an error or does not matter") {
    const Bytes data = small_data();
    for (const Codec* codec : codecs()) {
        const Bytes file = small_file(*codec);
        std::size_t unnoticed = 0;
        for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
            INFO(codec->info().name, ", bit ", bit % 8, " of byte ", bit / 8);
            const auto decoded = decoded_if_right(with_bit_flipped(file, bit));
            CHECK(decoded.value_or(data) == data);
            if (decoded) ++unnoticed;
        }
        INFO(codec->info().name);
        // The time in a gzip header, and bits that no decoder looks at: those of the notes, too.
        CHECK(unnoticed < 500);
    }
}

TEST_CASE("damage is never said to lie behind the end") {
    // A block of which the library reads more than there is before it finds out.
    const Bytes file =
        from_hex("1f8b0808b4170a1f010a1f6b008b08087465a5a59ba5a50803a508b467016b00030a");
    try {
        decode_file(file, {.format = "gzip"});
        FAIL("it is not damaged");
    } catch (const CorruptData& error) {
        CHECK(error.offset() <= file.size());
    }
}

TEST_CASE("every byte deleted, doubled or zeroed is an error or does not matter") {
    const Bytes data = small_data();
    for (const Codec* codec : codecs()) {
        const Bytes file = small_file(*codec);
        for (std::size_t i = 0; i < file.size(); ++i) {
            INFO(codec->info().name, ", byte ", i);
            const Bytes before = file.slice(0, i);
            const Bytes byte = file.slice(i, 1);
            const Bytes after = file.slice(i + 1);
            for (const Bytes& damaged :
                 {concatenated({before, after}), concatenated({before, byte, byte, after}),
                  concatenated({before, zeros(1), after})}) {
                CHECK(decoded_if_right(damaged).value_or(data) == data);
            }
        }
    }
}

TEST_CASE("data that is in no known format is refused") {
    for (const Bytes& data : {text(1), text(5), text(1000), zeros(100), from_hex("1f8a0800")}) {
        CHECK_THROWS_WITH_AS(
            decode_file(data),
            "cannot decompress: the data is in none of the known formats, at offset 0",
            CorruptData);
        for (const Codec* codec : codecs()) {
            CHECK_FALSE(codec->recognises(data));
            CHECK_THROWS_AS(decode_file(data, {.format = std::string(codec->info().name)}),
                            CorruptData);
        }
    }
}

TEST_CASE("no data at all is an error") {
    CHECK_THROWS_WITH_AS(decode_file({}), "cannot decompress: there is no data, at offset 0",
                         CorruptData);
    CHECK_THROWS_AS(decode_file({}, {.format = "xz"}), CorruptData);
    CHECK_THROWS_AS(static_cast<void>(decompress({})), CorruptData);
}

TEST_CASE("a format that is forced is not guessed") {
    const Bytes data = text(100);
    CHECK(decode_file(compress(data, "bz2"), {.format = "bz2"}).data == data);
    CHECK_THROWS_AS(decode_file(compress(data, "bz2"), {.format = "gzip"}), CorruptData);
    CHECK_THROWS_AS(decode_file(compress(data, "gzip"), {.format = "xz"}), CorruptData);
    CHECK_THROWS_AS(decode_file(compress(data, "gzip"), {.format = "lha"}), InvalidArgument);
}

TEST_CASE("what precedes the damage is given before the error") {
    const Bytes data = text(1 << 20);
    for (const Codec* codec : codecs()) {
        INFO(codec->info().name);
        const Bytes file = compress(data, codec->info().name, {.chunk_size = 64 << 10});
        const Bytes cut = file.slice(0, file.size() - 1);
        Decompressor decompressor(reader(cut, 1000));
        Buffer decoded;
        try {
            while (true) decoded.append(decompressor.next());
        } catch (const CorruptData&) {
        }
        CHECK(std::move(decoded).freeze() == data);
    }
}

TEST_CASE("an error of the reader passes through") {
    Decompressor decompressor([]() -> Bytes { throw FileError("cannot read", 5); });
    CHECK_THROWS_AS(static_cast<void>(decompressor.next()), FileError);
}

TEST_CASE("a bomb is decoded block by block") {
    const Bytes data = zeros(std::size_t{16} << 20);
    for (const Codec* codec : codecs()) {
        INFO(codec->info().name);
        const Bytes bomb = compress(data, codec->info().name, {.level = 1});
        Decompressor decompressor(reader(bomb, 4096));
        std::size_t total = 0;
        std::size_t largest = 0;
        for (Bytes block = decompressor.next(); !block.empty(); block = decompressor.next()) {
            total += block.size();
            largest = std::max(largest, block.size());
        }
        CHECK(total == data.size());
        CHECK(largest <= 1 << 20);
    }
}

}  // namespace
}  // namespace satchel
