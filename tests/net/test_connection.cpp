// Connections by TCP and inside a process: both keep the same promises.
#include <satchel/error.hpp>

#include "net/connection.hpp"
#include "net/support.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace satchel::net;
using namespace satchel_tests;
using namespace std::chrono_literals;
using satchel::Bytes;

namespace {

// Containers often have none.
bool has_ipv6() {
    const satchel::detail::FileDescriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

const std::vector<std::string>& transports() {
    static const auto all = [] {
        std::vector<std::string> found{"tcp://127.0.0.1:0", "inproc://place"};
        if (has_ipv6()) {
            found.emplace_back("tcp://[::1]:0");
        } else {
            MESSAGE("IPv6 is left out: this computer has no [::1]");
        }
        return found;
    }();
    return all;
}

}  // namespace

TEST_CASE("messages arrive in their order, both ways, with what they carry") {
    for (const auto& transport : transports()) {
        CAPTURE(transport);
        Place place(transport);
        const auto [first, second] = place.connect();
        CHECK(first->connection.peer_role() == Role::scheduler);
        CHECK(second->connection.peer_role() == Role::worker);
        const auto large = Bytes(std::string(3 << 20, 'x'));
        for (int i = 0; i < 100; ++i) {
            first->send(std::to_string(i),
                        i % 10 == 0 ? std::vector{large, Bytes()} : std::vector<Bytes>());
            second->send("reply " + std::to_string(i));
        }
        for (int i = 0; i < 100; ++i) {
            const auto there = second->received.take();
            CHECK(there.body == std::to_string(i));
            CHECK(there.segments.size() == (i % 10 == 0 ? 2 : 0));
            if (i % 10 == 0) CHECK(there.segments[0] == large);
            CHECK(first->received.take().body == "reply " + std::to_string(i));
        }
    }
}

TEST_CASE("inside a process, large values are handed over without a copy") {
    Place place("inproc://copies");
    const auto [first, second] = place.connect();
    const auto large = Bytes(std::string(1 << 20, 'x'));
    first->send("take this", {large});
    CHECK(second->received.take().segments[0].data() == large.data());
}

TEST_CASE("a body may be larger than any read, and empty") {
    for (const auto& transport : transports()) {
        Place place(transport);
        const auto [first, second] = place.connect();
        const std::string body(5'000'000, 'b');
        first->send(body);
        first->send("");
        CHECK(second->received.take().body == body);
        CHECK(second->received.take().body.empty());
    }
}

TEST_CASE("a message beyond the limits is refused where it is sent") {
    for (const auto& transport : transports()) {
        Place place(transport, {.limits = {.body = 100}});
        const auto [first, second] = place.connect();
        CHECK_THROWS_WITH_AS(first->send(std::string(101, 'x')),
                             "a message of 101 bytes without its segments, of at most 100",
                             ProtocolError);
        first->send("next");
        CHECK(second->received.take().body == "next");
    }
}

TEST_CASE("who closes says why, after all that was sent before") {
    for (const auto& transport : transports()) {
        CAPTURE(transport);
        Place place(transport);
        const auto [first, second] = place.connect();
        const auto large = Bytes(std::string(8 << 20, 'x'));
        first->send("large", {large});
        first->close("the work is done");
        CHECK(second->received.take().segments[0] == large);
        const auto why = second->closed.take();
        CHECK(why.kind == Closed::Kind::by_peer);
        CHECK(why.text == "the work is done");
        CHECK(first->closed.take().kind == Closed::Kind::here);
        // Nothing happens on what is over.
        first->send("more");
        second->send("more");
        first->close("again");
        place.loop.call([] {});
        CHECK(first->received.is_empty());
        CHECK(second->received.is_empty());
    }
}

TEST_CASE("both may close at once") {
    for (const auto& transport : transports()) {
        Place place(transport);
        const auto [first, second] = place.connect();
        place.loop.call([&, &one = first, &two = second] {
            one->connection.close("a");
            two->connection.close("b");
        });
        first->closed.take();
        second->closed.take();
    }
}

TEST_CASE("a connection that is destroyed is lost to the other side") {
    for (const auto& transport : transports()) {
        CAPTURE(transport);
        Place place(transport);
        auto [first, second] = place.connect();
        first.reset();
        const auto why = second->closed.take();
        CHECK(why.kind == Closed::Kind::lost);
        CHECK(why.text.find("closed the connection without a word") != std::string::npos);
    }
}

TEST_CASE("a callback may destroy its own connection") {
    for (const auto& transport : transports()) {
        for (const bool is_on_close : {false, true}) {
            Place place(transport);
            auto one = connect(place.loop, place.listener->address(), place.connecting);
            auto two = std::make_unique<Connection>(place.accepted.take());
            Mailbox<int> done;
            // The string must be whole after the connection has gone with all its callbacks.
            const auto destroy = [&, text = std::string(100, 'x')] {
                two.reset();
                done.put(static_cast<int>(text.size()));
            };
            two->start({.received = [=](Message&) { destroy(); },
                        .closed = [=](const Closed&) { destroy(); }});
            if (is_on_close) {
                one = {};
            } else {
                place.loop.call([&] {
                    for (int i = 0; i < 3; ++i) one.send(bytes_of("end"));
                });
            }
            CHECK(done.take() == 100);
            place.loop.call([] {});
            CHECK(done.is_empty());
        }
    }
}

TEST_CASE("a callback that throws ends its connection, not the process") {
    for (const auto& transport : transports()) {
        Place place(transport);
        auto one = connect(place.loop, place.listener->address(), place.connecting);
        auto two = place.accepted.take();
        Mailbox<Closed> closed;
        two.start({.received = [](Message&) { throw satchel::Error("what is this?"); },
                   .closed = [&](const Closed& why) { closed.put(why); }});
        place.loop.call([&] { one.send(bytes_of("?")); });
        const auto why = closed.take();
        CHECK(why.kind == Closed::Kind::violated);
        CHECK(why.text.starts_with("a message from "));
        CHECK(why.text.ends_with(" could not be used: what is this?"));
    }
}

TEST_CASE("nothing is received before the start, and nothing is lost by that") {
    for (const auto& transport : transports()) {
        Place place(transport);
        End first(place.loop, connect(place.loop, place.listener->address(), place.connecting));
        End second(place.loop, place.accepted.take());
        first.start();
        first.send("early");
        first.close("bye");
        place.loop.call([] {});
        CHECK(second.received.is_empty());
        second.start();
        CHECK(second.received.take().body == "early");
        CHECK(second.closed.take().text == "bye");
    }
}

TEST_CASE("a slow receiver is felt by the sender, who is told when it goes on") {
    for (const auto& transport : transports()) {
        CAPTURE(transport);
        Place place(transport);
        const auto [first, second] = place.connect();
        place.loop.call([&, &end = second] { end->connection.pause(); });
        const auto piece = Bytes(std::string(1 << 20, 'x'));
        int sent = 0;
        // The system's own buffers take some of it.
        while (place.loop.call([&, &end = first] { return end->connection.queued(); }) <=
               Connection::high_water) {
            first->send("", {piece});
            ++sent;
        }
        CHECK(first->drained.is_empty());
        CHECK(second->received.is_empty());
        place.loop.call([&, &end = second] { end->connection.resume(); });
        first->drained.take();
        for (int i = 0; i < sent; ++i) CHECK(second->received.take().segments[0] == piece);
        CHECK(place.loop.call([&, &end = first] { return end->connection.queued(); }) == 0);
    }
}

TEST_CASE("a pause takes effect between two messages of one read") {
    for (const auto& transport : transports()) {
        Place place(transport);
        auto one = connect(place.loop, place.listener->address(), place.connecting);
        auto two = place.accepted.take();
        Mailbox<std::string> received;
        two.start({.received = [&](Message& message) {
            received.put(text_of(message.body));
            two.pause();
        }});
        place.loop.call([&] {
            one.send(bytes_of("a"));
            one.send(bytes_of("b"));
        });
        CHECK(received.take() == "a");
        place.loop.call([] {});
        CHECK(received.is_empty());
        place.loop.call([&] { two.resume(); });
        CHECK(received.take() == "b");
    }
}

TEST_CASE("messages between two loops, from many connections at once") {
    for (const auto& transport : transports()) {
        Place place(transport);
        EventLoop other;
        std::vector<std::unique_ptr<End>> ends;
        for (int i = 0; i < 20; ++i) {
            ends.push_back(std::make_unique<End>(
                other, connect(other, place.listener->address(), place.connecting)));
            ends.back()->start();
        }
        std::vector<Connection> accepted;
        for (int i = 0; i < 20; ++i) accepted.push_back(place.accepted.take());
        for (auto& connection : accepted) {
            connection.start({.received = [&connection](Message& message) {
                connection.send(message.body, message.segments);
            }});
        }
        for (int round = 0; round < 50; ++round) {
            for (auto& end : ends) end->send(std::to_string(round), {Bytes(std::string(50, 'y'))});
        }
        for (int round = 0; round < 50; ++round) {
            for (auto& end : ends) CHECK(end->received.take().body == std::to_string(round));
        }
        accepted.clear();
        ends.clear();
    }
}

TEST_CASE("connecting to nobody says what to look at") {
    EventLoop loop;
    RawListener taken;
    auto gone = taken.address();
    {
        const RawListener closed;
        gone = closed.address();
    }
    CHECK_THROWS_WITH_AS((void)connect(loop, gone, {}),
                         ("cannot connect to " + gone.text() +
                          ": Connection refused; is it running, and is this its address?")
                             .c_str(),
                         satchel::ConnectionError);
    CHECK_THROWS_WITH_AS((void)connect(loop, Address::parse("inproc://nobody"), {}),
                         "cannot connect to inproc://nobody: no part of this process listens there",
                         satchel::ConnectionError);
}

TEST_CASE("addresses of other computers are refused, for listening and connecting") {
    EventLoop loop;
    for (const auto* text : {"tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://10.1.2.3:1"}) {
        const auto address = Address::parse(text);
        const auto ending = std::string(" ") + text +
                            ": connections are not encrypted yet, so only addresses of this "
                            "computer (127.0.0.1, [::1], localhost) are allowed";
        CHECK_THROWS_WITH_AS(Listener(loop, address, {}, [](Connection) {}),
                             ("cannot listen on" + ending).c_str(), satchel::ConnectionError);
        CHECK_THROWS_WITH_AS((void)connect(loop, address, {}),
                             ("cannot connect to" + ending).c_str(), satchel::ConnectionError);
    }
}

TEST_CASE("an address that is taken is refused, and free again afterwards") {
    for (const auto& transport : transports()) {
        Place place(transport);
        const auto address = place.listener->address();
        EventLoop loop;
        const auto listen = [&] { Listener(loop, address, {}, [](Connection) {}); };
        CHECK_THROWS_AS(listen(), satchel::ConnectionError);
        place.listener.reset();
        CHECK_NOTHROW(listen());
    }
}

TEST_CASE("sockets are not inherited by other programs") {
    Place place;
    const auto [first, second] = place.connect();
    int inherited = 0;
    int sockets = 0;
    for (int fd = 0; fd < 256; ++fd) {
        struct stat status {};
        if (::fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) continue;
        ++sockets;
        if ((::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) ++inherited;
    }
    CHECK(sockets >= 3);
    CHECK(inherited == 0);
}
