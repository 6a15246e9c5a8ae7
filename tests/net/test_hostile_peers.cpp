// Peers that lie, dawdle, flood or vanish: none is believed, and none is in the way of others.
#include "net/connection.hpp"
#include "net/support.hpp"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel::net;
using namespace satchel_tests;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

Closed::Kind kind_of(const Closed& closed) { return closed.kind; }

}  // namespace

TEST_CASE("nothing is understood before the handshake") {
    QuietLog log;
    Place place;
    // A valid message, an HTTP request, noise, nothing at all.
    const std::vector<std::string> openings{"\x03\0\0\0\x01\0\0\0abc"s,
                                            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                            std::string(100'000, '\xff'), std::string(64, '\0')};
    for (const auto& opening : openings) {
        RawPeer peer(place.listener->address());
        peer.send(bytes_of(opening));
        CHECK(peer.read_to_end().empty());
    }
    CHECK(place.accepted.is_empty());
    CHECK(place.listener->refused() == 4);
    const auto pair = place.connect();
    pair.first->send("hello");
    CHECK(pair.second->received.take().body == "hello");
    CHECK(log.text().find("is no process of satchel: it speaks another protocol (1 turned away") !=
          std::string::npos);
}

TEST_CASE("a wrong key, cluster, version or machine gets one clear sentence") {
    QuietLog log;
    Place place;
    const auto refusal_for = [&](const Identity& identity) -> std::string {
        try {
            (void)connect(place.loop, place.listener->address(), {.identity = identity});
        } catch (const satchel::ConnectionError& error) {
            return error.what();
        }
        return "accepted";
    };
    const auto right = place.connecting.identity;
    const auto peer = "the process at " + place.listener->address().text();

    auto wrong_key = right;
    wrong_key.credentials.key = Credentials::generate().key;
    CHECK(refusal_for(wrong_key).starts_with(peer + " does not have the key of the cluster "));
    auto wrong_cluster = right;
    wrong_cluster.credentials = Credentials::generate();
    CHECK(refusal_for(wrong_cluster).starts_with(peer + " belongs to the cluster "));
    auto newer = right;
    newer.version = 7;
    CHECK(refusal_for(newer) ==
          fmt::format("{} speaks version {} of satchel's protocol and this process version 7: use "
                      "the same release of satchel on both sides",
                      peer, protocol_version));
    auto other_abi = right;
    other_abi.abi.sizes[0] = 2;
    CHECK(refusal_for(other_abi).starts_with(peer + " lays out values in another way"));
    CHECK(refusal_for(right) == "accepted");
    place.loop.call([] {});
    CHECK(place.listener->refused() == 4);
}

TEST_CASE("who answers a connection must have the key, too") {
    EventLoop loop;
    RawListener listener;
    for (const std::string& answer :
         {""s, "HTTP/1.1 200 OK\r\n\r\n"s, std::string(96, '\0'), std::string(1000, 'x')}) {
        Mailbox<ConnectResult> results;
        connect_soon(loop, listener.address(), {.identity = {}},
                     [&](ConnectResult result) { results.put(std::move(result)); });
        auto peer = listener.accept();
        CHECK(peer.read(64).size() == 64);
        peer.send(bytes_of(answer));
        if (answer.empty()) peer.vanish();
        const auto result = results.take();
        CHECK_FALSE(result.connection);
        CHECK(result.error.find(listener.address().text()) != std::string::npos);
    }
}

TEST_CASE("a handshake that takes too long is given up, on both sides") {
    QuietLog log;
    Place place("tcp://127.0.0.1:0", {.handshake_timeout = 20ms});
    RawPeer silent(place.listener->address());
    RawPeer slow(place.listener->address());
    slow.send(bytes_of("\x93STCHL\r\n"));
    CHECK(silent.read_to_end().empty());
    CHECK(slow.read_to_end().empty());
    CHECK(place.listener->refused() == 2);

    RawListener deaf;
    CHECK_THROWS_WITH_AS(
        (void)connect(place.loop, deaf.address(), {.identity = {}, .timeout = 20ms}),
        ("the process at " + deaf.address().text() + " did not complete the handshake in time")
            .c_str(),
        satchel::ConnectionError);
}

TEST_CASE("idle connections do not keep others out") {
    QuietLog log;
    Place place("tcp://127.0.0.1:0", {.handshake_timeout = 1h, .max_handshakes = 10});
    std::vector<RawPeer> idle;
    for (int i = 0; i < 200; ++i) idle.emplace_back(place.listener->address());
    const auto pair = place.connect();
    pair.first->send("through");
    CHECK(pair.second->received.take().body == "through");
    // The first ones were given up for the later ones.
    CHECK(idle.front().read_to_end().empty());
    CHECK(place.listener->refused() >= 190);
}

TEST_CASE("a thousand refusals are a few lines in the log") {
    QuietLog log;
    Place place;
    for (int i = 0; i < 1000; ++i) {
        RawPeer peer(place.listener->address());
        peer.send(bytes_of("no magic"));
        CHECK(peer.read_to_end().empty());
    }
    CHECK(place.listener->refused() == 1000);
    CHECK(std::ranges::count(log.text(), '\n') < 20);
}

TEST_CASE("no more connections than allowed") {
    QuietLog log;
    Place place("tcp://127.0.0.1:0", {.max_connections = 2});
    auto one = place.connect();
    const auto two = place.connect();
    CHECK_THROWS_AS((void)place.connect(), satchel::ConnectionError);
    CHECK(place.listener->refused() == 1);
    one.second.reset();
    CHECK(kind_of(one.first->closed.take()) == Closed::Kind::lost);
    const auto three = place.connect();
    three.first->send("x");
    CHECK(three.second->received.take().body == "x");
}

TEST_CASE("after the handshake, too, what is no frame ends the connection alone") {
    Place place;
    const auto good = place.connect();
    const std::vector<std::string> bad{"\xff\xff\xff\xff\x01\0\0\0"s, "\0\0\0\0\x07\0\0\0"s,
                                       "\0\0\0\0\x01\0\xff\xff"s,
                                       "\0\0\0\0\x01\0\x01\0"s + std::string(8, '\xff')};
    for (const auto& bytes : bad) {
        RawPeer peer(place.listener->address());
        peer.authenticate(place.connecting.identity);
        End end(place.loop, place.accepted.take());
        end.start();
        peer.send(bytes_of("\x02\0\0\0\x01\0\0\0ok"s + bytes));
        CHECK(end.received.take().body == "ok");
        const auto why = end.closed.take();
        CHECK(why.kind == Closed::Kind::violated);
        CHECK(why.text.starts_with("the process at tcp://127.0.0.1:"));
        CHECK(peer.read_to_end().empty());
    }
    good.first->send("still here");
    CHECK(good.second->received.take().body == "still here");
}

TEST_CASE("random bytes after the handshake do no harm") {
    Place place;
    std::mt19937 random(7);
    for (int i = 0; i < 50; ++i) {
        RawPeer peer(place.listener->address());
        peer.authenticate(place.connecting.identity);
        End end(place.loop, place.accepted.take());
        end.start();
        std::string noise(1 + random() % 5000, '\0');
        for (auto& c : noise) c = static_cast<char>(random() % 8 == 0 ? random() : 0);
        peer.send(bytes_of(noise));
        peer.vanish();
        end.closed.take();
    }
}

TEST_CASE("a peer that vanishes in the middle of a message is lost") {
    Place place;
    for (const auto& part :
         {"\x10"s, "\x10\0\0\0\x01\0\0\0half"s, "\0\0\0\0\x01\0\x01\0\0\0\0\x01\0\0\0\0begun"s}) {
        RawPeer peer(place.listener->address());
        peer.authenticate(place.connecting.identity);
        End end(place.loop, place.accepted.take());
        end.start();
        peer.send(bytes_of(part));
        peer.vanish();
        CHECK(kind_of(end.closed.take()) == Closed::Kind::lost);
        CHECK(end.received.is_empty());
    }
}

TEST_CASE("a message may come one byte at a time") {
    Place place;
    RawPeer peer(place.listener->address());
    peer.authenticate(place.connecting.identity);
    End end(place.loop, place.accepted.take());
    end.start();
    const auto stream = "\x02\0\0\0\x01\0\x01\0\x03\0\0\0\0\0\0\0okabc"s;
    for (const char c : stream) CHECK(peer.send(bytes_of(std::string(1, c))));
    const auto message = end.received.take();
    CHECK(message.body == "ok");
    CHECK(message.segments[0].text() == "abc");
}

TEST_CASE("the reason of a goodbye is text, and short") {
    Place place;
    const auto [first, second] = place.connect();
    first->close(std::string(5000, 'x'));
    CHECK(second->closed.take().text == std::string(1024, 'x'));
}
