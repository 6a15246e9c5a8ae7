// What the two kinds of connections have in common: callbacks, and the choice by address.
#include "net/connection.hpp"

#include "net/channel.hpp"

#include <exception>
#include <future>
#include <utility>

#include <fmt/format.h>

namespace satchel::net {

void Channel::start(Handlers handlers) {
    handlers_ = std::move(handlers);
    is_started_ = true;
    if (is_over_) {
        report_end();
    } else {
        receive();
    }
}

void Channel::abandon() {
    is_abandoned_ = true;
    if (calling_ == 0) handlers_ = {};
    if (!std::exchange(is_over_, true)) shut();
}

void Channel::resume() {
    if (!std::exchange(is_paused_, false)) return;
    // Not at once: the caller may be in the middle of a callback.
    loop_.post([self = shared_from_this()] {
        if (self->may_deliver()) self->receive();
    });
}

template <class Callback>
void Channel::call(const Callback& callback) {
    ++calling_;
    callback();
    if (--calling_ == 0 && is_abandoned_) handlers_ = {};
}

void Channel::deliver(Message& message) {
    call([&] {
        try {
            handlers_.received(message);
        } catch (const std::exception& error) {
            finish(Closed::Kind::violated,
                   fmt::format("a message from {} could not be used: {}", peer_, error.what()));
        }
    });
}

void Channel::report_queue() {
    if (!is_high_ || queued() > Connection::high_water / 2) return;
    is_high_ = false;
    if (!is_over_ && handlers_.drained) call([&] { handlers_.drained(); });
}

void Channel::finish(Closed::Kind kind, std::string text) {
    if (std::exchange(is_over_, true)) return;
    end_ = {kind, std::move(text)};
    shut();
    if (is_started_) report_end();
}

void Channel::report_end() {
    loop_.post([self = shared_from_this()] {
        if (self->is_abandoned_) return;
        self->call([&] {
            if (self->handlers_.closed) self->handlers_.closed(self->end_);
        });
        self->handlers_ = {};
    });
}

Connection::Connection() = default;
Connection::Connection(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&& other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
}
Connection::~Connection() {
    if (channel_) channel_->loop().call([&] { channel_->abandon(); });
}

void Connection::start(Handlers handlers) {
    channel_->loop().call([&, channel = channel_] { channel->start(std::move(handlers)); });
}

void Connection::send(std::span<const std::byte> body, std::vector<Bytes> segments) {
    channel_->send(body, std::move(segments));
}

std::size_t Connection::queued() const { return channel_->queued(); }
void Connection::pause() { channel_->pause(); }
void Connection::resume() { channel_->resume(); }
void Connection::close(std::string_view reason) { channel_->close(reason); }
Role Connection::peer_role() const { return channel_->peer_role(); }
const std::string& Connection::peer() const { return channel_->peer(); }

Listener::Listener(EventLoop& loop, const Address& where, const ListenOptions& options,
                   std::function<void(Connection)> on_connection)
    : impl_(where.scheme == Address::Scheme::inproc
                ? listen_inproc(loop, where, options, std::move(on_connection))
                : listen_tcp(loop, where, options, std::move(on_connection))) {}
Listener::Listener(Listener&&) noexcept = default;
Listener::~Listener() = default;

const Address& Listener::address() const { return impl_->address(); }
std::int64_t Listener::refused() const { return impl_->refused(); }

Connection connect(EventLoop& loop, const Address& to, const ConnectOptions& options) {
    std::promise<ConnectResult> promise;
    connect_soon(loop, to, options,
                 [&](ConnectResult result) { promise.set_value(std::move(result)); });
    auto result = promise.get_future().get();
    if (!result.connection) throw ConnectionError(result.error);
    return std::move(result.connection);
}

void connect_soon(EventLoop& loop, const Address& to, const ConnectOptions& options,
                  std::function<void(ConnectResult)> done) {
    loop.post([&loop, to, options, done = std::move(done)] {
        const auto connect_by = to.scheme == Address::Scheme::inproc ? connect_inproc : connect_tcp;
        connect_by(loop, to, options, done);
    });
}

}  // namespace satchel::net
