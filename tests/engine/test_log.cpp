// Log lines: one for each message, whatever is in it.
#include <satchel/log.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

using satchel::detail::masked;

namespace {

// What `f` writes to stderr; short enough for a pipe's buffer.
std::string on_stderr(const std::function<void()>& f) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const int before = dup(STDERR_FILENO);
    REQUIRE(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    f();
    std::fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[1]);
    std::array<char, 4096> buffer;
    const auto size = read(ends[0], buffer.data(), buffer.size());
    close(ends[0]);
    REQUIRE(size >= 0);
    return {buffer.data(), static_cast<std::size_t>(size)};
}

}  // namespace

TEST_CASE("control characters are masked, and nothing else") {
    CHECK(masked("a\nb\r\x1b[2J\x7f\t") == "a?b??[2J??");
    CHECK(masked("\xc2\x9b"
                 "31m") == "?31m");  // U+009B begins a command, too
    CHECK(masked("Stra\xc3\x9f"
                 "e \xc2\xa0 \xff") ==
          "Stra\xc3\x9f"
          "e \xc2\xa0 \xff");
    CHECK(masked("").empty());
}

TEST_CASE("a message is one line") {
    const auto line =
        on_stderr([] { satchel::log_warning("test", "one\n2026-01-31 - satchel.fake\x1b[31m"); });
    CHECK(line.find(" - satchel.test - WARNING - one?2026-01-31 - satchel.fake?[31m\n") ==
          line.find(" - satchel.test"));
    CHECK(line.find('\n') == line.size() - 1);
}
