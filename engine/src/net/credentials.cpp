// Making, wiping and spelling the secrets of a cluster.
#include "net/credentials.hpp"

#include <satchel/error.hpp>

#include <algorithm>
#include <cstdint>

#include <openssl/crypto.h>
#include <unistd.h>

namespace satchel::net {
namespace {

// 0 to 15, or -1 for what is no digit.
int digit_from(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

}  // namespace

ClusterKey::ClusterKey(std::span<const std::byte> bytes) {
    std::ranges::copy(bytes.first(size), bytes_.begin());
}

ClusterKey::~ClusterKey() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

Credentials Credentials::generate() {
    Credentials made;
    fill_random(made.cluster);
    std::array<std::byte, ClusterKey::size> key{};
    fill_random(key);
    made.key = ClusterKey(key);
    OPENSSL_cleanse(key.data(), key.size());
    return made;
}

void fill_random(std::span<std::byte> bytes) {
    if (getentropy(bytes.data(), bytes.size()) != 0) {
        throw Error("cannot make a key: the system gives no random numbers");
    }
}

std::string to_hex(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const auto byte : bytes) {
        text += digits[std::to_integer<std::size_t>(byte >> 4)];
        text += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return text;
}

bool from_hex(std::string_view text, std::span<std::byte> bytes) {
    if (text.size() != 2 * bytes.size()) return false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = digit_from(text[2 * i]);
        const int low = digit_from(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = static_cast<std::byte>(high * 16 + low);
    }
    return true;
}

}  // namespace satchel::net
