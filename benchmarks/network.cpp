// What a message costs: requests and replies of 64 bytes, and the bandwidth of large values,
// between two processes of this computer, beside the same by hand with blocking sockets.
//
//     benchmark_network [REPETITIONS]
#include "base/file_descriptor.hpp"
#include "net/connection.hpp"
#include "support.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <functional>
#include <future>
#include <memory>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace satchel::net;
using satchel::Bytes;
using satchel::detail::FileDescriptor;

constexpr std::size_t small_size = 64;
constexpr std::size_t large_size = 10'000'000;
constexpr std::size_t raw_write_size = std::size_t{1} << 20;

// The first byte on a raw connection says what it is for.
constexpr char echo = 'E';
constexpr char sink = 'S';

struct Ports {
    std::uint16_t raw = 0;
    std::uint16_t satchel = 0;
};

void check(bool is_right, const char* what) {
    if (is_right) return;
    fmt::print(stderr, "{}: {}\n", what, std::strerror(errno));
    std::exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void write_all(int fd, const std::byte* data, std::size_t size) {
    while (size > 0) {
        const auto count = ::write(fd, data, std::min(size, raw_write_size));
        check(count > 0, "write");
        data += count;
        size -= static_cast<std::size_t>(count);
    }
}

void without_delay(int fd) {
    const int yes = 1;
    check(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0, "setsockopt");
}

// Sends everything back that comes, or takes values and says when each has come.
void serve_raw_connection(int fd) {
    without_delay(fd);
    char mode = 0;
    check(::read(fd, &mode, 1) == 1, "read");
    std::vector<std::byte> buffer(mode == echo ? 65536 : large_size);
    std::size_t filled = 0;
    ssize_t count = 0;
    while ((count = ::read(fd, buffer.data() + filled, buffer.size() - filled)) > 0) {
        if (mode == echo) {
            write_all(fd, buffer.data(), static_cast<std::size_t>(count));
            continue;
        }
        filled += static_cast<std::size_t>(count);
        if (filled < large_size) continue;
        filled = 0;
        write_all(fd, buffer.data(), 1);
    }
}

void serve_raw(int listener) {
    while (true) {
        const FileDescriptor accepted(::accept(listener, nullptr, nullptr));
        check(static_cast<bool>(accepted), "accept");
        serve_raw_connection(accepted.get());
    }
}

// The other process: tells its ports, and serves until this one ends.
[[noreturn]] void serve(int tell, const Identity& identity) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int raw = ::socket(AF_INET, SOCK_STREAM, 0);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    check(::bind(raw, any, size) == 0 && ::listen(raw, 16) == 0, "listen");
    check(::getsockname(raw, any, &size) == 0, "getsockname");

    EventLoop loop;
    std::vector<std::unique_ptr<Connection>> connections;
    const Listener listener(
        loop, Address::parse("tcp://127.0.0.1:0"), {.identity = identity},
        [&](Connection accepted) {
            connections.push_back(std::make_unique<Connection>(std::move(accepted)));
            auto& connection = *connections.back();
            connection.start(
                {.received = [&](Message& message) { connection.send(message.body); }});
        });
    const Ports ports{ntohs(address.sin_port), listener.address().port};
    check(::write(tell, &ports, sizeof ports) == sizeof ports, "write");
    serve_raw(raw);
    std::exit(0);
}

FileDescriptor connect_raw(std::uint16_t port, char mode) {
    FileDescriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
    const auto address = loopback(port);
    check(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
          "connect");
    without_delay(socket.get());
    write_all(socket.get(), reinterpret_cast<const std::byte*>(&mode), 1);
    return socket;
}

double raw_echo(std::uint16_t port, std::int64_t messages, std::int64_t in_flight) {
    const auto socket = connect_raw(port, echo);
    std::vector<std::byte> buffer(65536);
    auto left_to_send = static_cast<std::size_t>(messages) * small_size;
    auto left_to_receive = left_to_send;
    const auto begin = benchmarks::now();
    const auto first = std::min(left_to_send, static_cast<std::size_t>(in_flight) * small_size);
    write_all(socket.get(), buffer.data(), first);
    left_to_send -= first;
    while (left_to_receive > 0) {
        const auto count = ::read(socket.get(), buffer.data(), buffer.size());
        check(count > 0, "read");
        const auto received = static_cast<std::size_t>(count);
        left_to_receive -= received;
        const auto next = std::min(left_to_send, received);
        write_all(socket.get(), buffer.data(), next);
        left_to_send -= next;
    }
    return (benchmarks::now() - begin) / static_cast<double>(messages);
}

