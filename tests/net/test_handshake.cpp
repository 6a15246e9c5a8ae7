// The handshake, without a network: who may enter, who is told what, and bytes that lie.
#include "net/handshake.hpp"
#include "net/support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel::net;

namespace {

using Bytes = std::vector<std::byte>;
using Side = Handshake::Side;

// Two sides that talk to each other, by hand.
struct Talk {
    Handshake connecting;
    Handshake accepting;
    std::string refused_by_connecting;
    std::string refused_by_accepting;

    Talk(const Identity& first, const Identity& second)
        : connecting(Side::connecting, first, "the scheduler"),
          accepting(Side::accepting, second, "the worker") {}

    // Gives `to` all of `bytes`, as it asks for them; returns what it says.
    static Bytes give(Handshake& to, Bytes bytes, std::string& refusal) {
        Bytes reply;
        while (!bytes.empty() && to.wanted() > 0 && refusal.empty()) {
            const auto count = to.wanted();
            REQUIRE(bytes.size() >= count);
            auto step = to.receive(std::span(bytes).first(count));
            bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
            reply.insert(reply.end(), step.reply.begin(), step.reply.end());
            refusal = step.refusal;
        }
        return reply;
    }

    void run() {
        const auto answer = give(accepting, connecting.opening(), refused_by_accepting);
        const auto proof = give(connecting, answer, refused_by_connecting);
        (void)give(accepting, proof, refused_by_accepting);
    }

    [[nodiscard]] bool is_complete() const {
        return connecting.wanted() == 0 && accepting.wanted() == 0;
    }
};

Identity worker() { return {.role = Role::worker, .credentials = Credentials::generate()}; }

Identity scheduler_of(const Identity& other) {
    return {.role = Role::scheduler, .credentials = other.credentials};
}

}  // namespace

TEST_CASE("two processes with the same key get to know each other") {
    const auto first = worker();
    Talk talk(first, scheduler_of(first));
    talk.run();
    CHECK(talk.is_complete());
    CHECK(talk.refused_by_accepting.empty());
    CHECK(talk.refused_by_connecting.empty());
    CHECK(talk.accepting.peer_role() == Role::worker);
    CHECK(talk.connecting.peer_role() == Role::scheduler);
}

TEST_CASE("who has another key is refused, on either side") {
    const auto first = worker();
    auto second = scheduler_of(first);
    second.credentials.key = Credentials::generate().key;
    Talk talk(first, second);
    talk.run();
    CHECK_FALSE(talk.is_complete());
    CHECK(
        talk.refused_by_connecting.starts_with("the scheduler does not have the key of the "
                                               "cluster "));

    // One who does not care whether the other side has the key has no proof of his own to give.
    Talk rude(first, second);
    std::string none;
    (void)Talk::give(rude.accepting, rude.connecting.opening(), none);
    (void)Talk::give(rude.accepting, Bytes(32), rude.refused_by_accepting);
    CHECK(rude.refused_by_accepting.starts_with("the worker does not have the key"));
    CHECK(rude.accepting.wanted() > 0);
}

TEST_CASE("a refusal names what differs, on both sides") {
    const auto first = worker();
    const auto refusals_of = [&](const Identity& second) {
        Talk talk(first, second);
        talk.run();
        CHECK_FALSE(talk.is_complete());
        return std::pair(talk.refused_by_accepting, talk.refused_by_connecting);
    };
    auto newer = scheduler_of(first);
    newer.version = 7;
    const auto refused = [](const std::string& peer, int version, int own) {
        return fmt::format(
            "the {} speaks version {} of satchel's protocol and this process version {}: use the "
            "same release of satchel on both sides",
            peer, version, own);
    };
    CHECK(refusals_of(newer).first == refused("worker", protocol_version, 7));
    CHECK(refusals_of(newer).second == refused("scheduler", 7, protocol_version));

    auto smaller = scheduler_of(first);
    smaller.abi.sizes[1] = 4;
    CHECK(refusals_of(smaller).second.starts_with(
        "the scheduler lays out values in another way (little-endian, pointers of 4 bytes, "));
    CHECK(refusals_of(smaller).second.find("than this process (little-endian, pointers of 8") !=
          std::string::npos);

    auto other = scheduler_of(first);
    other.credentials = Credentials::generate();
    CHECK(refusals_of(other).second ==
          "the scheduler belongs to the cluster " +
              to_hex(std::span(other.credentials.cluster).first(4)) +
              " and this process to the cluster " +
              to_hex(std::span(first.credentials.cluster).first(4)) +
              ": use the connection file that its scheduler wrote last");

    auto strange = scheduler_of(first);
    strange.role = static_cast<Role>(99);
    CHECK(refusals_of(strange).second == "the scheduler says that it is something unknown (99)");
}

