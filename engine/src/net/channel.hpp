// Channel: what is behind a Connection; one kind for sockets, one for the inside of a process.
#pragma once

#include "net/connection.hpp"
#include "net/event_loop_impl.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace satchel::net {

/// All its functions are called in the thread of `loop`.
class Channel : public Flushable, public std::enable_shared_from_this<Channel> {
  public:
    Channel(EventLoop& loop, Role peer_role, std::string peer)
        : loop_(loop), peer_role_(peer_role), peer_(std::move(peer)) {}

    [[nodiscard]] EventLoop& loop() const { return loop_; }
    [[nodiscard]] Role peer_role() const { return peer_role_; }
    [[nodiscard]] const std::string& peer() const { return peer_; }

    void start(Handlers handlers);
    /// The connection was destroyed: no callback comes any more.
    void abandon();
    void pause() { is_paused_ = true; }
    void resume();

    virtual void send(std::span<const std::byte> body, std::vector<Bytes> segments) = 0;
    [[nodiscard]] virtual std::size_t queued() const = 0;
    virtual void close(std::string_view reason) = 0;

  protected:
    [[nodiscard]] bool is_over() const { return is_over_; }
    [[nodiscard]] bool may_deliver() const { return !is_over_ && !is_paused_ && is_started_; }

    /// Begins or goes on to receive.
    virtual void receive() = 0;
    /// Lets go of what the system or the peer holds; called once.
    virtual void shut() = 0;

    /// Calls `received`; an exception ends the connection.
    void deliver(Message& message);
    /// To be called when `queued()` has grown.
    void note_queue() { is_high_ = is_high_ || queued() > Connection::high_water; }
    /// To be called when `queued()` has shrunk: calls `drained` if it is time.
    void report_queue();
    /// The end: calls `closed`, but not before the caller has returned.
    void finish(Closed::Kind kind, std::string text);

  private:
    // Whoever calls this holds a reference to the channel: the callback may give up the last other.
    template <class Callback>
    void call(const Callback& callback);
    void report_end();

    EventLoop& loop_;
    Role peer_role_;
    std::string peer_;
    Handlers handlers_;
    bool is_started_ = false;
    bool is_paused_ = false;
    bool is_over_ = false;
    bool is_abandoned_ = false;
    bool is_high_ = false;
    int calling_ = 0;  // callbacks on the stack, so that none is destroyed while it runs
    Closed end_;
};

/// The two transports, behind Listener and connect_soon().
class Listener::Impl {
  public:
    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    /// Ends the listening, from any thread.
    virtual ~Impl() = default;
    [[nodiscard]] virtual const Address& address() const = 0;
    [[nodiscard]] virtual std::int64_t refused() const = 0;
};

[[nodiscard]] std::unique_ptr<Listener::Impl> listen_tcp(
    EventLoop& loop, const Address& where, const ListenOptions& options,
    std::function<void(Connection)> on_connection);
void connect_tcp(EventLoop& loop, const Address& to, const ConnectOptions& options,
                 const std::function<void(ConnectResult)>& done);

[[nodiscard]] std::unique_ptr<Listener::Impl> listen_inproc(
    EventLoop& loop, const Address& where, const ListenOptions& options,
    std::function<void(Connection)> on_connection);
void connect_inproc(EventLoop& loop, const Address& to, const ConnectOptions& options,
                    const std::function<void(ConnectResult)>& done);

}  // namespace satchel::net
