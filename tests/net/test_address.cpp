// Addresses: what is accepted, what is refused and how that is said.
#include <satchel/error.hpp>

#include "net/address.hpp"

#include <string>

#include <doctest/doctest.h>

using satchel::net::Address;

TEST_CASE("addresses are read and written") {
    const auto plain = Address::parse("tcp://127.0.0.1:8786");
    CHECK(plain.scheme == Address::Scheme::tcp);
    CHECK(plain.host == "127.0.0.1");
    CHECK(plain.port == 8786);
    CHECK(plain.text() == "tcp://127.0.0.1:8786");

    CHECK(Address::parse("localhost:0").text() == "tcp://localhost:0");
    CHECK(Address::parse("tcp://[::1]:65535").host == "::1");
    CHECK(Address::parse("tcp://[::1]:65535").text() == "tcp://[::1]:65535");
    CHECK(Address::parse("tcp://node-1.example_x:1").host == "node-1.example_x");
    CHECK(Address::parse("inproc://scheduler-1").text() == "inproc://scheduler-1");
    CHECK(Address::parse("inproc://a") == Address::parse("inproc://a"));
    CHECK(Address::parse("inproc://a") != Address::parse("inproc://b"));
}

TEST_CASE("what is no address is refused, and why") {
    const auto refusal = [](const std::string& text) -> std::string {
        try {
            (void)Address::parse(text);
        } catch (const satchel::InvalidArgument& error) {
            return error.what();
        }
        return "accepted";
    };
    CHECK(refusal("tcp://127.0.0.1") ==
          "the address 'tcp://127.0.0.1' has no port: write it as tcp://127.0.0.1:8786");
    CHECK(refusal("tcp://[::1]") ==
          "the address 'tcp://[::1]' has no port: write it as tcp://127.0.0.1:8786");
    CHECK(refusal("tcp://a:65536") ==
          "the address 'tcp://a:65536' has the port '65536', which is not in 0 to 65535");
    CHECK(refusal("tcp://::1:80") ==
          "the address 'tcp://::1:80' has an IPv6 address without "
          "brackets: write it as tcp://[::1]:8786");
    CHECK(refusal("tcp://[1.2.3.4]:80") ==
          "the address 'tcp://[1.2.3.4]:80' has '1.2.3.4' in "
          "brackets, which is no IPv6 address");
    CHECK(refusal("tls://a:1") ==
          "the address 'tls://a:1' begins with 'tls://': only tcp:// and inproc:// are known");
    CHECK(refusal("tcp://a b:1") ==
          "the address 'tcp://a b:1' has the host 'a b', which is no name of a computer");
    for (const auto* text : {"", ":", "tcp://", "tcp://:1", "tcp://a:", "tcp://a:-1", "tcp://a:1x",
                             "tcp://a: 1", "inproc://", "inproc://a/b", "://a:1", "tcp://[]:1",
                             "tcp://]:1", "tcp://a\n:1", "tcp://a:1/path", "http://a:1"}) {
        CAPTURE(text);
        CHECK(refusal(text).starts_with("the address '"));
    }
}

TEST_CASE("only addresses of this computer are local") {
    for (const auto* text : {"127.0.0.1:1", "127.9.8.7:1", "[::1]:1", "localhost:1"}) {
        CHECK(Address::parse(text).is_local());
    }
    for (const auto* text :
         {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "128.0.0.1:1", "example.org:1", "127.evil.example:1",
          "localhost.example:1", "[::ffff:127.0.0.1]:1", "[fe80::1]:1"}) {
        CAPTURE(text);
        CHECK_FALSE(Address::parse(text).is_local());
    }
    CHECK(Address::parse("inproc://x").is_local());
}
