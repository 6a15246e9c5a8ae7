// Hidden names: files on file systems that know no unnamed ones, and what is left of them.
#include <satchel/tasks/file.hpp>

#include "file/pending_file.hpp"
#include "tasks/temporary_folder.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace satchel;
using satchel::test::bytes_of;
using satchel::test::TemporaryFolder;
using satchel::test::text_of;
using Names = std::set<std::string>;

namespace {

std::unique_ptr<PendingFile> hidden_file_with(const TemporaryFolder& folder, const char* text) {
    auto file = make_hidden_file(folder.path(), 0600);
    REQUIRE(file != nullptr);
    write_all(file->descriptor(), bytes_of(text), "hidden", 0);
    return file;
}

// What a process of this computer leaves behind when it is killed.
std::string stale_name() {
    const TemporaryFolder folder;
    const auto file = hidden_file_with(folder, "abc");
    return *folder.names().begin();
}

}  // namespace

TEST_CASE("a hidden file is hidden until it is published, and gone if it is not") {
    const TemporaryFolder folder;
    {
        const auto file = hidden_file_with(folder, "abc");
        REQUIRE(folder.names().size() == 1);
        CHECK(folder.names().begin()->starts_with(".satchel-"));
    }
    CHECK(folder.names().empty());
}

TEST_CASE("publishing a hidden file replaces only on request") {
    const TemporaryFolder folder;
    hidden_file_with(folder, "abc")->publish(folder / "out", false);
    CHECK(folder.names() == Names{"out"});

    CHECK(hidden_file_with(folder, "other")->publish(folder / "out", false) == EEXIST);
    CHECK(text_of(folder / "out") == "abc");
    CHECK(folder.names() == Names{"out"});

    CHECK(hidden_file_with(folder, "other")->publish(folder / "out", true) == 0);
    CHECK(text_of(folder / "out") == "other");
    CHECK(folder.names() == Names{"out"});
}

TEST_CASE("a hidden file that cannot be made says why") {
    const TemporaryFolder folder;
    CHECK(make_hidden_file(folder / "missing", 0600) == nullptr);
    CHECK(errno == ENOENT);
    CHECK(make_hidden_file(folder.with("file", ""), 0600) == nullptr);
    CHECK(errno == ENOTDIR);
}

TEST_CASE("a handler can remove the hidden files, and owners notice nothing") {
    const TemporaryFolder folder;
    {
        const auto file = hidden_file_with(folder, "abc");
        remove_pending_files();
        CHECK(folder.names().empty());
    }
    CHECK(folder.names().empty());
}

TEST_CASE("more files than the handler's list holds are written all the same") {
    const TemporaryFolder folder;
    std::vector<std::unique_ptr<PendingFile>> files;
    for (int i = 0; i < 100; ++i) files.push_back(hidden_file_with(folder, "abc"));
    CHECK(folder.names().size() == 100);
    files.clear();
    CHECK(folder.names().empty());
}

TEST_CASE("what a killed process left is removed by the next file in the folder") {
    const TemporaryFolder folder;
    if (const auto child = ::fork(); child == 0) {
        const auto file = make_hidden_file(folder.path(), 0600);
        ::raise(SIGKILL);
    } else {
        ::waitpid(child, nullptr, 0);
    }
    CHECK(folder.names().size() == 1);
    OutputFile(folder / "out").commit();
    CHECK(folder.names() == Names{"out"});
}

TEST_CASE("what is in use is not taken for stale") {
    const TemporaryFolder folder;
    const auto file = hidden_file_with(folder, "abc");
    OutputFile(folder / "out").commit();
    CHECK(folder.names().size() == 2);
}

TEST_CASE("names that are only similar are left alone") {
    const TemporaryFolder folder;
    const Names others{".satchel-0123456789abcdeX.part", ".satchel-0123456789abcdef.par",
                       ".satchel-.part", "satchel-0123456789abcdef.part",
                       ".satchel-00123456789abcdef.part"};
    for (const auto& name : others) folder.with(name, "abc");
    OutputFile(folder / "out").commit();
    auto expected = others;
    expected.insert("out");
    CHECK(folder.names() == expected);
}

TEST_CASE("only a regular file is taken for stale") {
    const TemporaryFolder folder;
    const auto name = stale_name();
    const auto target = folder.with("target", "abc");
    std::filesystem::create_symlink(target, folder / name);
    OutputFile(folder / "out").commit();
    CHECK(folder.names() == Names{"target", "out", name});
}

TEST_CASE("what another computer may be writing is left alone") {
    const TemporaryFolder folder;
    const auto ours = stale_name();
    auto theirs = ours;
    auto& digit = theirs[std::string_view(".satchel-").size()];
    digit = digit == '0' ? '1' : '0';
    folder.with(ours, "abc");
    folder.with(theirs, "abc");
    OutputFile(folder / "out").commit();
    CHECK(folder.names() == Names{"out", theirs});
}
