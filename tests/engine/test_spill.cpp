// Tests of what waits in memory or in temporary files, and of pieces as bytes.
#include <satchel/archive.hpp>
#include <satchel/detail/records.hpp>
#include <satchel/error.hpp>

#include "base/spill.hpp"
#include "engine/support.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace satchel;
using namespace satchel::detail;
using satchel::testing::text_of;

namespace {

Bytes bytes_of(std::string_view text) { return Bytes::copy_of(std::as_bytes(std::span(text))); }

std::string text_at(const SpillSpace::Place& place, std::size_t size) {
    const auto bytes = place.file ? place.file->read(place.offset, size) : place.bytes;
    return std::string(bytes.text());
}

// A folder for temporary files, and no other for as long as this lives.
class TemporaryFolder {
  public:
    explicit TemporaryFolder(const std::string& path) {
        if (const char* before = std::getenv("TMPDIR")) before_ = before;
        ::setenv("TMPDIR", path.c_str(), 1);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        if (before_) {
            ::setenv("TMPDIR", before_->c_str(), 1);
        } else {
            ::unsetenv("TMPDIR");
        }
    }

  private:
    std::optional<std::string> before_;
};

// No file may grow past this, for as long as this lives.
class FileSizeMax {
  public:
    explicit FileSizeMax(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit less{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &less);
    }
    FileSizeMax(const FileSizeMax&) = delete;
    FileSizeMax& operator=(const FileSizeMax&) = delete;
    ~FileSizeMax() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

  private:
    rlimit before_{};
    void (*handler_)(int);
};

// Records of numbers are written as they lie in memory, others by an archive.
template <class K>
K key_of(int number) {
    if constexpr (std::is_same_v<K, std::string>) {
        return std::to_string(number);
    } else {
        return static_cast<K>(number);
    }
}

template <class K>
ShufflePieces some_pieces(int records = 100) {
    PieceWriter<K, int> writer(5);
    for (int k = 0; k < records; ++k) writer.add(key_of<K>(k % 10), k);
    return std::move(writer).finish();
}

template <class K>
std::vector<std::pair<K, int>> records_of(const ShufflePieces& pieces, std::uint32_t output) {
    std::vector<std::pair<K, int>> records;
    RecordReader<K, int> reader(pieces, output);
    while (reader.next()) records.emplace_back(reader.key(), reader.element());
    return records;
}

}  // namespace

TEST_CASE("data stays in memory while there is room, and gives its room back") {
    SpillSpace space(10);
    auto first = space.put(bytes_of("12345678"));
    CHECK(!first.file);
    CHECK(space.memory_used() == 8);
    const auto second = space.put(bytes_of("abc"));
    CHECK(second.file);
    CHECK(space.memory_used() == 8);
    const auto slice = first.bytes.slice(2, 3);
    first = {};
    CHECK(space.memory_used() == 8);  // the slice holds it
    CHECK(slice.text() == "345");
    CHECK(text_at(second, 3) == "abc");
    const auto third = space.put(bytes_of("de"));
    CHECK(!third.file);
    const auto fourth = space.put(bytes_of("fghi"));
    CHECK(fourth.file == second.file);
    CHECK(text_at(fourth, 4) == "fghi");
}

TEST_CASE("temporary files have no names") {
    char pattern[] = "/tmp/satchel-test-XXXXXX";
    const std::string folder = ::mkdtemp(pattern);
    const TemporaryFolder temporary(folder);
    SpillSpace space(0);
    const auto place = space.put(bytes_of("text"));
    CHECK(std::filesystem::is_empty(folder));
    std::filesystem::remove_all(folder);
    CHECK(text_at(place, 4) == "text");
}

