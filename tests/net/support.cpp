// What support.hpp declares.
#include "net/support.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace satchel_tests {

using satchel::detail::FileDescriptor;
using satchel::net::Address;
using satchel::net::Closed;
using satchel::net::Connection;
using satchel::net::Credentials;
using satchel::net::Handshake;
using satchel::net::Identity;
using satchel::net::ListenOptions;
using satchel::net::Message;
using satchel::net::Role;

namespace {

void require(bool is_right, const char* what) {
    if (!is_right) throw std::runtime_error(what);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

}  // namespace

void End::start() {
    connection.start({
        .received =
            [this](Message& message) {
                received.put({text_of(message.body), std::move(message.segments)});
            },
        .closed = [this](const Closed& why) { closed.put(why); },
        .drained = [this] { drained.put(1); },
    });
}

void End::send(std::string_view body, std::vector<satchel::Bytes> segments) {
    loop_.call([&] { connection.send(bytes_of(body), std::move(segments)); });
}

void End::close(std::string_view reason) {
    loop_.call([&] { connection.close(reason); });
}

Place::Place(const std::string& address, ListenOptions options) {
    options.identity.role = Role::scheduler;
    if (options.identity.credentials == Credentials{}) {
        options.identity.credentials = Credentials::generate();
    }
    connecting.identity.role = Role::worker;
    connecting.identity.credentials = options.identity.credentials;
    connecting.limits = options.limits;
    listener.emplace(loop, Address::parse(address), options,
                     [this](Connection connection) { accepted.put(std::move(connection)); });
}

Place::~Place() { listener.reset(); }

std::pair<std::unique_ptr<End>, std::unique_ptr<End>> Place::connect() {
    auto first =
        std::make_unique<End>(loop, satchel::net::connect(loop, listener->address(), connecting));
    auto second = std::make_unique<End>(loop, accepted.take());
    first->start();
    second->start();
    return {std::move(first), std::move(second)};
}

RawPeer::RawPeer(const Address& to) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = loopback(to.port);
    require(
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
        "cannot connect");
}

bool RawPeer::send(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
}

std::string RawPeer::read(std::size_t count) {
    std::string text(count, '\0');
    std::size_t size = 0;
    while (size < count) {
        const auto got = ::recv(socket_.get(), text.data() + size, count - size, 0);
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

std::string RawPeer::read_to_end() {
    std::string all;
    while (true) {
        const auto some = read(4096);
        all += some;
        if (some.size() < 4096) return all;
    }
}

void RawPeer::authenticate(const Identity& identity) {
    Handshake handshake(Handshake::Side::connecting, identity, "the listener");
    send(handshake.opening());
    while (handshake.wanted() > 0) {
        const auto text = read(handshake.wanted());
        require(text.size() == handshake.wanted(), "the listener closed the connection");
        const auto step = handshake.receive(bytes_of(text));
        require(step.refusal.empty(), step.refusal.c_str());
        send(step.reply);
    }
}

RawListener::RawListener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = loopback(0);
    require(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0 &&
                ::listen(socket_.get(), 16) == 0,
            "cannot listen");
}

Address RawListener::address() const {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    require(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0,
            "no address");
    return {Address::Scheme::tcp, "127.0.0.1", ntohs(bound.sin_port)};
}

RawPeer RawListener::accept() {
    return RawPeer(FileDescriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

QuietLog::QuietLog() : before_(::dup(STDERR_FILENO)), file_(::memfd_create("log", MFD_CLOEXEC)) {
    ::dup2(file_.get(), STDERR_FILENO);
}

QuietLog::~QuietLog() { ::dup2(before_.get(), STDERR_FILENO); }

std::string QuietLog::text() {
    std::string text(1 << 20, '\0');
    const auto size = ::pread(file_.get(), text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(size));
    return text;
}

}  // namespace satchel_tests
