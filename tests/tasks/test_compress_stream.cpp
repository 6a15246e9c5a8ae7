// Tests of compress_stream: on a cluster it gives what it gives here, whatever the workers see of
// the file. The workers are threads of this process; tests/cli has real ones.
#include <satchel/archive.hpp>
#include <satchel/client.hpp>
#include <satchel/error.hpp>
#include <satchel/local_cluster.hpp>
#include <satchel/tasks/compress.hpp>
#include <satchel/tasks/decompress.hpp>

#include "codec_libraries.hpp"
#include "file/file_reference.hpp"
#include "tasks/temporary_folder.hpp"
#include "tasks/test_support.hpp"

#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace satchel;
using satchel::detail::CodecLibraries;
using satchel::detail::FileReference;
using satchel::test::TemporaryFolder;

namespace {

constexpr std::int64_t chunk_size = 65536;
const SynchronousExecutor here;

std::string sample(std::size_t chunks, std::uint64_t seed = 1) {
    const auto data = satchel::testing::text(chunks * chunk_size + 1, seed);
    return std::string(data.text());
}

// Calls `meanwhile` after the first chunk.
std::string compressed(InputFile input, const Codec& codec, CompressStreamOptions options,
                       const std::function<void()>& meanwhile = {}) {
    std::string result;
    bool is_first = true;
    options.codec.chunk_size = chunk_size;
    options.on_progress = [&](const Transfer&) {
        if (std::exchange(is_first, false) && meanwhile) meanwhile();
    };
    const auto append = [&](std::span<const std::byte> data) {
        result.append(reinterpret_cast<const char*>(data.data()), data.size());
    };
    const auto transfer = compress_stream(input, append, codec, options);
    CHECK(transfer.output == static_cast<std::int64_t>(result.size()));
    return result;
}

struct Cluster {
    LocalCluster cluster{{.n_workers = 2, .threads_per_worker = 1, .processes = false}};
    Client client{cluster};
};

}  // namespace

TEST_CASE("a cluster gives what this computer gives") {
    const TemporaryFolder folder;
    const auto path = folder.with("f", sample(12));
    const Cluster cluster;
    for (const auto* codec : codecs()) {
        CAPTURE(codec->info().name);
        const auto expected = compressed(InputFile(path), *codec, {.executor = here});
        CHECK(compressed(InputFile(path), *codec, {.executor = cluster.client}) == expected);
        // The newest client is used without being named.
        CHECK(compressed(InputFile(path), *codec, {}) == expected);
        const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        REQUIRE(descriptor >= 0);
        CHECK(compressed(InputFile(descriptor, "a pipe, as it were"), *codec, {}) == expected);
        ::close(descriptor);
    }
    const auto& gzip = codec("gzip");
    CHECK(compressed(InputFile(path), gzip, {.content_defined = true}) ==
          compressed(InputFile(path), gzip, {.content_defined = true, .executor = here}));
}

