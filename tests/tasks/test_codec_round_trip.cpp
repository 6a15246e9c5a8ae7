// What is compressed comes back, for every codec, level, size and way of cutting; and equal input
// gives equal output.
#include "test_support.hpp"

#include <array>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel::testing;

namespace satchel {
namespace {

constexpr std::int64_t small_chunk = 64 << 10;

TEST_CASE("every sample comes back from every codec") {
    for (const Codec* codec : codecs()) {
        for (const Sample& sample : samples(small_chunk)) {
            INFO(codec->info().name, ", ", sample.name);
            const Bytes file =
                compress(sample.data, codec->info().name, {.level = 1, .chunk_size = small_chunk});
            CHECK(recognise(file) == codec);
            CHECK(decompress(file) == sample.data);
        }
    }
}

TEST_CASE("every level comes back") {
    const Bytes data = concatenated({text(100'000), random_bytes(1000), runs(100'000)});
    for (const Codec* codec : codecs()) {
        for (auto level = codec->info().level_min; level <= codec->info().level_max; ++level) {
            INFO(codec->info().name, " -", level);
            const Bytes file =
                compress(data, codec->info().name, {.level = level, .chunk_size = small_chunk});
            CHECK(file.size() < data.size() / 2);
            CHECK(decompress(file) == data);
        }
    }
}

TEST_CASE("chunks of any sizes are joined") {
    const Bytes data = concatenated({text(70'000), random_bytes(5000), runs(60'000)});
    for (const Codec* codec : codecs()) {
        std::vector<Bytes> chunks;
        for (std::size_t offset = 0, size = 0; offset < data.size(); size = 3 * size / 2 + 1) {
            chunks.push_back(data.slice(offset, size));  // the first is empty
            offset += chunks.back().size();
        }
        INFO(codec->info().name, ", ", chunks.size(), " chunks");
        CHECK(decompress(join_chunks(*codec, {.level = 3}, chunks)) == data);
    }
}

TEST_CASE("input and output may come in pieces of any size") {
    const Bytes data = concatenated({text(5000), random_bytes(300), runs(3000)});
    for (const Codec* codec : codecs()) {
        const Bytes file = compress(data, codec->info().name);
        for (const auto block_size : sizes({1, 2, 3, 7, 100})) {
            INFO(codec->info().name, ", blocks of ", block_size);
            CHECK(decode_file(file, {}, block_size).data == data);
        }
    }
}

TEST_CASE("a decoder goes on with one byte of room at a time, and again after reset") {
    const Bytes data = text(3000);
    for (const Codec* codec : codecs()) {
        if (codec->info().name == "zstd") continue;  // a file is several streams: frames
        INFO(codec->info().name);
        const Bytes file = concatenated({compress(data, codec->info().name), text(10)});
        const auto decoder = codec->decoder();
        for (int round = 0; round < 3; ++round) {
            std::span<const std::byte> input(file);
            std::string decoded;
            auto status = Decoder::Status::needs_output;
            while (status == Decoder::Status::needs_output) {
                std::byte byte{};
                std::span<std::byte> output(&byte, 1);
                status = decoder->decode(input, output);
                if (output.empty()) decoded += static_cast<char>(byte);
            }
            CHECK(status == Decoder::Status::finished);
            CHECK(input.size() == 10);
            CHECK(decoded == data.text());
            decoder->reset(0);
        }
    }
}

TEST_CASE("the output depends on input and options alone") {
    const Bytes data = concatenated({text(200'000), runs(100'000), random_bytes(50'000)});
    for (const Codec* codec : codecs()) {
        const auto name = codec->info().name;
        INFO(name);
        const CompressOptions options{.level = 4, .chunk_size = small_chunk};
        const Bytes first = compress(data, name, options);
        // What this thread's codec has seen before must leave no trace, nor must the thread.
        static_cast<void>(compress(random_bytes(70'000), name, {.level = 9}));
        static_cast<void>(compress(text(70'000), name, options));
        CHECK(compress(data, name, options) == first);
        // Nor must other threads that do the same at the same time.
        std::array<Bytes, 3> others;
        {
            std::vector<std::jthread> threads;
            for (Bytes& other : others) {
                threads.emplace_back([&] { other = compress(decompress(first), name, options); });
            }
        }
        for (const Bytes& other : others) CHECK(other == first);
    }
}

TEST_CASE("random data grows by little") {
    const Bytes data = random_bytes(std::size_t{3} << 20);
    for (const Codec* codec : codecs()) {
        INFO(codec->info().name);
        const Bytes file = compress(data, codec->info().name);
        CHECK(file.size() < data.size() + data.size() / 200);
        CHECK(decompress(file) == data);
    }
}

}  // namespace
}  // namespace satchel
