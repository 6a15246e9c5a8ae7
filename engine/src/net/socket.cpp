// Opening and configuring sockets.
#include "net/socket.hpp"

#include <satchel/error.hpp>

#include "net/connection.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <boost/asio/ip/address.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace satchel::net {
namespace {

// A connection on which nothing is sent is probed after so many seconds, and then this often.
constexpr int keepalive_idle_s = 10;
constexpr int keepalive_interval_s = 5;
constexpr int keepalive_probes = 4;

// Options make a connection better; it works without them.
void set_option(TcpSocket& socket, int level, int option, int value) {
    (void)::setsockopt(socket.native_handle(), level, option, &value, sizeof value);
}

}  // namespace

TcpEndpoint endpoint_of(const Address& address) {
    const auto host = address.host == "localhost" ? std::string("127.0.0.1") : address.host;
    return {boost::asio::ip::make_address(host), address.port};
}

Address address_of(const TcpEndpoint& endpoint) {
    return {Address::Scheme::tcp, endpoint.address().to_string(), endpoint.port()};
}

detail::FileDescriptor open_socket(const TcpEndpoint& endpoint) {
    // Not by Asio, which would leave it open in programs that are started meanwhile.
    detail::FileDescriptor socket(
        ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!socket) {
        throw ConnectionError("cannot open a socket for " + address_of(endpoint).text() + ": " +
                              std::strerror(errno));
    }
    return socket;
}

void configure(TcpSocket& socket) {
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes);
    constexpr auto limit_ms = std::chrono::milliseconds(silence_limit).count();
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(limit_ms));
}

}  // namespace satchel::net
