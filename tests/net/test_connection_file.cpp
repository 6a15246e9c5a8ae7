// The connection file: who may read it, and what is said of one that cannot be used.
#include <satchel/error.hpp>

#include "net/connection_file.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace satchel::net;
namespace fs = std::filesystem;

namespace {

// An empty folder while it lives.
class Folder {
  public:
    Folder() {
        auto name = (fs::temp_directory_path() / "satchel-connection-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    fs::path path;
};

ConnectionFile example() {
    return {.addresses = {Address::parse("tcp://127.0.0.1:8786"), Address::parse("tcp://[::1]:1")},
            .credentials = Credentials::generate()};
}

std::string refusal_of(const fs::path& path) {
    try {
        (void)read_connection_file(path);
    } catch (const satchel::FileError& error) {
        return error.what();
    }
    return "accepted";
}

void write_private(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a connection file is read as it was written, by its owner alone") {
    const Folder folder;
    const auto path = folder.path / "cluster.json";
    const auto before = umask(0);
    write_connection_file(path, example());
    umask(before);
    CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));

    const auto content = example();
    write_connection_file(path, content);
    CHECK(read_connection_file(path) == content);
    // Nothing else is left in the folder.
    CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("a file that others can read is refused") {
    const Folder folder;
    const auto path = folder.path / "cluster.json";
    write_connection_file(path, example());
    for (const auto mode : {0640, 0604, 0660, 0666, 0644}) {
        REQUIRE(chmod(path.c_str(), static_cast<mode_t>(mode)) == 0);
        const auto refusal = refusal_of(path);
        CHECK(refusal.starts_with("cannot use the connection file " + path.string() +
                                  ": its mode is 06"));
        CHECK(refusal.find("others can read the key in it") != std::string::npos);
    }
    REQUIRE(chmod(path.c_str(), 0400) == 0);
    CHECK(refusal_of(path) == "accepted");
}

TEST_CASE("what is no connection file is refused, and why") {
    const Folder folder;
    const auto path = folder.path / "cluster.json";
    CHECK(refusal_of(path) ==
          "cannot open the connection file " + path.string() + ": No such file or directory");
    CHECK(refusal_of(folder.path).ends_with("it is no ordinary file"));

    const auto refusal_of_text = [&](const std::string& text) {
        write_private(path, text);
        return refusal_of(path);
    };
    const auto sentence = [&](const std::string& what) {
        return "cannot use the connection file " + path.string() + ": " + what +
               "; let the scheduler write it again";
    };
    CHECK(refusal_of_text("") == sentence("it is no JSON"));
    CHECK(refusal_of_text("{\"satchel\": 1") == sentence("it is no JSON"));
    CHECK(refusal_of_text(std::string(100'000, ' ')) == sentence("it is too large to be one"));
    CHECK(refusal_of_text("[]") == sentence("it is no connection file of satchel"));
    CHECK(refusal_of_text("{\"type\": \"Scheduler\"}") ==
          sentence("it is no connection file of satchel"));
    CHECK(refusal_of_text("{\"satchel\": 2}") == sentence("its form is version 2, not 1"));
    CHECK(refusal_of_text("{\"satchel\": 1}") == sentence("it has no text 'cluster'"));
    CHECK(refusal_of_text("{\"satchel\": 1, \"cluster\": 7}") ==
          sentence("it has no text 'cluster'"));

    const std::string start = R"({"satchel": 1, "cluster": ")" + std::string(32, 'a') + "\"";
    CHECK(refusal_of_text(start + R"(, "key": "secret"})") ==
          sentence("its 'key' does not have 64 hexadecimal digits"));
    const auto key = start + R"(, "key": ")" + std::string(64, 'b') + "\"";
    CHECK(refusal_of_text(key + "}") == sentence("it has no 'addresses'"));
    CHECK(refusal_of_text(key + R"(, "addresses": []})") == sentence("it has no 'addresses'"));
    CHECK(refusal_of_text(key + R"(, "addresses": [1]})") ==
          sentence("one of its 'addresses' is no text"));
    CHECK(refusal_of_text(key + R"(, "addresses": ["a"]})") ==
          sentence("the address 'a' has no port: write it as tcp://127.0.0.1:8786"));
    CHECK(refusal_of_text(key + R"(, "addresses": ["a:1"], "more": [[]]})") == "accepted");
}

TEST_CASE("a connection file that cannot be written leaves the old one") {
    const Folder folder;
    CHECK_THROWS_AS(write_connection_file(folder.path / "none" / "cluster.json", example()),
                    satchel::FileError);
    // A folder of that name cannot be replaced.
    fs::create_directory(folder.path / "taken");
    CHECK_THROWS_AS(write_connection_file(folder.path / "taken", example()), satchel::FileError);
    CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("the secret is no part of any sentence") {
    const Folder folder;
    const auto path = folder.path / "cluster.json";
    const auto content = example();
    write_connection_file(path, content);
    const auto key = to_hex(content.credentials.key.bytes());
    auto text = text_of(path);
    REQUIRE(text.find(key) != std::string::npos);
    text.replace(text.find("tcp://127"), 3, "xyz");
    write_private(path, text);
    CHECK(refusal_of(path).find(key.substr(0, 8)) == std::string::npos);
}
