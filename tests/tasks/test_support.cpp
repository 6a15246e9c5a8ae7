// The helpers of the codec tests.
#include "test_support.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

namespace satchel::testing {
namespace {

// A folder for the files of one test program, removed at its end.
class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "satchel-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] std::string operator/(const char* name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

}  // namespace

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    Buffer buffer(size);
    std::ranges::generate(buffer, [&] { return static_cast<std::byte>(generator()); });
    return std::move(buffer).freeze();
}

Bytes text(std::size_t size, std::uint64_t seed) {
    static constexpr std::array words{"alpha ",   "beta ", "gamma, ", "delta\n",    "epsilon ",
                                      "zeta-eta", "    ",  "theta. ", "iota/kappa", "12345 "};
    std::mt19937_64 generator(seed);
    std::string result;
    while (result.size() < size) result += words[generator() % words.size()];
    result.resize(size);
    return Bytes(std::move(result));
}

Bytes runs(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::string result;
    while (result.size() < size) {
        result.append(generator() % 600, static_cast<char>(generator() % 4));
        result.append(generator() % 6, static_cast<char>(generator() % 250));
    }
    result.resize(size);
    return Bytes(std::move(result));
}

Bytes zeros(std::size_t size) { return Bytes(std::string(size, '\0')); }

std::vector<Sample> samples(std::size_t chunk_size) {
    std::vector<Sample> result{{"empty", {}},
                               {"one byte", text(1)},
                               {"three bytes", text(3)},
                               {"zeros", zeros(3 * chunk_size + 5)}};
    for (const std::size_t size : {chunk_size - 1, chunk_size, chunk_size + 1, 2 * chunk_size,
                                   3 * chunk_size + chunk_size / 3}) {
        result.push_back({fmt::format("{} bytes of text", size), text(size, size)});
        result.push_back({fmt::format("{} bytes of runs", size), runs(size, size)});
        result.push_back({fmt::format("{} random bytes", size), random_bytes(size, size)});
    }
    return result;
}

std::vector<std::size_t> sizes(std::initializer_list<std::size_t> values) { return values; }

Bytes concatenated(std::initializer_list<Bytes> pieces) {
    Buffer buffer;
    for (const Bytes& piece : pieces) buffer.append(piece);
    return std::move(buffer).freeze();
}

Bytes from_hex(std::string_view hex) {
    std::string result;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        while (hex[i] == ' ') ++i;
        result += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return Bytes(std::move(result));
}

bool has_codec(std::string_view name) {
    return std::ranges::any_of(codecs(),
                               [&](const Codec* codec) { return codec->info().name == name; });
}

bool is_readable(std::string_view command) {
    const bool is_zstd = command.starts_with("zstd") || command.starts_with("pzstd");
    return !is_zstd || has_codec("zstd");
}

bool is_installed(const std::string& command) {
    const auto program = command.substr(0, command.find(' '));
    const bool is_there = !piped({}, "command -v " + program + " || true").empty();
    static std::set<std::string> told;
    if (!is_there && told.insert(program).second) {
        MESSAGE(program, " is not installed, and is not compared with");
    }
    return is_there;
}

Bytes piped(std::span<const std::byte> input, const std::string& command) {
    static const Folder folder;
    {
        std::ofstream file(folder / "in", std::ios::binary);
        file.write(reinterpret_cast<const char*>(input.data()),
                   static_cast<std::streamsize>(input.size()));
        REQUIRE(file.flush());
    }
    const auto line = fmt::format("({}) < '{}' > '{}'", command, folder / "in", folder / "out");
    INFO(line);
    REQUIRE(std::system(line.c_str()) == 0);
    std::ifstream file(folder / "out", std::ios::binary);
    return Bytes(std::string(std::istreambuf_iterator<char>(file), {}));
}

Bytes join_chunks(const Codec& codec, const CompressOptions& options,
                  std::span<const Bytes> chunks) {
    const auto joiner = codec.joiner(options);
    Buffer file;
    file.append(joiner->begin());
    for (const Bytes& chunk : chunks) {
        file.append(joiner->append(codec.compress_chunk(chunk, options)));
    }
    file.append(joiner->finish());
    return std::move(file).freeze();
}

std::function<Bytes()> reader(const Bytes& file, std::size_t block_size) {
    return [&file, block_size, offset = std::size_t{0}]() mutable {
        const Bytes block = file.slice(offset, block_size);
        offset += block.size();
        return block;
    };
}

namespace {

// What decoding gives: all of it, or what came before an error.
struct Attempt {
    Decoded decoded;
    std::optional<CorruptData> error;
};

template <class Run>
Attempt attempt(Run run) {
    Attempt result;
    Buffer data;
    try {
        result.decoded.warning = run([&](const Bytes& block) { data.append(block); });
    } catch (const CorruptData& error) {
        result.error = error;
    }
    result.decoded.data = std::move(data).freeze();
    return result;
}

}  // namespace

Decoded decode_file(const Bytes& file, const DecompressOptions& options, std::size_t block_size) {
    const Attempt alone = attempt([&](auto write) {
        Decompressor decompressor(reader(file, block_size), options);
        for (Bytes block = decompressor.next(); !block.empty(); block = decompressor.next()) {
            write(block);
        }
        return decompressor.warning();
    });
    static const ThreadPoolExecutor pool(2);
    const Attempt parallel = attempt([&](auto write) {
        const auto result = decompress_parallel(
            reader(file, block_size), [&](const Bytes& block) { return write(block), true; },
            {.decompress = options, .executor = pool});
        return result.warning;
    });
    CHECK(parallel.error.has_value() == alone.error.has_value());
    if (alone.error) throw *alone.error;
    CHECK(parallel.decoded.data == alone.decoded.data);
    CHECK(parallel.decoded.warning == alone.decoded.warning);
    return alone.decoded;
}

}  // namespace satchel::testing
