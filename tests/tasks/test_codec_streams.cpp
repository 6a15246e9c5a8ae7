// Files of several streams, and what may follow the last: padding, garbage, nothing.
#include "test_support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel::testing;

namespace satchel {
namespace {

TEST_CASE("streams that follow each other are decoded as one") {
    const Bytes a = text(3000, 1);
    const Bytes b = random_bytes(500, 2);
    for (const Codec* codec : codecs()) {
        const auto name = codec->info().name;
        const Bytes file = concatenated({compress(a, name), compress({}, name), compress(b, name)});
        for (const auto block_size : sizes({1, 5, 64, 100'000})) {
            INFO(name, ", blocks of ", block_size);
            const Decoded decoded = decode_file(file, {.strict = true}, block_size);
            CHECK(decoded.data == concatenated({a, b}));
            CHECK(decoded.warning.empty());
        }
    }
}

TEST_CASE("streams of different formats do not mix") {
    const Bytes first = compress(text(100), "gzip");
    const Decoded decoded = decode_file(concatenated({first, compress(text(100), "bz2")}));
    CHECK(decoded.data == text(100));
    CHECK(decoded.warning ==
          fmt::format("ignored garbage after the gzip data, at offset {}", first.size()));
}

TEST_CASE("a cut inside the second stream is an error, too") {
    for (const Codec* codec : codecs()) {
        const Bytes one = compress(text(100), codec->info().name);
        const Bytes two = concatenated({one, one});
        for (std::size_t size = one.size() + 1; size < two.size(); ++size) {
            INFO(codec->info().name, ", ", size, " of ", two.size());
            CHECK_THROWS_AS(decode_file(two.slice(0, size)), CorruptData);
        }
    }
}

TEST_CASE("garbage is ignored with a warning, or refused") {
    const Bytes data = text(1000);
    for (const Codec* codec : codecs()) {
        const auto name = codec->info().name;
        const Bytes file = compress(data, name);
        for (const Bytes& garbage :
             {text(1), text(20), random_bytes(100'000, 3), from_hex("00ff")}) {
            INFO(name, ", ", garbage.size());
            const Bytes followed = concatenated({file, garbage});
            CHECK_THROWS_AS(decode_file(followed, {.strict = true}), CorruptData);
            CHECK_THROWS_AS(static_cast<void>(decompress(followed)), CorruptData);
            if (codec->info().refuses_garbage) {
                CHECK_THROWS_AS(decode_file(followed), CorruptData);
                continue;
            }
            const Decoded decoded = decode_file(followed);
            CHECK(decoded.data == data);
            CHECK(decoded.warning.starts_with(
                fmt::format("ignored garbage after the {} data", name)));
        }
    }
}

TEST_CASE("zeros after gzip are padding, which strict mode refuses") {
    const Bytes data = text(1000);
    const Bytes file = compress(data, "gzip");
    for (const auto count : sizes({1, 3, 4, 512, 300'000})) {
        INFO(count, " zeros");
        const Bytes padded = concatenated({file, zeros(count)});
        const Decoded decoded = decode_file(padded, {}, 1000);
        CHECK(decoded.data == data);
        CHECK(decoded.warning.empty());
        CHECK(decompress(padded) == data);
        CHECK_THROWS_WITH_AS(
            decode_file(padded, {.strict = true}),
            doctest::String(fmt::format("{} zero bytes follow the gzip stream, at offset {}", count,
                                        file.size())
                                .c_str()),
            CorruptData);
        CHECK(decode_file(concatenated({padded, file})).data == concatenated({data, data}));
    }
}

TEST_CASE("zeros after xz are padding by fours") {
    const Bytes data = text(1000);
    const Bytes file = compress(data, "xz");
    for (const auto count : sizes({1, 2, 3, 4, 5, 8, 511, 512})) {
        INFO(count, " zeros");
        const Bytes padded = concatenated({file, zeros(count)});
        const Bytes again = concatenated({padded, file});
        if (count % 4 == 0) {
            CHECK(decode_file(padded, {.strict = true}, 7).data == data);
            CHECK(decode_file(again, {.strict = true}, 7).data == concatenated({data, data}));
        } else {
            CHECK_THROWS_AS(decode_file(padded), CorruptData);
            CHECK_THROWS_AS(decode_file(again), CorruptData);
        }
    }
}

TEST_CASE("zeros after zlib and bz2 are garbage") {
    for (const std::string_view name : {"zlib", "bz2"}) {
        const Decoded decoded = decode_file(concatenated({compress(text(100), name), zeros(4)}));
        CHECK(decoded.data == text(100));
        CHECK_FALSE(decoded.warning.empty());
    }
}

TEST_CASE("nothing may follow a .lzma file") {
    const Bytes file = piped(text(1000), "xz -c --format=lzma");
    CHECK(decompress(file) == text(1000));
    CHECK_THROWS_AS(decode_file(concatenated({file, text(30)})), CorruptData);
    CHECK_THROWS_AS(decode_file(concatenated({file, file})), CorruptData);
    CHECK_THROWS_AS(decode_file(concatenated({file, compress(text(30), "xz")})), CorruptData);
    for (const auto count : sizes({1, 4, 8, 512})) {
        INFO(count, " zeros");
        CHECK_THROWS_AS(decode_file(concatenated({file, zeros(count)})), CorruptData);
    }
}

// A frame of zstd that all decoders skip. `kind` is 0 to 15.
Bytes skippable(unsigned kind, const Bytes& contents) {
    const auto head = fmt::format("5{:x}2a4d18 {:02x}000000", kind, contents.size());
    return concatenated({from_hex(head), contents});
}

Bytes zstd_frame(const Bytes& data) {
    return codec("zstd").compress_chunk(data, codec("zstd").resolve({})).data;
}

TEST_CASE("skippable frames of zstd are anybody's") {
    if (!has_codec("zstd")) return;
    const Bytes data = text(1000);
    const Bytes frame = zstd_frame(data);
    for (unsigned kind = 0; kind < 16; ++kind) {
        for (const Bytes& contents :
             {Bytes(), from_hex("00"), Bytes(std::string("notes")), Bytes(std::string("satchel\2")),
              random_bytes(8), random_bytes(17), random_bytes(200)}) {
            const Bytes skipped = skippable(kind, contents);
            INFO("kind ", kind, ", ", contents.size(), " bytes");
            for (const Bytes& file :
                 {concatenated({skipped, frame}), concatenated({frame, skipped}),
                  concatenated({skipped, frame, skipped, skipped})}) {
                for (const auto block_size : sizes({1, 7, 1000})) {
                    const Decoded decoded = decode_file(file, {.strict = true}, block_size);
                    CHECK(decoded.data == data);
                }
            }
            CHECK(decode_file(skipped).data.empty());
        }
    }
}

TEST_CASE("behind skippable frames alone, garbage is damaged data") {
    if (!has_codec("zstd")) return;
    const Bytes skipped = skippable(0, random_bytes(4));
    const Bytes frame = zstd_frame(text(1000));
    for (std::size_t bit = 0; bit < 32; ++bit) {
        Buffer file;
        file.append(skipped);
        file.append(frame);
        file.data()[skipped.size() + bit / 8] ^= std::byte{1} << bit % 8;
        INFO("bit ", bit);
        CHECK_THROWS_AS(decode_file(std::move(file).freeze()), CorruptData);
    }
    const Decoded decoded = decode_file(concatenated({skipped, frame, text(5)}));
    CHECK(decoded.data == text(1000));
    CHECK(decoded.warning.starts_with("ignored garbage after the zstd data"));
}

TEST_CASE("an announcement of zstd that swallows the first frame is noticed") {
    if (!has_codec("zstd")) return;
    // A frame of 32 bytes: one damaged bit makes the announcement longer by as much.
    Bytes first;
    for (std::size_t size = 1; zstd_frame(first).size() != 32; ++size) {
        REQUIRE(size < 100);
        first = random_bytes(size);
    }
    const Bytes file = join_chunks(codec("zstd"), {}, std::vector{first, text(900)});
    CHECK(decode_file(file).data == concatenated({first, text(900)}));
    Buffer damaged;
    damaged.append(file);
    damaged.data()[4] ^= std::byte{32};
    CHECK_THROWS_AS(decode_file(std::move(damaged).freeze()), CorruptData);
}

TEST_CASE("a zstd file that was cut off between two frames is noticed before another one") {
    if (!has_codec("zstd")) return;
    const Bytes file = join_chunks(codec("zstd"), {}, std::vector{text(700), text(900)});
    const auto whole_frames = 16 + zstd_frame(text(700)).size();
    CHECK_THROWS_AS(decode_file(concatenated({file.slice(0, whole_frames), file})), CorruptData);
}

TEST_CASE("a zstd frame whose header looks like a frame is decoded as what it is") {
    // A window and a size whose bytes are those of a skippable frame, and 128 bytes, of which 6 are
    // there. libzstd 1.5.4 took that frame for the end, where a call began with it.
    const Bytes file = from_hex("28b52ffd 502a4d18 040000 000400 0028b52ffd90");
    for (const auto block_size : sizes({1, 4, 5, 7, 100})) {
        INFO("blocks of ", block_size);
        CHECK_THROWS_AS(decode_file(file, {}, block_size), CorruptData);
    }
}

TEST_CASE("ten thousand empty streams are decoded") {
    for (const Codec* codec : codecs()) {
        const auto name = codec->info().name;
        const Bytes empty = compress({}, name);
        Buffer file;
        for (int i = 0; i < 10'000; ++i) file.append(empty);
        file.append(compress(text(10), name));
        INFO(name);
        CHECK(decode_file(std::move(file).freeze()).data == text(10));
    }
}

}  // namespace
}  // namespace satchel
