// Running a handshake.
#include "net/authentication.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace satchel::net {

namespace asio = boost::asio;
using boost::system::error_code;

Authentication::Authentication(EventLoop& loop, TcpSocket socket, Handshake::Side side,
                               const Identity& identity, std::string peer)
    : peer_(std::move(peer)),
      socket_(std::move(socket)),
      handshake_(side, identity, peer_),
      timer_(loop.impl().context) {}

void Authentication::start(std::chrono::nanoseconds timeout, Done done) {
    done_ = std::move(done);
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->end(self->peer_ + " did not complete the handshake in time");
    });
    send(handshake_.opening(), {});
}

void Authentication::cancel() {
    done_ = nullptr;
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
}

void Authentication::send(std::vector<std::byte> bytes, std::string refusal) {
    out_ = std::move(bytes);
    is_stranger_ = !refusal.empty();
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this(), refusal = std::move(refusal)](
                          const error_code& error, std::size_t) {
                          if (!refusal.empty()) return self->end(refusal);
                          if (error) return self->end_for(error);
                          self->read_next_or_end();
                      });
}

void Authentication::read_next_or_end() {
    if (handshake_.wanted() == 0) return end({});
    const auto area = asio::buffer(in_.data(), handshake_.wanted());
    asio::async_read(socket_, area,
                     [self = shared_from_this()](const error_code& error, std::size_t count) {
                         if (error) return self->end_for(error);
                         auto step = self->handshake_.receive(std::span(self->in_).first(count));
                         self->send(std::move(step.reply), std::move(step.refusal));
                     });
}

void Authentication::end_for(const error_code& error) {
    if (error == asio::error::eof || error == asio::error::connection_reset) {
        end(peer_ +
            " closed the connection during the handshake: it does not accept this process, or has "
            "ended");
    } else {
        end("the handshake with " + peer_ + " did not succeed: " + error.message());
    }
}

void Authentication::end(const std::string& error) {
    const auto done = std::exchange(done_, nullptr);
    timer_.cancel();
    if (done) done(*this, error);
    if (!socket_.is_open()) return;
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace satchel::net