double raw_bandwidth(std::uint16_t port, std::int64_t values) {
    const auto socket = connect_raw(port, sink);
    const std::vector<std::byte> value(large_size);
    const auto begin = benchmarks::now();
    for (std::int64_t i = 0; i < values; ++i) write_all(socket.get(), value.data(), large_size);
    for (std::int64_t i = 0; i < values; ++i) {
        char ignored = 0;
        check(::read(socket.get(), &ignored, 1) == 1, "read");
    }
    return static_cast<double>(values) * large_size / (benchmarks::now() - begin);
}

double satchel_echo(EventLoop& loop, Connection connection, std::int64_t messages,
                    std::int64_t in_flight) {
    const std::array<std::byte, small_size> body{};
    auto left_to_send = messages;
    auto left_to_receive = messages;
    std::promise<double> end;
    const auto send = [&] {
        if (left_to_send-- > 0) connection.send(body);
    };
    connection.start({.received = [&](Message&) {
        send();
        if (--left_to_receive == 0) end.set_value(benchmarks::now());
    }});
    const auto begin = benchmarks::now();
    loop.post([&] {
        for (std::int64_t i = 0; i < in_flight; ++i) send();
    });
    return (end.get_future().get() - begin) / static_cast<double>(messages);
}

double satchel_bandwidth(EventLoop& loop, Connection connection, std::int64_t values) {
    const Bytes value(std::vector<std::byte>(large_size, std::byte{1}));
    auto left_to_send = values;
    auto left_to_receive = values;
    std::promise<double> end;
    const std::function<void()> send = [&] {
        while (left_to_send > 0 && connection.queued() <= Connection::high_water) {
            --left_to_send;
            connection.send({}, {value});
        }
    };
    connection.start({.received =
                          [&](Message&) {
                              if (--left_to_receive == 0) end.set_value(benchmarks::now());
                          },
                      .drained = send});
    const auto begin = benchmarks::now();
    loop.post(send);
    return static_cast<double>(values) * large_size / (end.get_future().get() - begin);
}

// Both in turn, so that what else the computer does hits both.
void compare(const char* name, const char* unit, double factor, std::int64_t repetitions,
             const std::function<double()>& raw, const std::function<double()>& ours) {
    std::vector<double> raw_results;
    std::vector<double> our_results;
    for (std::int64_t i = 0; i < repetitions; ++i) {
        raw_results.push_back(raw());
        our_results.push_back(ours());
    }
    const auto raw_median = benchmarks::median(raw_results) * factor;
    const auto our_median = benchmarks::median(our_results) * factor;
    fmt::print("{:32} {:10.2f} {:10.2f} {:6} {:8.2f}\n", name, raw_median, our_median, unit,
               our_median / raw_median);
}

}  // namespace

int main(int argc, char** argv) {
    const auto repetitions =
        benchmarks::argument(argc, argv, 1, 5, "benchmark_network [REPETITIONS]");
    const Identity identity{.credentials = Credentials::generate()};
    std::array<int, 2> pipe{};
    check(::pipe(pipe.data()) == 0, "pipe");
    const auto child = ::fork();
    check(child >= 0, "fork");
    if (child == 0) serve(pipe[1], identity);
    Ports ports;
    check(::read(pipe[0], &ports, sizeof ports) == sizeof ports, "read");

    EventLoop loop;
    const Address address{Address::Scheme::tcp, "127.0.0.1", ports.satchel};
    const auto connection = [&] { return connect(loop, address, {.identity = identity}); };
    fmt::print("{:32} {:>10} {:>10} {:6} {:>8}\n", "", "sockets", "satchel", "", "ratio");
    for (const std::int64_t in_flight : {1, 32, 512}) {
        const std::int64_t messages = in_flight == 1 ? 5'000 : in_flight * 4'000;
        compare(
            fmt::format("64 B and reply, {} in flight", in_flight).c_str(), "us", 1e6, repetitions,
            [&] { return raw_echo(ports.raw, messages, in_flight); },
            [&] { return satchel_echo(loop, connection(), messages, in_flight); });
    }
    compare(
        "values of 10 MB", "GB/s", 1e-9, repetitions, [&] { return raw_bandwidth(ports.raw, 100); },
        [&] { return satchel_bandwidth(loop, connection(), 100); });
    ::kill(child, SIGKILL);
}
