// OutputFile: a file appears whole or not at all, whatever goes wrong and whenever.
#include <satchel/error.hpp>
#include <satchel/tasks/file.hpp>

#include "tasks/temporary_folder.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace satchel;
using satchel::test::bytes_of;
using satchel::test::TemporaryFolder;
using satchel::test::text_of;
using Names = std::set<std::string>;

namespace {

int code_of(auto call) {
    try {
        call();
    } catch (const FileError& error) {
        CAPTURE(error.what());
        CHECK(error.code() != 0);
        return error.code();
    }
    return 0;
}

// Files of this process may not grow beyond `size` bytes while this lives.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t size) {
        before_ = ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &limit_);
        const rlimit smaller{.rlim_cur = size, .rlim_max = limit_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &smaller);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        ::signal(SIGXFSZ, before_);
    }

  private:
    rlimit limit_{};
    void (*before_)(int);
};

}  // namespace

TEST_CASE("nothing is to be seen of a file before it is complete") {
    const TemporaryFolder folder;
    OutputFile file(folder / "out");
    file.write(bytes_of("ab"));
    file.write(bytes_of("cd"));
    CHECK(file.size() == 4);
    CHECK(folder.names().empty());
    file.commit();
    CHECK(folder.names() == Names{"out"});
    CHECK(text_of(folder / "out") == "abcd");
}

TEST_CASE(
    "a file that was committed is refused: nothing more is written, nor is it committed again") {
    const TemporaryFolder folder;
    OutputFile file(folder / "out");
    file.write(bytes_of("ab"));
    file.commit();
    const auto refusal_of = [](const auto& call) -> std::string {
        try {
            call();
        } catch (const satchel::FileError& error) {
            return error.what();
        }
        return "(nothing was thrown)";
    };
    const auto expected = file.name() + ": was committed already";
    CHECK(refusal_of([&] { file.write(bytes_of("cd")); }) == expected);
    CHECK(refusal_of([&] { file.write({}); }) == expected);
    CHECK(refusal_of([&] { file.commit(); }) == expected);
    CHECK(text_of(folder / "out") == "ab");
}

TEST_CASE("a file that is given up leaves nothing") {
    const TemporaryFolder folder;
    for (const bool replace : {false, true}) {
        OutputFile(folder / "out", {.replace = replace}).write(bytes_of("abc"));
    }
    CHECK(folder.names().empty());
}

TEST_CASE("an existing file is replaced only on request, and only by a complete one") {
    const TemporaryFolder folder;
    const auto path = folder.with("out", "old");
    CHECK(code_of([&] { const OutputFile file(path); }) == EEXIST);

    OutputFile file(path, {.replace = true});
    file.write(bytes_of("new"));
    CHECK(text_of(path) == "old");
    file.commit();
    CHECK(text_of(path) == "new");
    CHECK(folder.names() == Names{"out"});
}

TEST_CASE("a file that appears meanwhile is not replaced") {
    const TemporaryFolder folder;
    OutputFile file(folder / "out");
    file.write(bytes_of("ours"));
    folder.with("out", "theirs");
    CHECK(code_of([&] { file.commit(); }) == EEXIST);
    CHECK(text_of(folder / "out") == "theirs");
    CHECK(folder.names() == Names{"out"});
}

TEST_CASE("what is no regular file is not replaced") {
    const TemporaryFolder folder;
    const auto pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(code_of([&] { const OutputFile file(pipe, {.replace = true}); }) == EEXIST);
    CHECK(code_of([&] { const OutputFile file("/dev/null", {.replace = true}); }) == EEXIST);
    CHECK(code_of([&] { const OutputFile file(folder.path(), {.replace = true}); }) == EISDIR);
}

TEST_CASE("a symbolic link is replaced itself, its target is not touched") {
    const TemporaryFolder folder;
    const auto target = folder.with("target", "old");
    std::filesystem::create_symlink(target, folder / "link");
    OutputFile file(folder / "link", {.replace = true});
    file.write(bytes_of("new"));
    file.commit();
    CHECK(text_of(target) == "old");
    CHECK(text_of(folder / "link") == "new");
    CHECK_FALSE(std::filesystem::is_symlink(folder / "link"));
}

