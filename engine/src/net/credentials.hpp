// What makes a process a member of a cluster: the cluster's name and its secret key.
//
// Who has the key can run code on the cluster's workers. It is never printed, never an argument of
// a command or a variable of the environment, and its memory is wiped when it is given up.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace satchel::net {

/// A cluster's name: random, not secret.
using ClusterId = std::array<std::byte, 16>;

/// The 32 bytes that all processes of a cluster share.
class ClusterKey {
  public:
    static constexpr std::size_t size = 32;

    ClusterKey() = default;
    /// REQUIRES: `bytes.size() == size`.
    explicit ClusterKey(std::span<const std::byte> bytes);
    ClusterKey(const ClusterKey&) = default;
    ClusterKey& operator=(const ClusterKey&) = default;
    ~ClusterKey();

    [[nodiscard]] std::span<const std::byte, size> bytes() const { return bytes_; }
    friend bool operator==(const ClusterKey&, const ClusterKey&) = default;

  private:
    std::array<std::byte, size> bytes_{};
};

struct Credentials {
    ClusterId cluster{};
    ClusterKey key;

    /// Those of a new cluster, from the system's random numbers.
    [[nodiscard]] static Credentials generate();

    friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// Fills `bytes` with random numbers fit for secrets.
void fill_random(std::span<std::byte> bytes);

[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);

/// Fills `bytes` from twice as many hexadecimal digits; false if `text` is anything else.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::byte> bytes);

}  // namespace satchel::net
