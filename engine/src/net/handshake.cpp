// The bytes of the handshake, and what is said about those that are wrong.
#include "net/handshake.hpp"

#include "net/little_endian.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace satchel::net {
namespace {

// Binary, so that what speaks a text protocol (a browser, say) is known for it at once.
constexpr std::array<std::uint8_t, 8> magic{0x93, 'S', 'T', 'C', 'H', 'L', '\r', '\n'};

// Where things are in a hello.
constexpr std::size_t version_at = 8;
constexpr std::size_t role_at = 10;
constexpr std::size_t abi_at = 16;
constexpr std::size_t cluster_at = 24;
constexpr std::size_t nonce_at = 40;

std::string short_name(std::span<const std::byte> cluster) { return to_hex(cluster.first(4)); }

template <class Bytes>
std::span<const std::byte> bytes_of(const Bytes& bytes) {
    return std::as_bytes(std::span(bytes));
}

}  // namespace

std::string_view role_name(Role role) {
    switch (role) {
        case Role::client:
            return "client";
        case Role::scheduler:
            return "scheduler";
        case Role::worker:
            return "worker";
        case Role::nanny:
            return "nanny";
        case Role::task:
            return "task";
    }
    return "process";
}

Abi Abi::of_this_process() {
    constexpr bool is_little = std::endian::native == std::endian::little;
    // NOLINTNEXTLINE(google-runtime-int): that `long` is not the same everywhere is the point
    return {{is_little ? std::uint8_t{1} : std::uint8_t{2}, sizeof(void*), sizeof(long),
             sizeof(wchar_t), sizeof(long double), std::numeric_limits<char>::is_signed ? 1 : 0,
             alignof(double), 0}};
}

std::string Abi::describe() const {
    return fmt::format(
        "{}-endian, pointers of {} bytes, long {}, wchar_t {}, long double {}, {} char, double "
        "aligned to {}",
        sizes[0] == 1 ? "little" : "big", sizes[1], sizes[2], sizes[3], sizes[4],
        sizes[5] == 1 ? "signed" : "unsigned", sizes[6]);
}

Handshake::Handshake(Side side, const Identity& identity, std::string peer)
    : side_(side), identity_(identity), peer_(std::move(peer)) {
    const std::span own(own_);
    std::ranges::copy(bytes_of(magic), own.begin());
    store_little_endian(identity.version, &own_[version_at]);
    own_[role_at] = static_cast<std::byte>(identity.role);
    std::ranges::copy(bytes_of(identity.abi.sizes), own.subspan(abi_at).begin());
    std::ranges::copy(identity.credentials.cluster, own.subspan(cluster_at).begin());
    fill_random(own.subspan(nonce_at));
}

std::vector<std::byte> Handshake::opening() const {
    if (side_ == Side::accepting) return {};
    return {own_.begin(), own_.end()};
}

std::size_t Handshake::wanted() const {
    switch (stage_) {
        case Stage::magic:
            return magic.size();
        case Stage::hello:
            return hello_size - magic.size();
        case Stage::proof:
            return proof_size;
        case Stage::complete:
            break;
    }
    return 0;
}

Handshake::Step Handshake::receive(std::span<const std::byte> bytes) {
    switch (stage_) {
        case Stage::magic:
            return receive_magic(bytes);
        case Stage::hello:
            return receive_hello(bytes);
        case Stage::proof:
            return receive_proof(bytes);
        case Stage::complete:
            break;
    }
    return {};
}

Handshake::Step Handshake::receive_magic(std::span<const std::byte> bytes) {
    if (!std::ranges::equal(bytes, bytes_of(magic))) {
        return {{}, peer_ + " is no process of satchel: it speaks another protocol"};
    }
    std::ranges::copy(bytes, theirs_.begin());
    stage_ = Stage::hello;
    return {};
}

Handshake::Step Handshake::receive_hello(std::span<const std::byte> bytes) {
    std::ranges::copy(bytes, theirs_.begin() + magic.size());
    Step step{{}, objection_to_hello()};
    if (side_ == Side::accepting) {
        // Who is refused gets the hello, too: it tells him why.
        step.reply.assign(own_.begin(), own_.end());
        if (step.refusal.empty()) {
            const auto proof = proof_of(side_);
            step.reply.insert(step.reply.end(), proof.begin(), proof.end());
        }
    }
    stage_ = Stage::proof;
    return step;
}

std::string Handshake::objection_to_hello() const {
    const auto version = load_little_endian<std::uint16_t>(&theirs_[version_at]);
    if (version != identity_.version) {
        return fmt::format(
            "{} speaks version {} of satchel's protocol and this process version {}: use the same "
            "release of satchel on both sides",
            peer_, version, identity_.version);
    }
    Abi abi;
    std::ranges::transform(std::span(theirs_).subspan(abi_at, abi.sizes.size()), abi.sizes.begin(),
                           [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
    if (abi != identity_.abi) {
        return fmt::format(
            "{} lays out values in another way ({}) than this process ({}): use the same kind of "
            "computer and compiler on both sides",
            peer_, abi.describe(), identity_.abi.describe());
    }
    const auto cluster = std::span(theirs_).subspan(cluster_at, sizeof(ClusterId));
    if (!std::ranges::equal(cluster, identity_.credentials.cluster)) {
        return fmt::format(
            "{} belongs to the cluster {} and this process to the cluster {}: use the connection "
            "file that its scheduler wrote last",
            peer_, short_name(cluster), short_name(identity_.credentials.cluster));
    }
    const auto role = std::to_integer<std::uint8_t>(theirs_[role_at]);
    const bool is_role = role >= static_cast<std::uint8_t>(Role::client) &&
                         role <= static_cast<std::uint8_t>(Role::task);
    return is_role ? "" : fmt::format("{} says that it is something unknown ({})", peer_, role);
}

Handshake::Step Handshake::receive_proof(std::span<const std::byte> bytes) {
    const auto other = side_ == Side::connecting ? Side::accepting : Side::connecting;
    const auto expected = proof_of(other);
    if (CRYPTO_memcmp(expected.data(), bytes.data(), expected.size()) != 0) {
        return {{},
                fmt::format("{} does not have the key of the cluster {}: use the connection "
                            "file that its scheduler wrote",
                            peer_, short_name(identity_.credentials.cluster))};
    }
    stage_ = Stage::complete;
    if (side_ == Side::accepting) return {};
    const auto proof = proof_of(side_);
    return {{proof.begin(), proof.end()}, {}};
}

Role Handshake::peer_role() const { return static_cast<Role>(theirs_[role_at]); }

Handshake::Proof Handshake::proof_of(Side side) const {
    constexpr std::string_view labels[] = {"satchel connecting", "satchel accepting "};
    const auto label = bytes_of(labels[side == Side::connecting ? 0 : 1]);
    const auto& first = side_ == Side::connecting ? own_ : theirs_;
    const auto& second = side_ == Side::connecting ? theirs_ : own_;
    std::vector<std::byte> text(label.begin(), label.end());
    text.insert(text.end(), first.begin(), first.end());
    text.insert(text.end(), second.begin(), second.end());

    Proof proof{};
    const auto key = identity_.credentials.key.bytes();
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(proof.data()), nullptr);
    return proof;
}

}  // namespace satchel::net