TEST_CASE("what speaks another protocol is known by its first bytes") {
    Handshake accepting(Side::accepting, worker(), "the process at tcp://127.0.0.1:1");
    REQUIRE(accepting.wanted() == 8);
    const auto step = accepting.receive(satchel_tests::bytes_of("GET / HT"));
    CHECK(step.reply.empty());
    CHECK(step.refusal ==
          "the process at tcp://127.0.0.1:1 is no process of satchel: it speaks "
          "another protocol");
}

TEST_CASE("no bit of the exchange can be changed") {
    const auto first = worker();
    const auto second = scheduler_of(first);
    for (std::size_t at = 0; at < 64; ++at) {
        Talk talk(first, second);
        auto hello = talk.connecting.opening();
        hello[at] ^= std::byte{1};
        auto answer = Talk::give(talk.accepting, hello, talk.refused_by_accepting);
        if (answer.size() == 96) {
            (void)Talk::give(talk.connecting, answer, talk.refused_by_connecting);
        }
        CAPTURE(at);
        CHECK_FALSE(talk.is_complete());
    }
    for (std::size_t at = 0; at < 96; ++at) {
        Talk talk(first, second);
        auto answer =
            Talk::give(talk.accepting, talk.connecting.opening(), talk.refused_by_accepting);
        answer[at] ^= std::byte{1};
        (void)Talk::give(talk.connecting, answer, talk.refused_by_connecting);
        CAPTURE(at);
        CHECK_FALSE(talk.refused_by_connecting.empty());
    }
}

TEST_CASE("a proof cannot be replayed or reflected") {
    const auto first = worker();
    Talk earlier(first, scheduler_of(first));
    const auto hello = earlier.connecting.opening();
    std::string none;
    const auto answer = Talk::give(earlier.accepting, hello, none);
    const auto proof = Talk::give(earlier.connecting, answer, none);
    REQUIRE(none.empty());

    // The same bytes again, to a scheduler that has made a new nonce.
    Talk later(first, scheduler_of(first));
    (void)Talk::give(later.accepting, hello, none);
    (void)Talk::give(later.accepting, proof, later.refused_by_accepting);
    CHECK_FALSE(later.refused_by_accepting.empty());

    // Its own answer, sent back.
    Handshake mirror(Side::connecting, first, "the mirror");
    std::string refusal;
    auto reflected = mirror.opening();
    reflected.insert(reflected.end(), 32, std::byte{0});
    (void)Talk::give(mirror, reflected, refusal);
    CHECK_FALSE(refusal.empty());
    Handshake accepting(Side::accepting, first, "the mirror");
    auto own = Talk::give(accepting, hello, none);
    refusal.clear();
    (void)Talk::give(accepting, Bytes(own.begin() + 64, own.end()), refusal);
    CHECK_FALSE(refusal.empty());
}

TEST_CASE("keys come from random numbers, and hexadecimal digits are read strictly") {
    const auto one = Credentials::generate();
    const auto two = Credentials::generate();
    CHECK(one.key != two.key);
    CHECK(one.cluster != two.cluster);
    std::array<std::byte, 2> bytes{};
    CHECK(from_hex("0fa9", bytes));
    CHECK(to_hex(bytes) == "0fa9");
    for (const auto* text : {"", "0fa", "0fa90", "0FA9", "0fg9", " 0f9"}) {
        CHECK_FALSE(from_hex(text, bytes));
    }
}
