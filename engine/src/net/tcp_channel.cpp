// Reading and writing frames without blocking.
//
// Asio tells when the socket is ready; the reading and writing itself is done here, because a
// message is read to several places and written from many, and because most writes need no waiting
// at all.
#include "net/tcp_channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace satchel::net {
namespace {

using boost::system::error_code;

// So much is read or written for one connection before it is the turn of the others.
constexpr std::size_t turn_size = std::size_t{4} << 20;

// Who closes waits for so long until the peer has read the last message.
constexpr std::chrono::seconds goodbye_time{5};

bool is_temporary(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

TcpChannel::TcpChannel(EventLoop& loop, TcpSocket socket, Role peer_role, std::string peer,
                       const FrameLimits& limits, std::shared_ptr<void> open_count)
    : Channel(loop, peer_role, std::move(peer)),
      socket_(std::move(socket)),
      reader_(limits),
      writer_(limits),
      open_count_(std::move(open_count)),
      goodbye_timer_(loop.impl().context) {
    configure(socket_);
}

void TcpChannel::send(std::span<const std::byte> body, std::vector<Bytes> segments) {
    if (is_over() || is_closing_) return;
    writer_.add(FrameType::message, body, std::move(segments));
    note_queue();
    flush_soon();
}

void TcpChannel::close(std::string_view reason) {
    if (is_over() || std::exchange(is_closing_, true)) return;
    const auto text = reason.substr(0, FrameLimits{}.goodbye);
    writer_.add(FrameType::goodbye, std::as_bytes(std::span(text)), {});
    flush_soon();
    goodbye_timer_.expires_after(goodbye_time);
    goodbye_timer_.async_wait([self = self()](const error_code& error) {
        if (!error) self->finish(Closed::Kind::here, "closed");
    });
}

void TcpChannel::flush_soon() {
    if (is_waiting_to_write_ || std::exchange(is_flush_due_, true)) return;
    loop().impl().to_flush.push_back(self());
}

void TcpChannel::flush() {
    is_flush_due_ = false;
    std::size_t written = 0;
    while (!is_over() && writer_.queued() > 0) {
        if (written >= turn_size) {
            flush_soon();
            break;
        }
        const auto before = writer_.queued();
        if (!write_some()) break;
        written += before - writer_.queued();
    }
    report_queue();
    if (is_closing_ && !is_over() && writer_.queued() == 0) wait_for_goodbye();
}

// False if nothing more can be written now.
bool TcpChannel::write_some() {
    std::array<iovec, FrameWriter::max_pieces> areas{};
    const auto pieces = writer_.pieces();
    std::ranges::transform(pieces, areas.begin(), [](std::span<const std::byte> piece) {
        return iovec{const_cast<std::byte*>(piece.data()), piece.size()};
    });
    msghdr header{};
    header.msg_iov = areas.data();
    header.msg_iovlen = pieces.size();
    const auto count = ::sendmsg(socket_.native_handle(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
        writer_.sent(static_cast<std::size_t>(count));
        return true;
    }
    if (errno == EINTR) return true;
    if (is_temporary(errno)) {
        wait_to_write();
    } else {
        lose(errno);
    }
    return false;
}

void TcpChannel::wait_to_write() {
    is_waiting_to_write_ = true;
    socket_.async_wait(TcpSocket::wait_write, [self = self()](const error_code&) {
        self->is_waiting_to_write_ = false;
        if (!self->is_over()) self->flush();
    });
}

void TcpChannel::receive() {
    if (deliver_all()) wait_to_read();
}

void TcpChannel::wait_to_read() {
    if (std::exchange(is_waiting_to_read_, true)) return;
    reader_.release_unused();
    socket_.async_wait(TcpSocket::wait_read, [self = self()](const error_code&) {
        self->is_waiting_to_read_ = false;
        auto budget = turn_size;
        while (self->may_deliver() && self->read_some(budget)) {
        }
    });
}

// Reads once, and delivers what is complete. True if there may be more to read at once.
bool TcpChannel::read_some(std::size_t& budget) {
    std::size_t capacity = 0;
    std::array<iovec, 2> areas{};
    std::ranges::transform(reader_.areas(), areas.begin(), [&](std::span<std::byte> area) {
        capacity += area.size();
        return iovec{area.data(), area.size()};
    });
    msghdr header{};
    header.msg_iov = areas.data();
    header.msg_iovlen = areas.size();
    const auto result = ::recvmsg(socket_.native_handle(), &header, MSG_DONTWAIT);
    if (result < 0 && errno == EINTR) return true;
    if (result < 0 && is_temporary(errno)) {
        wait_to_read();
        return false;
    }
    if (result <= 0) {
        lose(result < 0 ? errno : 0);
        return false;
    }
    const auto count = static_cast<std::size_t>(result);
    reader_.received(count);
    if (!deliver_all()) return false;
    budget -= std::min(budget, count);
    if (count == capacity && budget > 0) return true;
    wait_to_read();
    return false;
}

// Delivers what has arrived; false if no more is wanted.
bool TcpChannel::deliver_all() {
    try {
        while (may_deliver()) {
            auto frame = reader_.next();
            if (!frame) return true;
            if (frame->type == FrameType::goodbye) {
                const auto* text = reinterpret_cast<const char*>(frame->body.data());
                finish(Closed::Kind::by_peer, std::string(text, frame->body.size()));
            } else if (!is_closing_) {
                Message message{frame->body, std::move(frame->segments)};
                deliver(message);
            }
        }
    } catch (const ProtocolError& error) {
        finish(Closed::Kind::violated, fmt::format("{} sent {}", peer(), error.what()));
    } catch (const std::bad_alloc&) {
        finish(Closed::Kind::violated,
               fmt::format("{} sent a value for which there is no memory", peer()));
    }
    return false;
}

// `error` is that of the system, 0 if the peer has closed the connection without a goodbye.
void TcpChannel::lose(int error) {
    if (is_closing_) {
        finish(Closed::Kind::here, "closed");
    } else {
        finish(Closed::Kind::lost,
               error == 0 ? fmt::format("{} closed the connection without a word: its process has "
                                        "probably ended",
                                        peer())
                          : fmt::format("the connection to {} was lost: {}", peer(),
                                        std::strerror(error)));
    }
}

// The last message is on its way: the peer closes when it has read it.
void TcpChannel::wait_for_goodbye() {
    error_code ignored;
    socket_.shutdown(TcpSocket::shutdown_send, ignored);
    if (is_waiting_to_read_) return;
    resume();
    wait_to_read();
}

void TcpChannel::shut() {
    error_code ignored;
    socket_.close(ignored);
    goodbye_timer_.cancel();
}

std::shared_ptr<TcpChannel> TcpChannel::self() {
    return std::static_pointer_cast<TcpChannel>(shared_from_this());
}

}  // namespace satchel::net
