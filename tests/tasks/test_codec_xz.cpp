// xz: the stream that we join is the one that xz itself writes; the parts that liblzma must check.
#include "test_support.hpp"

#include <doctest/doctest.h>

using namespace satchel::testing;

namespace satchel {
namespace {

TEST_CASE("joined blocks are what xz -T2 writes") {
    // Blocks as large as the dictionary, so that ours is not made smaller.
    const Bytes data = concatenated({text(2 << 20), runs(1 << 20)});
    const Bytes file = compress(data, "xz", {.level = 1, .chunk_size = 1 << 20});
    CHECK(file == piped(data, "xz -1 -T2 --block-size=1048576 -c"));
}

TEST_CASE("an empty stream is xz's") { CHECK(compress({}, "xz") == piped({}, "xz -c")); }

TEST_CASE("the index tells the sizes of all blocks") {
    const Bytes data = text(300'000);
    const Bytes file = compress(data, "xz", {.chunk_size = 65'536});
    const auto list = piped(file,
                            "f=$(mktemp --suffix=.xz) && cat > $f && xz --robot --list $f | "
                            "awk \"/^totals/ {print \\$2, \\$3, \\$5, \\$7}\"; rm $f");
    CHECK(list.text() == "1 5 300000 CRC64\n");  // streams, blocks, bytes, check
}

TEST_CASE("a check that liblzma does not know is refused, not ignored") {
    // The stream header and footer with check 2, which no version defines, and right CRCs of those.
    const Bytes file = compress(text(10), "xz");
    const std::string script =
        "python3 -c 'import sys, zlib\n"
        "d = bytearray(sys.stdin.buffer.read())\n"
        "d[7] = 2\n"
        "d[8:12] = zlib.crc32(bytes(d[6:8])).to_bytes(4, \"little\")\n"
        "sys.stdout.buffer.write(d)'";
    CHECK_THROWS_WITH_AS(static_cast<void>(decompress(piped(file, script))),
                         doctest::Contains("has a check of a kind"), CorruptData);
}

TEST_CASE("without a check, xz data is read as xz reads it") {
    const Bytes data = text(1000);
    CHECK(decompress(piped(data, "xz -c --check=none")) == data);
}

}  // namespace
}  // namespace satchel
