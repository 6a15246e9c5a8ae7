// Finding codecs, and checking options before anything runs.
#include <satchel/error.hpp>

#include "test_support.hpp"

#include <doctest/doctest.h>

using namespace satchel::testing;

namespace satchel {
namespace {

TEST_CASE("codecs are found by name") {
    for (const std::string_view name : {"gzip", "zlib", "bz2", "xz"}) {
        CHECK(codec(name).info().name == name);
    }
    CHECK_THROWS_WITH_AS(static_cast<void>(codec("rar")),
                         has_codec("zstd")
                             ? "there is no codec 'rar'; there are gzip, bz2, xz, zstd, zlib"
                             : "there is no codec 'rar'; there are gzip, bz2, xz, zlib",
                         InvalidArgument);
    CHECK_THROWS_AS(static_cast<void>(compress(text(10), "GZIP")), InvalidArgument);
}

TEST_CASE("suffixes say what stands there after decompression") {
    const auto replacement = [](std::string_view text) -> std::string_view {
        for (const Codec* codec : codecs()) {
            for (const Suffix& suffix : codec->info().suffixes) {
                if (suffix.text == text) return suffix.replacement;
            }
        }
        return "unknown";
    };
    for (const auto* plain : {".gz", ".zz", ".zlib", ".bz2", ".xz", ".lzma"}) {
        CHECK(replacement(plain).empty());
    }
    for (const auto* tar : {".tgz", ".tbz", ".tbz2", ".txz"}) CHECK(replacement(tar) == ".tar");
    CHECK(replacement(".zip") == "unknown");
    for (const Codec* codec : codecs()) CHECK(replacement(codec->info().suffix).empty());
}

TEST_CASE("defaults are filled in") {
    CHECK(codec("gzip").resolve({}).level == 6);
    CHECK(codec("gzip").resolve({}).chunk_size == 2 << 20);
    CHECK(codec("bz2").resolve({}).level == 9);
    CHECK(codec("bz2").resolve({}).chunk_size == 899'749);
    CHECK(codec("bz2").resolve({.level = 1}).chunk_size == 99'980);
    CHECK(codec("xz").resolve({}).chunk_size == 24 << 20);
    CHECK(codec("xz").resolve({.level = 1}).chunk_size == 3 << 20);
    CHECK(codec("xz").resolve({.level = 9}).chunk_size == 192 << 20);
    CHECK(codec("zlib").resolve({.level = 3, .chunk_size = 100'000}).chunk_size == 100'000);
}

TEST_CASE("options that are out of range are refused") {
    const Codec& gzip = codec("gzip");
    for (const CompressOptions& options : {CompressOptions{.level = 10}, {.level = -1}}) {
        CHECK_THROWS_AS(static_cast<void>(gzip.resolve(options)), InvalidArgument);
        CHECK_THROWS_AS(static_cast<void>(gzip.compress_chunk(text(1), options)), InvalidArgument);
        CHECK_THROWS_AS(static_cast<void>(gzip.joiner(options)), InvalidArgument);
        CHECK_THROWS_AS(static_cast<void>(compress(text(1), "xz", options)), InvalidArgument);
    }
    CHECK_THROWS_WITH_AS(static_cast<void>(gzip.resolve({.level = 10})),
                         "cannot compress to gzip with level 10; choose 1 to 9", InvalidArgument);
    CHECK_THROWS_WITH_AS(
        static_cast<void>(gzip.resolve({.chunk_size = 65'535})),
        "cannot compress to gzip with a chunk size of 65535; choose 65536 to 1073741824",
        InvalidArgument);
    CHECK_THROWS_AS(static_cast<void>(gzip.resolve({.chunk_size = (1 << 30) + 1})),
                    InvalidArgument);
    CHECK_THROWS_AS(static_cast<void>(gzip.resolve({.chunk_size = -1})), InvalidArgument);
}

TEST_CASE("the memory of a task is told before it runs") {
    for (const Codec* codec : codecs()) {
        for (std::int64_t level = 1; level <= 9; ++level) {
            const auto memory = codec->compress_memory({.level = level});
            INFO(codec->info().name, " -", level, ": ", memory);
            CHECK(memory > 100'000);
            CHECK(memory < 800'000'000);
        }
    }
    CHECK(codec("xz").compress_memory({.level = 9}) > 600'000'000);
    CHECK(codec("xz").compress_memory({.level = 9, .chunk_size = 1 << 20}) < 30'000'000);
}

TEST_CASE("the format is told by the first bytes") {
    CHECK(recognise(compress({}, "zlib")) == &codec("zlib"));
    CHECK(recognise(from_hex("1f8b")) == &codec("gzip"));
    CHECK(recognise(from_hex("1f")) == &codec("gzip"));
    CHECK(recognise(from_hex("425a6830")) == nullptr);
    CHECK(recognise(from_hex("fd377a585a00")) == &codec("xz"));
    CHECK(recognise(from_hex("5d00008000ffffffffffffffff")) == &codec("xz"));
    CHECK(recognise(from_hex("5d00008100ffffffffffffffff")) == nullptr);
    CHECK(recognise({}) == nullptr);
}

}  // namespace
}  // namespace satchel
