// Notes between chunks: what they say, and that readers do not care.
#include "deflate_note.hpp"
#include "test_support.hpp"

#include <array>

#include <doctest/doctest.h>

using namespace satchel::testing;

namespace satchel {
namespace {

using detail::ChunkNote;

TEST_CASE("a note says what was written, whatever the numbers") {
    constexpr std::array<std::uint64_t, 6> numbers{0,           1,           0x1234'5678,
                                                   0x5555'5555, 0x7FFF'FFFE, 0x7FFF'FFFF};
    for (const auto compressed : numbers) {
        for (const auto size : numbers) {
            for (const std::uint32_t check : {0U, 1U, 0x8765'4321U, 0xFFFF'FFFFU}) {
                const ChunkNote written{compressed, size, size * 0x1'2345, check};
                const Bytes note = detail::encode_note(written);
                REQUIRE(note.size() == detail::note_size);
                CHECK(detail::decode_note(note) == written);
            }
        }
    }
}

TEST_CASE("what is no note is none") {
    const Bytes note = detail::encode_note({100, 200, 300, 400});
    CHECK(detail::decode_note(note));
    CHECK_FALSE(detail::decode_note({}));
    CHECK_FALSE(detail::decode_note(note.slice(1)));
    for (std::size_t bit = 0; bit < note.size() * 8; ++bit) {
        Buffer damaged;
        damaged.append(note);
        damaged.data()[bit / 8] ^= std::byte{1} << bit % 8;
        CHECK_FALSE(detail::decode_note(damaged));
    }
}

TEST_CASE("one chunk needs no note") {
    const Bytes data = text(60'000);
    const auto overhead = [&](std::int64_t chunks) {
        const std::vector<Bytes> same(static_cast<std::size_t>(chunks), data);
        return join_chunks(codec("gzip"), {.level = 6}, same).size();
    };
    CHECK(overhead(3) - overhead(2) == overhead(2) - overhead(1) - detail::note_size);
}

TEST_CASE("the standard tools skip notes") {
    const Bytes data = text(1'000'000);
    const Bytes file = compress(data, "gzip", {.chunk_size = 65'536});
    for (const std::string tool : {"gzip", "pigz", "bgzip", "igzip", "zstd", "busybox gzip"}) {
        if (!is_installed(tool)) continue;
        INFO(tool);
        CHECK(piped(file, tool + " -dc") == data);
    }
}

}  // namespace
}  // namespace satchel
