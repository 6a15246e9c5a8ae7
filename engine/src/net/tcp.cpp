// Listening and connecting by TCP, on this computer alone until connections are encrypted.
#include <satchel/log.hpp>

#include "net/authentication.hpp"
#include "net/tcp_channel.hpp"

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <list>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

namespace satchel::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

void require_local(const Address& address, std::string_view doing) {
    if (address.is_local()) return;
    throw ConnectionError(fmt::format(
        "cannot {} {}: connections are not encrypted yet, so only addresses of this computer "
        "(127.0.0.1, [::1], localhost) are allowed",
        doing, address.text()));
}

// The system has no more of something that it will have again.
bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// For so long nothing is accepted then.
constexpr std::chrono::milliseconds shortage_pause{100};

// Connections that may wait to be accepted. The system lowers it to its own limit.
constexpr int backlog = 4096;

class TcpListener : public std::enable_shared_from_this<TcpListener> {
  public:
    TcpListener(EventLoop& loop, ListenOptions options,
                std::function<void(Connection)> on_connection)
        : loop_(loop),
          options_(std::move(options)),
          on_connection_(std::move(on_connection)),
          acceptor_(loop.impl().context),
          pause_(loop.impl().context) {}

    void open(const Address& where);
    void accept();
    void close();

    [[nodiscard]] EventLoop& loop() const { return loop_; }
    [[nodiscard]] const Address& address() const { return address_; }
    [[nodiscard]] std::int64_t refused() const { return refused_; }

  private:
    [[nodiscard]] bool accept_one();
    void authenticate(TcpSocket socket);
    void on_authenticated(Authentication& authentication, const std::string& error);
    void refuse(const std::string& why);

    EventLoop& loop_;
    ListenOptions options_;
    std::function<void(Connection)> on_connection_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    std::list<std::shared_ptr<Authentication>> handshakes_;  // the oldest first
    std::shared_ptr<void> open_count_ = std::make_shared<int>();
    Address address_;
    std::atomic<std::int64_t> refused_ = 0;
};

void TcpListener::open(const Address& where) {
    const auto endpoint = endpoint_of(where);
    auto socket = open_socket(endpoint);
    const int yes = 1;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(socket.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
        ::listen(socket.get(), backlog) != 0) {
        throw ConnectionError(fmt::format("cannot listen on {}: {}{}", where.text(),
                                          std::strerror(errno),
                                          errno == EADDRINUSE ? ": choose another port" : ""));
    }
    acceptor_.assign(endpoint.protocol(), socket.release());
    acceptor_.non_blocking(true);
    address_ = address_of(acceptor_.local_endpoint());
}

void TcpListener::accept() {
    acceptor_.async_wait(asio::ip::tcp::acceptor::wait_read,
                         [self = shared_from_this()](const error_code& error) {
                             if (error || !self->acceptor_.is_open()) return;
                             while (self->accept_one()) {
                             }
                         });
}

// False if there is nothing to accept now; then what comes next is waited for.
bool TcpListener::accept_one() {
    if (!acceptor_.is_open()) return false;
    detail::FileDescriptor accepted(
        ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (accepted) {
        TcpSocket socket(loop_.impl().context, endpoint_of(address_).protocol(),
                         accepted.release());
        authenticate(std::move(socket));
        return true;
    }
    if (!is_shortage(errno)) {
        // Nothing there any more, or a connection that ended before it was accepted.
        const bool is_next = errno != EAGAIN && errno != EWOULDBLOCK;
        if (!is_next) accept();
        return is_next;
    }
    refuse(fmt::format("cannot accept a connection: {}", std::strerror(errno)));
    pause_.expires_after(shortage_pause);
    pause_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->accept();
    });
    return false;
}

void TcpListener::authenticate(TcpSocket socket) {
    error_code error;
    const auto from = socket.remote_endpoint(error);
    if (error) return;  // it is gone already
    const auto peer = fmt::format("the process at {}", address_of(from).text());
    if (open_count_.use_count() > options_.max_connections) {
        return refuse(fmt::format("{} is turned away: {} connections are open, the most allowed",
                                  peer, options_.max_connections));
    }
    if (std::ssize(handshakes_) >= options_.max_handshakes) {
        refuse(fmt::format("{} is given up for newer ones: its handshake is not complete",
                           handshakes_.front()->peer()));
        handshakes_.front()->cancel();
        handshakes_.pop_front();
    }
    handshakes_.push_back(std::make_shared<Authentication>(
        loop_, std::move(socket), Handshake::Side::accepting, options_.identity, peer));
    handshakes_.back()->start(options_.handshake_timeout,
                              [this](Authentication& authentication, const std::string& why) {
                                  on_authenticated(authentication, why);
                              });
}

