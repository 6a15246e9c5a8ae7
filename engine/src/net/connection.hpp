// Connection: messages to and from one other process, in order, over a socket or inside a process.
//
//     Listener listener(loop, Address::parse("tcp://127.0.0.1:0"), {.identity = me},
//                       [&](Connection connection) { ... });
//     Connection connection = connect(loop, listener.address(), {.identity = me});
//     connection.start({.received = [&](Message& message) { ... },
//                       .closed = [&](const Closed& why) { ... }});
//     connection.send(body, {large_value});
//
// Who a connection is given to has been authenticated. Destroying a connection closes it without a
// word; `close` says goodbye, so that the other side can tell a planned end from a crash.
//
// Thread safety: `connect` and `start`, and all destructors, from any thread; all else in the
// thread of the loop, in which all callbacks come. A callback may do anything, also destroy its own
// connection; if `received` throws, the connection is closed and says why.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/error.hpp>

#include "net/address.hpp"
#include "net/event_loop.hpp"
#include "net/frame.hpp"
#include "net/handshake.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace satchel::net {

struct Message {
    std::span<const std::byte> body;  ///< valid until the callback returns
    std::vector<Bytes> segments;      ///< to be kept or moved from at will
};

/// Why a connection is over.
struct Closed {
    enum class Kind {
        here,      ///< closed by this side
        by_peer,   ///< the peer said goodbye; `text` is what it gave as the reason
        lost,      ///< the peer went away, or the network did
        violated,  ///< what arrived could not be understood
    };
    Kind kind{};
    std::string text;
};

struct Handlers {
    std::function<void(Message&)> received = {};
    /// The last call there is. Does not come for a connection that was destroyed.
    std::function<void(const Closed&)> closed = {};
    /// `queued()` was above `high_water` and has fallen to half of it: time to send more.
    std::function<void()> drained = {};
};

/// The two ways by which messages travel.
class Channel;

class Connection {
  public:
    /// Who wants to send a lot stops when so much is queued, until `drained`.
    static constexpr std::size_t high_water = std::size_t{4} << 20;

    Connection();
    explicit Connection(std::shared_ptr<Channel> channel);
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;
    ~Connection();

    explicit operator bool() const { return channel_ != nullptr; }

    /// Nothing is received, nor its end noticed, before this is called, once.
    void start(Handlers handlers);

    /// Queues a message. It leaves when the loop has run what is ready, together with others. The
    /// body is copied; segments of more than a few kB are not. Does nothing if the connection is
    /// over. Throws ProtocolError if the message exceeds the limits.
    void send(std::span<const std::byte> body, std::vector<Bytes> segments = {});

    /// The bytes that are waiting here because the peer, or the network, is slow.
    [[nodiscard]] std::size_t queued() const;

    /// Stops `received`, and soon the sender; `resume` goes on. A peer that stays paused for as
    /// long as `silence_limit` while something is being sent to it is taken for dead.
    void pause();
    void resume();

    /// Sends what is queued and the reason, which the peer gets as text; then `closed` comes.
    void close(std::string_view reason = {});

    [[nodiscard]] Role peer_role() const;
    /// The address that the connection comes from or goes to, for people to read.
    [[nodiscard]] const std::string& peer() const;

  private:
    std::shared_ptr<Channel> channel_;
};

/// For how long a connection survives that nothing is heard of a peer that something is sent to.
inline constexpr std::chrono::seconds silence_limit{30};

struct ListenOptions {
    Identity identity = {};
    FrameLimits limits = {};
    std::chrono::milliseconds handshake_timeout{5000};
    std::int64_t max_handshakes = 256;  ///< more at once, and the oldest is given up
    std::int64_t max_connections = 16384;
};

/// Accepts connections while it lives.
class Listener {
  public:
    /// `on_connection` is called for each peer that proved to have the key. Port 0 takes a free
    /// one. Throws ConnectionError if the address is taken, or not of this computer alone.
    Listener(EventLoop& loop, const Address& where, const ListenOptions& options,
             std::function<void(Connection)> on_connection);
    Listener(Listener&&) noexcept;
    Listener& operator=(Listener&&) = delete;
    ~Listener();

    /// Where it listens: with the port that it has got.
    [[nodiscard]] const Address& address() const;

    /// How many peers were turned away.
    [[nodiscard]] std::int64_t refused() const;

    class Impl;

  private:
    std::unique_ptr<Impl> impl_;
};

struct ConnectOptions {
    Identity identity = {};
    FrameLimits limits = {};
    std::chrono::milliseconds timeout{30000};
};

/// What `connect_soon` calls back with: a connection, or the reason why there is none.
struct ConnectResult {
    Connection connection;
    std::string error;
    /// The peer is not who it should be, and trying again will not change that: it has another key,
    /// or is of another version.
    bool is_stranger = false;
};

/// Connects and waits for it. Throws ConnectionError that says why it cannot be. Not in the loop's
/// thread.
[[nodiscard]] Connection connect(EventLoop& loop, const Address& to, const ConnectOptions& options);

/// Connects, and calls back in the loop's thread.
void connect_soon(EventLoop& loop, const Address& to, const ConnectOptions& options,
                  std::function<void(ConnectResult)> done);

}  // namespace satchel::net
