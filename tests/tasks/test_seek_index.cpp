// Indexes: they come back as they were written, and nothing else is taken for one.
#include <satchel/tasks/seek.hpp>

#include "test_support.hpp"

#include <doctest/doctest.h>

using namespace satchel::testing;

namespace satchel {
namespace {

RandomAccess access(const Bytes& data) {
    return {data.size(), [data](std::uint64_t offset, std::uint64_t size) {
                return data.slice(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
            }};
}

// What decoding a file tells of it.
SeekTable table_by_decoding(const Bytes& file, const ExecutorReference& executor = {}) {
    SeekTable table;
    decompress_parallel(reader(file, 100'000),
                        [&](const Bytes& data) {
                            table.output_size += data.size();
                            return true;
                        },
                        {.executor = executor, .on_piece = [&](const SeekPiece& piece) {
                             table.pieces.push_back(piece);
                         }});
    return table;
}

TEST_CASE("what decoding finds out is good for ranges") {
    const Bytes data = concatenated({text(700'000), random_bytes(300'000), text(2'000'000, 2)});
    for (const std::string command : {"bzip2 -1c", "pigz -ic", "bgzip -c", "xz -0c -T2", "cat",
                                      "xz -0c -T1 --block-size=300KiB"}) {
        if (!is_installed(command)) continue;
        INFO(command);
        const bool ours = command == "cat";
        const Bytes file = ours ? compress(data, "bz2", {.level = 1}) : piped(data, command);
        const Codec& codec = *recognise(std::span(file).first(16));
        const auto found = table_by_decoding(file);
        const auto table =
            decode_index(encode_index(found, codec, access(file)), codec, access(file));
        CHECK(table == found);
        CHECK(table.output_size == data.size());
        const bool can_be_entered = command.find("-T1") == std::string::npos;
        CHECK(table.pieces.empty() != can_be_entered);
        Buffer out;
        const auto size = read_range(codec, access(file), table, {2'000'000, 500'000},
                                     [&](const Bytes& part) { return out.append(part), true; });
        CHECK(size == (can_be_entered ? 500'000 : 0));
        CHECK(std::move(out).freeze() == data.slice(2'000'000, size));
    }
}

TEST_CASE("the pieces that are found do not depend on threads") {
    // The ratio changes, so that whoever learns from it would cut differently.
    const Bytes data = concatenated({text(1'000'000), zeros(6'000'000), random_bytes(1'000'000),
                                     text(2'000'000, 2), zeros(3'000'000)});
    const ThreadPoolExecutor one(1);
    for (const Codec* codec : codecs()) {
        for (const std::int64_t chunk_size : {65'536, 1'000'000}) {
            INFO(codec->info().name, ", chunks of ", chunk_size);
            const Bytes file =
                compress(data, codec->info().name, {.level = 1, .chunk_size = chunk_size});
            const auto expected = table_by_decoding(file, one);
            CHECK(expected.output_size == data.size());
            CHECK(expected.pieces.size() > 3);
            for (const int threads : {2, 5}) {
                const ThreadPoolExecutor several(threads);
                CHECK(table_by_decoding(file, several) == expected);
            }
        }
    }
}

TEST_CASE("an index is that of its file, whole, or none") {
    const Bytes data = text(400'000);
    const Bytes file = compress(data, "bz2", {.level = 1});
    const Codec& bz2 = codec("bz2");
    const Bytes index = encode_index(table_by_decoding(file), bz2, access(file));
    CHECK(is_index(index));
    CHECK(decode_index(index, bz2, access(file)).output_size == data.size());
    for (std::size_t size = 0; size < index.size(); ++size) {
        CHECK_THROWS_AS(decode_index(index.slice(0, size), bz2, access(file)), CorruptData);
    }
    for (std::size_t bit = 0; bit < index.size() * 8; ++bit) {
        Buffer damaged;
        damaged.append(index);
        damaged.data()[bit / 8] ^= std::byte{1} << bit % 8;
        CHECK_THROWS_AS(decode_index(damaged, bz2, access(file)), CorruptData);
    }
    CHECK_THROWS_AS(decode_index(index, codec("gzip"), access(file)), CorruptData);
    CHECK_THROWS_AS(decode_index(index, bz2, access(file.slice(1))), CorruptData);
    const Bytes other = compress(text(400'000, 2), "bz2", {.level = 1});
    CHECK_THROWS_AS(decode_index(index, bz2, access(other)), CorruptData);
    CHECK_FALSE(is_index(file));
}

}  // namespace
}  // namespace satchel
