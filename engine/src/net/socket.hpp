// Sockets of TCP as satchel wants them: not inherited by other programs, without delay for small
// messages, and soon aware of a peer that is gone.
#pragma once

#include "base/file_descriptor.hpp"
#include "net/address.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace satchel::net {

using TcpSocket = boost::asio::ip::tcp::socket;
using TcpEndpoint = boost::asio::ip::tcp::endpoint;

/// REQUIRES: `address` is local, and of TCP. Names are not looked up: the only one is localhost.
[[nodiscard]] TcpEndpoint endpoint_of(const Address& address);

[[nodiscard]] Address address_of(const TcpEndpoint& endpoint);

/// A socket for the family of `endpoint`. Throws ConnectionError, as "…: too many open files".
[[nodiscard]] detail::FileDescriptor open_socket(const TcpEndpoint& endpoint);

/// Sets the options of a socket that is connected.
void configure(TcpSocket& socket);

}  // namespace satchel::net
