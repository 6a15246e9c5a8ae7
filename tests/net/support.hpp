// What the tests of connections share: waiting for what another thread tells, peers that keep to no
// protocol, and two ends that do.
#pragma once

#include "base/file_descriptor.hpp"
#include "net/connection.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel_tests {

/// Things told by one thread and awaited by another.
template <class Thing>
class Mailbox {
  public:
    void put(Thing thing) {
        const std::lock_guard lock(mutex_);
        things_.push_back(std::move(thing));
        changed_.notify_all();
    }

    /// Waits for the next one; CTest ends a test that waits for ever.
    Thing take() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !things_.empty(); });
        auto thing = std::move(things_.front());
        things_.pop_front();
        return thing;
    }

    bool is_empty() {
        const std::lock_guard lock(mutex_);
        return things_.empty();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Thing> things_;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

inline std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A message, kept.
struct Received {
    std::string body;
    std::vector<satchel::Bytes> segments;
};

/// One end of a connection, with what it has been told.
class End {
  public:
    End(satchel::net::EventLoop& loop, satchel::net::Connection accepted)
        : loop_(loop), connection(std::move(accepted)) {}

    void start();
    void send(std::string_view body, std::vector<satchel::Bytes> segments = {});
    void close(std::string_view reason);

    Mailbox<Received> received;
    Mailbox<satchel::net::Closed> closed;
    Mailbox<int> drained;

  private:
    satchel::net::EventLoop& loop_;

  public:
    satchel::net::Connection connection;
};

/// A listener, and connections to it.
class Place {
  public:
    explicit Place(const std::string& address = "tcp://127.0.0.1:0",
                   satchel::net::ListenOptions options = {});
    ~Place();

    /// Both ends of a new connection, started: the one that connected first.
    std::pair<std::unique_ptr<End>, std::unique_ptr<End>> connect();

    satchel::net::ConnectOptions connecting;
    satchel::net::EventLoop loop;
    Mailbox<satchel::net::Connection> accepted;
    std::optional<satchel::net::Listener> listener;
};

/// A connection without any protocol.
class RawPeer {
  public:
    explicit RawPeer(const satchel::net::Address& to);
    explicit RawPeer(satchel::detail::FileDescriptor socket) : socket_(std::move(socket)) {}

    /// False if the other side does not take it.
    bool send(std::span<const std::byte> bytes);
    /// Exactly so many bytes, fewer if the other side closes before.
    std::string read(std::size_t count);
    /// All until the other side closes.
    std::string read_to_end();
    /// Goes through the handshake as one who has the key.
    void authenticate(const satchel::net::Identity& identity);
    void vanish() { socket_.reset(); }

  private:
    satchel::detail::FileDescriptor socket_;
};

/// Listens without any protocol.
class RawListener {
  public:
    RawListener();
    [[nodiscard]] satchel::net::Address address() const;
    RawPeer accept();

  private:
    satchel::detail::FileDescriptor socket_;
};

/// What the log line of a refusal goes to; quiet while it lives.
class QuietLog {
  public:
    QuietLog();
    ~QuietLog();
    QuietLog(const QuietLog&) = delete;
    QuietLog& operator=(const QuietLog&) = delete;

    /// What was written to the standard error output so far.
    std::string text();

  private:
    satchel::detail::FileDescriptor before_;
    satchel::detail::FileDescriptor file_;
};

}  // namespace satchel_tests
