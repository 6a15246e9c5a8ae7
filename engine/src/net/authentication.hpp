// Authentication: a handshake over a connected socket, within a time limit.
#pragma once

#include "net/event_loop_impl.hpp"
#include "net/handshake.hpp"
#include "net/socket.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>

namespace satchel::net {

/// Reads no byte more than the handshake has, and keeps no more than that.
class Authentication : public std::enable_shared_from_this<Authentication> {
  public:
    /// Called once: `error` is empty if the peer is who it should be.
    using Done = std::function<void(Authentication&, const std::string& error)>;

    Authentication(EventLoop& loop, TcpSocket socket, Handshake::Side side,
                   const Identity& identity, std::string peer);

    void start(std::chrono::nanoseconds timeout, Done done);
    /// Gives up, without calling `done`.
    void cancel();

    /// For `done`: what was reached.
    [[nodiscard]] TcpSocket take_socket() { return std::move(socket_); }
    [[nodiscard]] Role peer_role() const { return handshake_.peer_role(); }
    [[nodiscard]] const std::string& peer() const { return peer_; }
    /// Whether the peer was refused for what it said.
    [[nodiscard]] bool is_stranger() const { return is_stranger_; }

  private:
    void send(std::vector<std::byte> bytes, std::string refusal);
    void read_next_or_end();
    void end(const std::string& error);
    void end_for(const boost::system::error_code& error);

    std::string peer_;
    TcpSocket socket_;
    Handshake handshake_;
    boost::asio::steady_timer timer_;
    Done done_;
    bool is_stranger_ = false;
    std::array<std::byte, 64> in_{};
    std::vector<std::byte> out_;
};

}  // namespace satchel::net