TEST_CASE("what was read before is left out") {
    const TemporaryFolder folder;
    const auto text = sample(12);
    const auto path = folder.with("f", text);
    const auto& gzip = codec("gzip");
    const auto rest = folder.with("rest", text.substr(100'000));
    const auto expected = compressed(InputFile(rest), gzip, {.executor = here});
    const auto half_read = [&] {
        InputFile input(path);
        Buffer head(100'000);
        REQUIRE(input.read(head) == head.size());
        return input;
    };
    CHECK(compressed(half_read(), gzip, {.executor = here}) == expected);
    const Cluster cluster;
    CHECK(compressed(half_read(), gzip, {}) == expected);
    // From the middle of it on, the bytes are sent.
    CHECK(compressed(half_read(), gzip, {}, [&] { std::filesystem::remove(path); }) == expected);
}

TEST_CASE("an empty file becomes an empty stream on a cluster, too") {
    const TemporaryFolder folder;
    const auto path = folder.with("f", "");
    const Cluster cluster;
    for (const auto* codec : codecs()) {
        CHECK(compressed(InputFile(path), *codec, {}) ==
              compressed(InputFile(path), *codec, {.executor = here}));
    }
}

TEST_CASE("what workers do not see as it was is sent to them") {
    const TemporaryFolder folder;
    const auto path = folder.with("f", sample(40));
    const auto& gzip = codec("gzip");
    const auto expected = compressed(InputFile(path), gzip, {.executor = here});
    const Cluster cluster;

    const auto replace = [&] {
        std::filesystem::rename(folder.with("other", sample(40, 2)), path);
    };
    const auto append = [&] { std::ofstream(path, std::ios::app) << "more"; };
    const auto put_a_pipe = [&] {
        std::filesystem::remove(path);
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    };
    const auto remove = [&] { std::filesystem::remove(path); };
    for (const std::function<void()>& change :
         {std::function<void()>(replace), std::function<void()>(append),
          std::function<void()>(put_a_pipe), std::function<void()>(remove)}) {
        std::filesystem::remove(path);
        folder.with("f", sample(40));
        CHECK(compressed(InputFile(path), gzip, {}, change) == expected);

        std::filesystem::remove(path);
        folder.with("f", sample(40));
        InputFile input(path);
        change();
        CHECK(compressed(std::move(input), gzip, {}) == expected);
    }
}

TEST_CASE("a reference to a file reads the same file alone") {
    const TemporaryFolder folder;
    const auto path = folder.with("f", "0123456789");
    const InputFile file(path);
    const FileReference local(file);
    const auto travelled = decode<FileReference>(encode(local));
    CHECK(local.read_at(2, 3).value().text() == "234");
    CHECK(travelled.read_at(2, 3).value().text() == "234");
    CHECK(travelled.read_at(8, 30).value().text() == "89");

    std::ofstream(path, std::ios::app) << "more";
    CHECK(local.read_at(8, 30).value().text() == "89more");
    CHECK_FALSE(travelled.read_at(2, 3));
    std::filesystem::remove(path);
    CHECK_FALSE(travelled.read_at(2, 3));
}

TEST_CASE("errors of codecs come back from a cluster as themselves") {
    const Cluster cluster;
    const auto damaged = from_sequence(
        std::vector{compress(satchel::testing::text(100'000), "gzip").slice(0, 1000)});
    try {
        (void)damaged.map([](const Bytes& data) { return decompress(data); }).compute();
        FAIL("nothing was thrown");
    } catch (const CorruptData& error) {
        CHECK(error.offset() == 1000);
        CHECK(std::string(error.what()).ends_with(", at offset 1000"));
    }
    const auto call = [](int) -> int { throw OverMemoryLimit("the xz data", 2000, 1000); };
    CHECK_THROWS_AS((void)cluster.client.submit(call, 1).result(), OverMemoryLimit);
}

TEST_CASE("workers with other libraries are refused, and the library is named") {
    const auto& own = CodecLibraries::of_this_process();
    CHECK_NOTHROW(decode<CodecLibraries>(encode(own)).require());

    CodecLibraries more = own;
    more.builds["libz.so.9"] = 1;
    CHECK_THROWS_WITH_AS(more.require(), doctest::Contains("libz.so.9"), Error);
    for (const auto& [name, build] : own.builds) {
        CodecLibraries other = own;
        other.builds[name] = build + 1;
        CHECK_THROWS_WITH_AS(other.require(), doctest::Contains(name.c_str()), Error);
        other.builds.erase(name);
        CHECK_THROWS_WITH_AS(other.require(), doctest::Contains(name.c_str()), Error);
    }
}

TEST_CASE("a codec that the workers do not have is named by the error") {
    const TemporaryFolder folder;
    const auto path = folder.with("f", sample(2));
    // It is used here without being added to those that are found by name.
    class Unknown final : public Codec {
      public:
        [[nodiscard]] const CodecInfo& info() const override {
            static constexpr CodecInfo info{.name = "unheard-of", .suffix = ".x", .suffixes = {}};
            return info;
        }
        [[nodiscard]] bool recognises(std::span<const std::byte>) const override { return false; }
        [[nodiscard]] std::int64_t default_chunk_size(std::int64_t) const override {
            return chunk_size;
        }
        [[nodiscard]] std::uint64_t compress_memory(const CompressOptions&) const override {
            return 0;
        }
        [[nodiscard]] CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                                     const CompressOptions&) const override {
            return {Bytes::copy_of(chunk), chunk.size(), 0, 0};
        }
        [[nodiscard]] std::unique_ptr<Joiner> joiner(
            const CompressOptions& options) const override {
            return codec("gzip").joiner(options);
        }
        [[nodiscard]] std::unique_ptr<Decoder> decoder() const override { return nullptr; }
    };
    const Unknown unknown;
    CHECK_FALSE(compressed(InputFile(path), unknown, {.executor = here}).empty());
    const Cluster cluster;
    CHECK_THROWS_WITH_AS(compressed(InputFile(path), unknown, {}), doctest::Contains("unheard-of"),
                         Error);
}