void TcpListener::on_authenticated(Authentication& authentication, const std::string& error) {
    const auto self = shared_from_this();
    if (error.empty()) {
        on_connection_(Connection(std::make_shared<TcpChannel>(
            loop_, authentication.take_socket(), authentication.peer_role(), authentication.peer(),
            options_.limits, open_count_)));
    } else {
        refuse(error);
    }
    std::erase_if(handshakes_, [&](const auto& each) { return each.get() == &authentication; });
}

// Says so, but does not let who tries a thousand times fill the log.
void TcpListener::refuse(const std::string& why) {
    constexpr std::uint64_t always_told = 8;
    const auto count = static_cast<std::uint64_t>(++refused_);
    if (count <= always_told || std::has_single_bit(count)) {
        log_warning("net", fmt::format("{} ({} turned away so far)", why, count));
    }
}

void TcpListener::close() {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (const auto& handshake : handshakes_) handshake->cancel();
    handshakes_.clear();
}

// What a Listener owns: callbacks that are on their way keep the rest alive.
class TcpListenerHandle : public Listener::Impl {
  public:
    explicit TcpListenerHandle(std::shared_ptr<TcpListener> listener)
        : listener_(std::move(listener)) {}
    ~TcpListenerHandle() override {
        listener_->loop().call([&] { listener_->close(); });
    }
    TcpListenerHandle(const TcpListenerHandle&) = delete;
    TcpListenerHandle& operator=(const TcpListenerHandle&) = delete;
    [[nodiscard]] const Address& address() const override { return listener_->address(); }
    [[nodiscard]] std::int64_t refused() const override { return listener_->refused(); }

  private:
    std::shared_ptr<TcpListener> listener_;
};

// An attempt to connect: first the socket, then the handshake.
class TcpConnector : public std::enable_shared_from_this<TcpConnector> {
  public:
    TcpConnector(EventLoop& loop, const Address& to, ConnectOptions options,
                 std::function<void(ConnectResult)> done)
        : loop_(loop),
          peer_(to.text()),
          options_(std::move(options)),
          done_(std::move(done)),
          endpoint_(endpoint_of(to)),
          socket_(loop.impl().context, endpoint_.protocol(), open_socket(endpoint_).release()),
          timer_(loop.impl().context) {}

    void start() {
        const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
        timer_.expires_at(deadline);
        timer_.async_wait([self = shared_from_this()](const error_code& error) {
            error_code ignored;
            if (!error) self->socket_.close(ignored);
        });
        socket_.async_connect(endpoint_,
                              [self = shared_from_this(), deadline](const error_code& error) {
                                  self->timer_.cancel();
                                  if (error) return self->fail(error);
                                  self->authenticate(deadline - std::chrono::steady_clock::now());
                              });
    }

  private:
    void fail(const error_code& error) {
        const bool is_late = error == asio::error::operation_aborted;
        done_({{},
               fmt::format("cannot connect to {}: {}; is it running, and is this its address?",
                           peer_, is_late ? "no answer in time" : error.message())});
    }

    void authenticate(std::chrono::nanoseconds timeout) {
        const auto authentication =
            std::make_shared<Authentication>(loop_, std::move(socket_), Handshake::Side::connecting,
                                             options_.identity, "the process at " + peer_);
        authentication->start(timeout, [self = shared_from_this()](Authentication& reached,
                                                                   const std::string& error) {
            if (!error.empty()) return self->done_({{}, error, reached.is_stranger()});
            self->done_({Connection(std::make_shared<TcpChannel>(
                             self->loop_, reached.take_socket(), reached.peer_role(),
                             reached.peer(), self->options_.limits, nullptr)),
                         {}});
        });
    }

    EventLoop& loop_;
    std::string peer_;
    ConnectOptions options_;
    std::function<void(ConnectResult)> done_;
    TcpEndpoint endpoint_;
    TcpSocket socket_;
    asio::steady_timer timer_;
};

}  // namespace

std::unique_ptr<Listener::Impl> listen_tcp(EventLoop& loop, const Address& where,
                                           const ListenOptions& options,
                                           std::function<void(Connection)> on_connection) {
    require_local(where, "listen on");
    auto listener = std::make_shared<TcpListener>(loop, options, std::move(on_connection));
    listener->open(where);
    loop.post([listener] { listener->accept(); });
    return std::make_unique<TcpListenerHandle>(std::move(listener));
}

void connect_tcp(EventLoop& loop, const Address& to, const ConnectOptions& options,
                 const std::function<void(ConnectResult)>& done) {
    try {
        require_local(to, "connect to");
        std::make_shared<TcpConnector>(loop, to, options, done)->start();
    } catch (const std::exception& error) {
        done({{}, error.what()});
    }
}

}  // namespace satchel::net
