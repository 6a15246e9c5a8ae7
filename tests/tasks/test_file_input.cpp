// Reading files: by descriptor, at offsets, in sequence; and what is said when it does not work.
#include <satchel/error.hpp>
#include <satchel/tasks/file.hpp>

#include "tasks/temporary_folder.hpp"

#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace satchel;
using satchel::test::bytes_of;
using satchel::test::TemporaryFolder;

namespace {

std::string digits(std::size_t size) {
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('0' + i % 10);
    return text;
}

std::string message_of(auto call) {
    try {
        call();
    } catch (const FileError& error) {
        return error.what();
    }
    return "no FileError";
}

}  // namespace

TEST_CASE("chunks cover a file once and in order, whatever their size") {
    const TemporaryFolder folder;
    const auto text = digits(1000);
    const auto path = folder.with("data", text);
    for (const std::int64_t size : {1, 7, 499, 500, 501, 999, 1000, 1001, 5000}) {
        CAPTURE(size);
        std::string joined;
        const auto chunks = file_chunks(path, size);
        CHECK(chunks.size() == static_cast<std::size_t>((1000 + size - 1) / size));
        for (const auto& chunk : chunks) joined += read_chunk(chunk).text();
        CHECK(joined == text);
    }
}

TEST_CASE("an empty file has no chunks") {
    const TemporaryFolder folder;
    CHECK(file_chunks(folder.with("empty", ""), 10).empty());
}

TEST_CASE("chunks carry absolute paths") {
    const TemporaryFolder folder;
    const auto path = folder.with("data", "abc");
    const auto relative = std::filesystem::relative(path);
    CHECK(file_chunks(relative, 10).at(0).path == std::filesystem::absolute(relative).native());
}

TEST_CASE("a chunk has at least one byte") {
    const TemporaryFolder folder;
    const auto path = folder.with("data", "abc");
    CHECK_THROWS_AS((void)file_chunks(path, 0), InvalidArgument);
    CHECK_THROWS_AS((void)file_chunks(path, -1), InvalidArgument);
}

TEST_CASE("a pipe cannot be cut into chunks") {
    const TemporaryFolder folder;
    const auto pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const detail::Descriptor writer(::open(pipe.c_str(), O_RDWR | O_CLOEXEC));
    CHECK(message_of([&] { (void)file_chunks(pipe, 10); }) ==
          pipe.native() + ": is no regular file: only those can be cut into ranges");
}

TEST_CASE("a chunk of a file that was truncated is an error, not a short chunk") {
    const TemporaryFolder folder;
    const auto path = folder.with("data", digits(100));
    const auto chunks = file_chunks(path, 60);
    std::filesystem::resize_file(path, 70);
    CHECK(read_chunk(chunks[0]).size() == 60);
    CHECK(message_of([&] { (void)read_chunk(chunks[1]); }) ==
          path.native() +
              ": 40 bytes are expected at offset 60, but the file ends after 10 of them; "
              "it was truncated after it was cut");
}

TEST_CASE("files that cannot be opened are named, with the reason") {
    const TemporaryFolder folder;
    const auto missing = folder / "missing";
    CHECK(message_of([&] { const InputFile file(missing); }) ==
          missing.native() + ": cannot open: No such file or directory");
    CHECK(message_of([&] { const InputFile file(folder.path()); }) ==
          folder.path().native() + ": cannot read: Is a directory");
    CHECK(message_of([&] { (void)file_status(missing); }) ==
          missing.native() + ": cannot open: No such file or directory");
    try {
        (void)read_file(missing);
        FAIL("no exception");
    } catch (const FileError& error) {
        CHECK(error.code() == ENOENT);
    }
}

TEST_CASE("read_at gives what there is") {
    const TemporaryFolder folder;
    const InputFile file(folder.with("data", "0123456789"));
    CHECK(file.read_at(0, 10).text() == "0123456789");
    CHECK(file.read_at(3, 4).text() == "3456");
    CHECK(file.read_at(8, 100).text() == "89");
    CHECK(file.read_at(10, 5).empty());
    CHECK(file.read_at(1000, 5).empty());
    CHECK(file.read_at(0, 0).empty());
    CHECK_THROWS_AS((void)file.read_at(-1, 5), InvalidArgument);
    CHECK_THROWS_AS((void)file.read_at(0, -5), InvalidArgument);
}

TEST_CASE("a pipe is read to its end, in full blocks, however its writer wrote") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const detail::Descriptor reading(ends[0]);
    std::jthread writer([end = ends[1]] {
        const detail::Descriptor writing(end);
        for (int i = 0; i < 1000; ++i) write_all(end, bytes_of("abcde"), "pipe", 0);
    });
    InputFile file(reading.number(), "pipe");
    CHECK(file.status().type == FileType::pipe);
    Buffer block(4096);
    CHECK(file.read(block) == 4096);
    CHECK(file.read(block) == 904);
    CHECK(file.read(block) == 0);
}

TEST_CASE("a pipe that does not block is waited for, in both directions") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    const detail::Descriptor reading(ends[0]);
    const std::string much(1 << 20, 'x');  // more than a pipe holds
    std::jthread writer([end = ends[1], &much] {
        const detail::Descriptor writing(end);
        write_all(end, bytes_of(much), "pipe", 0);
    });
    InputFile file(reading.number(), "pipe");
    Buffer block(much.size() + 1);
    CHECK(file.read(block) == much.size());
}

TEST_CASE("a failed write tells where") {
    const detail::Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    CHECK(message_of([&] { write_all(full.number(), bytes_of("abc"), "stdout", 4096); }) ==
          "stdout: cannot write at offset 4096: No space left on device");
}

TEST_CASE("read_file reads files that do not tell their size") {
    const TemporaryFolder folder;
    const auto large = digits(3 << 20);
    CHECK(read_file(folder.with("large", large)).text() == large);
    CHECK(read_file(folder.with("empty", "")).empty());
    CHECK(file_status("/proc/self/status").size == 0);
    CHECK(read_file("/proc/self/status").text().starts_with("Name:"));
}

TEST_CASE("a file that is written to is no longer unchanged") {
    const TemporaryFolder folder;
    const auto path = folder.with("data", "abc");
    const InputFile file(path);
    CHECK(file.unchanged());
    SUBCASE("longer") {
        std::ofstream(path, std::ios::app) << "d";
        CHECK_FALSE(file.unchanged());
    }
    SUBCASE("same size, other time") {
        const auto time = std::filesystem::last_write_time(path);
        std::filesystem::last_write_time(path, time + std::chrono::nanoseconds(1000));
        CHECK_FALSE(file.unchanged());
    }
    SUBCASE("another file of its name") {
        std::filesystem::rename(folder.with("other", "abc"), path);
        CHECK(file.unchanged());  // the one that is open is
        CHECK_FALSE(file_status(path).same_file(file.status()));
    }
}

TEST_CASE("the status tells type, names and the target of a link") {
    const TemporaryFolder folder;
    const auto path = folder.with("data", "abc");
    const auto link = folder / "link";
    std::filesystem::create_symlink(path, link);
    std::filesystem::create_hard_link(path, folder / "second");
    CHECK(file_status(link, Symlinks::examine).type == FileType::symlink);
    const auto status = file_status(link);
    CHECK(status.type == FileType::regular);
    CHECK(status.links == 2);
    CHECK(status.size == 3);
    CHECK(status.same_file(file_status(folder / "second")));
    CHECK(file_status(folder.path()).type == FileType::directory);
    CHECK(file_status("/dev/null").type == FileType::other);
}