TEST_CASE("a folder that is missing is an error at once") {
    const TemporaryFolder folder;
    CHECK(code_of([&] { const OutputFile file(folder / "no/out"); }) == ENOENT);
    CHECK(code_of([&] { const OutputFile file(""); }) == ENOENT);
}

TEST_CASE("the file stays in its folder when the working folder changes") {
    const TemporaryFolder folder;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    OutputFile file("out");
    std::filesystem::current_path(before);
    file.commit();
    CHECK(folder.names() == Names{"out"});
}

TEST_CASE("permissions and time are those of the source, to the nanosecond") {
    const TemporaryFolder folder;
    const auto source = folder.with("source", "abc");
    const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                               {.tv_sec = 1'000'000'000, .tv_nsec = 123'456'789}};
    REQUIRE(::utimensat(AT_FDCWD, source.c_str(), times, 0) == 0);
    REQUIRE(::chmod(source.c_str(), 0640) == 0);
    OutputFile file(folder / "out", {.metadata = file_status(source)});
    file.write(bytes_of("x"));
    file.commit();
    const auto status = file_status(folder / "out");
    CHECK(status.permissions == 0640);
    CHECK(status.modified_ns == 1'000'000'000'123'456'789);
}

TEST_CASE("times before 1970 are kept as well") {
    const TemporaryFolder folder;
    auto metadata = file_status(folder.with("source", ""));
    metadata.modified_ns = -1'500'000'000;
    OutputFile(folder / "out", {.metadata = metadata}).commit();
    CHECK(file_status(folder / "out").modified_ns == -1'500'000'000);
}

TEST_CASE("the owner is that of the source, where permitted") {
    if (::geteuid() != 0) return;
    const TemporaryFolder folder;
    const auto source = folder.with("source", "abc");
    REQUIRE(::chown(source.c_str(), 1234, 2345) == 0);
    OutputFile(folder / "out", {.metadata = file_status(source)}).commit();
    const auto status = file_status(folder / "out");
    CHECK(status.owner == 1234);
    CHECK(status.group == 2345);
}

TEST_CASE("a group that cannot be given gains no rights") {
    if (::geteuid() != 0) return;  // only root can make the source
    const TemporaryFolder folder;
    REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
    const auto source = folder.with("source", "abc");
    REQUIRE(::chown(source.c_str(), 1234, 2345) == 0);
    REQUIRE(::chmod(source.c_str(), 0654) == 0);
    if (const auto child = ::fork(); child == 0) {
        if (::setgid(1111) != 0 || ::setuid(1111) != 0) ::_exit(1);
        OutputFile(folder / "out", {.metadata = file_status(source)}).commit();
        ::_exit(0);
    } else {
        int ended = 0;
        ::waitpid(child, &ended, 0);
        REQUIRE(ended == 0);
    }
    CHECK(file_status(folder / "out").permissions == 0644);
    CHECK(file_status(folder / "out").owner == 1111);
}

TEST_CASE("without a source, a file has the permissions of any new file") {
    const TemporaryFolder folder;
    const auto before = ::umask(027);
    OutputFile(folder / "out").commit();
    ::umask(before);
    CHECK(file_status(folder / "out").permissions == 0640);
}

TEST_CASE("a write that does not fit tells the offset and leaves nothing") {
    const TemporaryFolder folder;
    {
        OutputFile file(folder / "out");
        const FileSizeLimit limit(10);
        file.write(bytes_of("12345678"));
        std::string message;
        try {
            file.write(bytes_of("12345678"));
        } catch (const FileError& error) {
            CHECK(error.code() == EFBIG);
            message = error.what();
        }
        CHECK(message == (folder / "out").native() + ": cannot write at offset 10: File too large");
    }
    CHECK(folder.names().empty());
}

TEST_CASE("SIGKILL while writing leaves the folder as it was") {
    const TemporaryFolder folder;
    folder.with("out", "old");
    if (const auto child = ::fork(); child == 0) {
        OutputFile replacing(folder / "out", {.replace = true});
        OutputFile fresh(folder / "fresh");
        replacing.write(bytes_of("new"));
        fresh.write(bytes_of("new"));
        ::raise(SIGKILL);
    } else {
        ::waitpid(child, nullptr, 0);
    }
    CHECK(folder.names() == Names{"out"});
    CHECK(text_of(folder / "out") == "old");
}
