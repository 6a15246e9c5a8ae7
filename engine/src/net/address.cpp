// Reading and writing addresses.
#include "net/address.hpp"

#include <satchel/error.hpp>

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace satchel::net {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw InvalidArgument(fmt::format("the address '{}' {}", text, why));
}

bool is_one_of(std::string_view text, std::string_view allowed) {
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        const bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return is_plain || allowed.find(c) != std::string_view::npos;
    });
}

std::uint16_t port_from(std::string_view digits, std::string_view text) {
    std::uint16_t port = 0;
    const auto* last = digits.data() + digits.size();
    const auto [end, status] = std::from_chars(digits.data(), last, port);
    if (digits.empty() || status != std::errc{} || end != last) {
        refuse(text, fmt::format("has the port '{}', which is not in 0 to 65535", digits));
    }
    return port;
}

Address tcp_from(std::string_view rest, std::string_view text) {
    const auto colon = rest.rfind(':');
    const auto bracket = rest.rfind(']');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
        refuse(text, "has no port: write it as tcp://127.0.0.1:8786");
    }
    auto host = rest.substr(0, colon);
    const auto port = port_from(rest.substr(colon + 1), text);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        in6_addr parsed{};
        if (inet_pton(AF_INET6, std::string(host).c_str(), &parsed) != 1) {
            refuse(text, fmt::format("has '{}' in brackets, which is no IPv6 address", host));
        }
    } else if (host.find(':') != std::string_view::npos) {
        refuse(text, "has an IPv6 address without brackets: write it as tcp://[::1]:8786");
    } else if (!is_one_of(host, ".-_")) {
        refuse(text, fmt::format("has the host '{}', which is no name of a computer", host));
    }
    return {Address::Scheme::tcp, std::string(host), port};
}

}  // namespace

Address Address::parse(std::string_view text) {
    const auto separator = text.find("://");
    if (separator == std::string_view::npos) return tcp_from(text, text);
    const auto scheme = text.substr(0, separator);
    const auto rest = text.substr(separator + 3);
    if (scheme == "tcp") return tcp_from(rest, text);
    if (scheme == "inproc") {
        if (!is_one_of(rest, ".-_")) refuse(text, "needs a name, as in inproc://scheduler");
        return {Scheme::inproc, std::string(rest), 0};
    }
    refuse(text, fmt::format("begins with '{}://': only tcp:// and inproc:// are known", scheme));
}

std::string Address::text() const {
    if (scheme == Scheme::inproc) return "inproc://" + host;
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return fmt::format("tcp://{}{}{}:{}", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);
}

bool Address::is_local() const {
    if (scheme == Scheme::inproc || host == "localhost") return true;
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace satchel::net
