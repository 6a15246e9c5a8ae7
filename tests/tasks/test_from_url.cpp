// from_url: lines from a web server, and what a server can do wrong.
#include <satchel/error.hpp>
#include <satchel/tasks/text.hpp>

#include "tasks/text_support.hpp"

#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace satchel;
using namespace satchel::testing;
using Lines = std::vector<std::string>;

namespace {

// http_server.py, which ends when its input does.
class Server {
  public:
    Server() {
        std::array<int, 2> input{};
        std::array<int, 2> output{};
        if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0) {
            throw Error("no pipes");
        }
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, input[0], 0);
        ::posix_spawn_file_actions_adddup2(&actions, output[1], 1);
        std::string program = "python3";
        std::string script = HTTP_SERVER;
        std::array<char*, 3> arguments{program.data(), script.data(), nullptr};
        const int failed =
            ::posix_spawnp(&process_, "python3", &actions, nullptr, arguments.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(input[0]);
        ::close(output[1]);
        input_ = input[1];
        // Whole, however many pieces it comes in.
        for (char c = 0; failed == 0 && ::read(output[0], &c, 1) == 1 && c != '\n';) port_ += c;
        ::close(output[0]);
        if (port_.empty()) throw Error("the server does not start");
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        ::close(input_);
        ::waitpid(process_, nullptr, 0);
    }

    [[nodiscard]] std::string url(const std::string& path) const {
        return "http://127.0.0.1:" + port_ + path;
    }
    [[nodiscard]] const std::string& port() const { return port_; }

  private:
    pid_t process_ = 0;
    int input_ = -1;
    std::string port_;
};

const Server& server() {
    static const Server server;
    return server;
}

Lines lines_of(const std::string& path) { return from_url(server().url(path)).compute(); }

std::string error_for(const std::string& path) {
    return error_of([&] { (void)lines_of(path); });
}

}  // namespace

TEST_CASE("the lines of a page, and of several") {
    CHECK(lines_of("/lines") == Lines{"one\r\n", "two\n", "\n", "four"});
    CHECK(lines_of("/empty").empty());
    const auto bag = from_url({server().url("/lines"), server().url("/chunked")});
    CHECK(bag.npartitions() == 2);
    CHECK(on_threads_too(bag) == Lines{"one\r\n", "two\n", "\n", "four", "one\n", "two\n"});
}

TEST_CASE("a large page is read as it comes") {
    const auto bag = from_url(server().url("/large"));
    CHECK(bag.count().compute() == 100'000);
    CHECK(bag.take(2) == Lines{"line 0\n", "line 1\n"});
}

TEST_CASE("the request names the host, and keeps the query") {
    CHECK(lines_of("/agent?a=1&b=%20#part") ==
          Lines{fmt::format("127.0.0.1:{} /agent?a=1&b=%20\n", server().port())});
}

TEST_CASE("a scheme may be written in capitals") {
    CHECK(from_url("HTTP://127.0.0.1:" + server().port() + "/lines").compute().size() == 4);
}

TEST_CASE("redirections are followed, but not for ever") {
    CHECK(lines_of("/moved").size() == 4);
    CHECK(lines_of("/a/moved") == Lines{"there\n"});
    CHECK(lines_of("/a/moved_by_query") == Lines{"there\n"});
    CHECK(error_for("/mail") ==
          server().url("/mail") + ": sends us to mailto:someone, which is no web page");
    CHECK_THROWS_AS((void)lines_of("/nonsense"), FileError);
    CHECK(error_for("/circle").find("is redirected more than 10 times") != std::string::npos);
}

TEST_CASE("what the server cannot give is an error with the URL") {
    CHECK(error_for("/none") == server().url("/none") + ": the server answers 404 Not Found");
    CHECK(error_for("/short").starts_with(server().url("/short") + ": cannot receive: "));
    CHECK(error_of([] {
              (void)from_url("http://127.0.0.1:1/x").compute();
          }).starts_with("http://127.0.0.1:1/x: cannot connect: "));
    CHECK_THROWS_AS((void)lines_of("/none"), FileError);
}

TEST_CASE("content that is encoded unasked is refused") {
    CHECK(lines_of("/identity") == Lines{"one\n"});
    CHECK(error_for("/encoded").find("/encoded: the server sends its content encoded as 'gzip'") !=
          std::string::npos);
}

TEST_CASE("a server that does not speak TLS is refused for https") {
    const auto url = "https://127.0.0.1:" + server().port() + "/lines";
    CHECK(error_of([&] {
              (void)from_url(url).compute();
          }).starts_with(url + ": cannot encrypt the connection: "));
}

TEST_CASE("what is no URL is refused at the call") {
    const auto refused = [](const std::string& url) {
        CHECK_THROWS_AS((void)from_url(url), InvalidArgument);
        return error_of([&] { (void)from_url(url); });
    };
    CHECK(refused("ftp://host/x") ==
          "from_url: ftp://host/x: it begins with neither http:// nor "
          "https://; a URL is like http://host/path");
    CHECK(refused("http://host/a b").find("it has a space") != std::string::npos);
    CHECK(refused("http://host/\r\nX: y").find("a control character") != std::string::npos);
    CHECK(refused("http://user:pass@host/").find("it names a user") != std::string::npos);
    CHECK(refused("http://host:port/").find("its port is no number") != std::string::npos);
    CHECK(refused("http://host:65536/").find("its port is no number") != std::string::npos);
    CHECK(refused("http:///x").find("it names no host") != std::string::npos);
    CHECK_THROWS_AS((void)from_url(Lines{}), InvalidArgument);
}
