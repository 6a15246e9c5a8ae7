// Fuzzes both sides of the handshake: no bytes of one who does not have the key complete it.
//
//     mkdir corpus && build-fuzz/tests/fuzz/fuzz_net_handshake corpus
#include "fuzz.hpp"
#include "net/handshake.hpp"

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

using namespace satchel::net;

std::vector<std::string> satchel::fuzz::seeds() {
    // Openings of every length are given to it; what comes behind them is for a peer to guess.
    std::vector<std::string> all;
    for (int choice = 0; choice < 256; ++choice) {
        all.push_back(static_cast<char>(choice) + std::string(200, 'x'));
    }
    return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Identity identity{.role = Role::scheduler, .credentials = Credentials::generate()};
    if (size == 0) return 0;
    const bool is_accepting = data[0] % 2 == 0;
    Handshake handshake(is_accepting ? Handshake::Side::accepting : Handshake::Side::connecting,
                        identity, "peer");

    // What a peer cannot guess is given to it, but for the proof: magic, version, ABI and cluster.
    std::vector<std::byte> stream;
    if (data[0] % 4 < 2) {
        stream = Handshake(Handshake::Side::connecting, identity, "").opening();
        stream.resize(data[0] / 4);
    }
    const auto rest = std::as_bytes(std::span(data + 1, size - 1));
    stream.insert(stream.end(), rest.begin(), rest.end());

    std::span<const std::byte> left(stream);
    while (handshake.wanted() > 0 && left.size() >= handshake.wanted()) {
        const auto now = left.first(handshake.wanted());
        left = left.subspan(now.size());
        if (!handshake.receive(now).refusal.empty()) return 0;
    }
    if (handshake.wanted() == 0) std::abort();
    return 0;
}