TEST_CASE("a full disk, and a folder that is not there") {
    SpillSpace space(0);
    {
        const TemporaryFolder not_given("");
        const FileSizeMax at_most(100);
        const auto text =
            text_of<FileError>([&] { (void)space.put(bytes_of(std::string(5000, 'x'))); });
        CHECK(text ==
              "setting data aside in '/var/tmp': cannot write 4.88 kiB: File too large; set TMPDIR "
              "to a folder on a disk with room, or let SATCHEL_SHUFFLE__MEMORY bytes of shuffles "
              "stay in memory");
    }
    const TemporaryFolder missing("/nowhere");
    const auto text = text_of<FileError>([&] { (void)space.put(bytes_of("x")); });
    CHECK(
        text.starts_with("setting data aside in '/nowhere': cannot make a temporary file: No such "
                         "file or directory"));
}

TEST_CASE_TEMPLATE("pieces are cut, sent and read in order", K, std::string, int, double, char) {
    const auto pieces = some_pieces<K>();
    REQUIRE(pieces.runs.size() == 1);
    std::size_t records = 0;
    for (std::uint32_t output = 0; output < 5; ++output) {
        CAPTURE(output);
        const auto expected = records_of<K>(pieces, output);
        records += expected.size();
        std::vector<int> last(10, -1);
        for (const auto& [key, element] : expected) {
            CHECK(output_of(stable_hash(key), 5) == output);
            CHECK(key == key_of<K>(element % 10));
            auto& before = last[static_cast<std::size_t>(element % 10)];
            CHECK(std::exchange(before, element) < element);
        }
        const ShufflePieces cut{{pieces.runs.front().select(output, output + 1)}};
        CHECK(records_of<K>(cut, output) == expected);
        CHECK(records_of<K>(cut, output + 1).empty());
        const auto sent = decode<ShufflePieces>(encode(cut));
        CHECK(records_of<K>(sent, output) == expected);
        // Cut once more, and from what was sent.
        const ShufflePieces again{{sent.runs.front().select(output, 5)}};
        CHECK(records_of<K>(again, output) == expected);
    }
    CHECK(records == 100);
}

TEST_CASE_TEMPLATE("many records are several runs", K, std::string, int, std::int64_t) {
    constexpr int count = 1'200'000;
    const auto pieces = some_pieces<K>(count);
    CHECK(pieces.runs.size() > 1);
    std::vector<bool> seen(count);
    for (std::uint32_t output = 0; output < 5; ++output) {
        std::vector<int> last(10, -1);
        for (const auto& [key, element] : records_of<K>(pieces, output)) {
            auto& before = last[static_cast<std::size_t>(element % 10)];
            REQUIRE(key == key_of<K>(element % 10));
            REQUIRE(std::exchange(before, element) < element);
            seen[static_cast<std::size_t>(element)] = true;
        }
    }
    CHECK(std::ranges::count(seen, true) == count);
}

TEST_CASE_TEMPLATE("pieces that nobody can have written are refused", K, std::string, int) {
    const auto encoded = encode(some_pieces<K>());
    const std::vector<std::byte> good(encoded.head.begin(), encoded.head.end());
    for (std::size_t size = 0; size < good.size(); ++size) {
        const auto cut = Bytes::copy_of(std::span(good).first(size));
        CHECK_THROWS_AS((void)decode<ShufflePieces>(Encoded{cut, {}}), ArchiveError);
    }
    const auto all_records = [](const std::vector<std::byte>& bytes) {
        const auto pieces = decode<ShufflePieces>(Encoded{Bytes::copy_of(bytes), {}});
        std::vector<std::vector<std::pair<K, int>>> records;
        for (std::uint32_t output = 0; output < 5; ++output) {
            records.push_back(records_of<K>(pieces, output));
        }
        return records;
    };
    const auto right = all_records(good);
    std::size_t refused = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
        CAPTURE(at);
        auto bad = good;
        bad[at] ^= std::byte{0x81};
        try {
            const auto records = all_records(bad);
            CHECK(records != right);
        } catch (const ArchiveError&) {
            ++refused;
        }
    }
    CHECK(refused > 0);
}
