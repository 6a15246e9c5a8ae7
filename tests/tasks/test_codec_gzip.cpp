// gzip headers: what we write, and every field that others write.
#include "test_support.hpp"

#include <cstring>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel::testing;

namespace satchel {
namespace {

// A member with the given flags and optional fields; `fields` follow the fixed header.
Bytes member(unsigned flags, const Bytes& fields, const Bytes& data = text(100)) {
    Buffer header;
    header.append(from_hex(fmt::format("1f8b08{:02x}0000000000ff", flags)));
    header.append(fields);
    return concatenated({std::move(header).freeze(), compress(data, "gzip").slice(10)});
}

TEST_CASE("our header holds neither name nor time") {
    const auto header = [](std::int64_t level) {
        return compress(text(10), "gzip", {.level = level}).slice(0, 10);
    };
    CHECK(header(1) == from_hex("1f8b0800000000000403"));
    CHECK(header(6) == from_hex("1f8b0800000000000003"));
    CHECK(header(9) == from_hex("1f8b0800000000000203"));
}

TEST_CASE("zlib headers say what zlib's would") {
    const auto header = [](std::int64_t level) {
        return compress(text(10), "zlib", {.level = level}).slice(0, 2);
    };
    CHECK(header(1) == from_hex("7801"));
    CHECK(header(5) == from_hex("785e"));
    CHECK(header(6) == from_hex("789c"));
    CHECK(header(9) == from_hex("78da"));
    CHECK(compress({}, "zlib") == from_hex("789c030000000001"));
}

TEST_CASE("chunks end with the double border") {
    const CompressedChunk chunk = codec("gzip").compress_chunk(text(1000), {});
    REQUIRE(chunk.data.size() > 9);
    CHECK(chunk.data.slice(chunk.data.size() - 9) == from_hex("0000ffff000000ffff"));
    CHECK(chunk.input_size == 1000);
}

TEST_CASE("every optional field is skipped, however long and however it comes") {
    const Bytes long_extra = concatenated({from_hex("ffff"), random_bytes(65'535)});
    const Bytes long_name = concatenated({text(200'000), zeros(1)});
    const Bytes empty_extra = from_hex("0000");
    for (const Bytes& file :
         {member(0, {}), member(0x04, empty_extra), member(0x04, long_extra),
          member(0x08, long_name), member(0x10, long_name), member(0x08, zeros(1)),
          member(0x01 | 0x04 | 0x08 | 0x10, concatenated({long_extra, long_name, long_name}))}) {
        for (const auto block_size : sizes({7, 65'536, 10'000'000})) {
            CHECK(decode_file(file, {}, block_size).data == text(100));
        }
    }
    CHECK(piped(member(0x1C, concatenated({long_extra, long_name, long_name})), "gzip -dc") ==
          text(100));
}

TEST_CASE("a header cut off in any field is an error") {
    const Bytes fields =
        concatenated({from_hex("0300"), text(3), text(5), zeros(1), text(5), zeros(1)});
    const Bytes file = member(0x04 | 0x08 | 0x10, fields);
    for (std::size_t size = 1; size < 10 + fields.size(); ++size) {
        CHECK_THROWS_AS(decode_file(file.slice(0, size)), CorruptData);
    }
}

TEST_CASE("the header's CRC is checked") {
    // Written by python: crc32 of the header with flags 0x0a and the name "n", low 16 bits.
    const std::string script =
        "python3 -c 'import sys, zlib\n"
        "h = bytes([0x1f, 0x8b, 8, 0x0a, 0, 0, 0, 0, 0, 255]) + b\"n\\0\"\n"
        "sys.stdout.buffer.write(h + (zlib.crc32(h) & 0xffff).to_bytes(2, \"little\"))'";
    const Bytes header = piped({}, script);
    const Bytes body = compress(text(100), "gzip").slice(10);
    CHECK(decode_file(concatenated({header, body}), {}, 3).data == text(100));
    const Bytes wrong = concatenated({header.slice(0, 12), from_hex("0000"), body});
    CHECK_THROWS_WITH_AS(decode_file(wrong),
                         "damaged gzip header: its CRC does not match, at offset 12", CorruptData);
}

TEST_CASE("unknown methods and reserved flags are refused") {
    const Bytes rest = compress(text(100), "gzip").slice(4);
    CHECK_THROWS_WITH_AS(decode_file(concatenated({from_hex("1f8b0700"), rest})),
                         "damaged gzip header: compression method 7, only 8 is known, at offset 2",
                         CorruptData);
    for (const auto* reserved : {"1f8b0820", "1f8b0840", "1f8b0880"}) {
        CHECK_THROWS_AS(decode_file(concatenated({from_hex(reserved), rest})), CorruptData);
    }
}

TEST_CASE("CRC and size are checked and named") {
    const Bytes file = compress(text(100), "gzip");
    const auto cut = file.size() - 8;
    const Bytes wrong_crc = concatenated({file.slice(0, cut), zeros(4), file.slice(cut + 4)});
    const Bytes wrong_size = concatenated({file.slice(0, cut + 4), zeros(4)});
    try {
        decode_file(wrong_crc);
        FAIL("decoded");
    } catch (const CorruptData& error) {
        CHECK(error.offset() == cut);
        CHECK(std::strstr(error.what(), "says CRC-32 00000000") != nullptr);
    }
    CHECK_THROWS_WITH_AS(
        decode_file(wrong_size),
        doctest::String(fmt::format("damaged data: the gzip member says 0 bytes (modulo 2^32), it "
                                    "has 100, at offset {}",
                                    cut + 4)
                            .c_str()),
        CorruptData);
}

TEST_CASE("a zlib stream that needs a dictionary is refused by name") {
    CHECK_THROWS_WITH_AS(decode_file(from_hex("78bb000000010000")),
                         doctest::Contains("needs a preset dictionary"), CorruptData);
}

}  // namespace
}  // namespace satchel
