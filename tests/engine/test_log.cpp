// Log lines: one for each message, whatever is in it.
#include <satchel/log.hpp>

#include "stderr_of.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using satchel::detail::masked;
using satchel::testing::stderr_of;

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
        stderr_of([] { satchel::log_warning("test", "one\n2026-01-31 - satchel.fake\x1b[31m"); });
    CHECK(line.find(" - satchel.test - WARNING - one?2026-01-31 - satchel.fake?[31m\n") ==
          line.find(" - satchel.test"));
    CHECK(line.find('\n') == line.size() - 1);
}

TEST_CASE("a program may take what is logged") {
    static std::string taken;
    satchel::set_log_sink([](std::string_view part, std::string_view message) {
        taken = std::string(part) + ": " + std::string(message);
    });
    CHECK(stderr_of([] { satchel::log_warning("test", "one\ntwo"); }).empty());
    CHECK(taken == "test: one\ntwo");
    satchel::set_log_sink(nullptr);
    CHECK(!stderr_of([] { satchel::log_warning("test", "three"); }).empty());
    CHECK(taken == "test: one\ntwo");
}
