// Address: where a process of a cluster is reached.
//
//     tcp://127.0.0.1:8786   tcp://[::1]:8786   tcp://localhost:8786   localhost:8786
//     inproc://scheduler-1   another part of the same process
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace satchel::net {

struct Address {
    enum class Scheme { tcp, inproc };

    Scheme scheme = Scheme::tcp;
    std::string host;  ///< without the brackets of IPv6; the name, for inproc
    std::uint16_t port = 0;

    /// Throws InvalidArgument that quotes the text and says what is wrong with it.
    [[nodiscard]] static Address parse(std::string_view text);

    /// As `parse` reads it, with the scheme.
    [[nodiscard]] std::string text() const;

    /// Whether it can only be reached from this computer.
    [[nodiscard]] bool is_local() const;

    friend bool operator==(const Address&, const Address&) = default;
};

}  // namespace satchel::net
