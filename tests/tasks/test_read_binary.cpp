// read_binary: blocks of a file, read by the tasks that use them.
#include <satchel/tasks/file.hpp>

#include "tasks/temporary_folder.hpp"

#include <filesystem>
#include <string>

#include <doctest/doctest.h>

using satchel::Bytes;
using satchel::read_binary;

namespace {

// A file of `size` bytes that is removed again.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) text_.push_back(static_cast<char>('a' + i % 26));
        path_ = folder_.with("file", text_);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    satchel::test::TemporaryFolder folder_;
    std::filesystem::path path_;
    std::string text_;
};

std::string joined(const satchel::Bag<Bytes>& blocks) {
    std::string all;
    for (const auto& block : blocks.compute()) all += block.text();
    return all;
}

}  // namespace

TEST_CASE("the blocks of a file are all of it, for any block size") {
    const TemporaryFile file(1000);
    for (const std::int64_t blocksize : {1, 7, 100, 999, 1000, 1001}) {
        CAPTURE(blocksize);
        const auto blocks = read_binary(file.path(), {.blocksize = blocksize});
        CHECK(blocks.npartitions() == (1000 + blocksize - 1) / blocksize);
        CHECK(joined(blocks) == file.text());
    }
}

TEST_CASE("an empty file is a bag without elements") {
    const TemporaryFile file(0);
    CHECK(read_binary(file.path()).compute().empty());
}

TEST_CASE("blocks are read when they are used, and a file that shrank is noticed") {
    const TemporaryFile file(1000);
    const auto blocks = read_binary(file.path(), {.blocksize = 100});
    std::filesystem::resize_file(file.path(), 950);
    CHECK(blocks.take(1).size() == 1);
    CHECK_THROWS_AS((void)blocks.compute(), satchel::FileError);
}

TEST_CASE("a missing file and a bad block size are refused at the call") {
    CHECK_THROWS_AS((void)read_binary("/nonexistent/file"), satchel::FileError);
    const TemporaryFile file(10);
    CHECK_THROWS_AS((void)read_binary(file.path(), {.blocksize = 0}), satchel::InvalidArgument);
    CHECK_THROWS_AS((void)read_binary("/proc/self/status"), satchel::FileError);
}
