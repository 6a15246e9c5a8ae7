// The handshake by which two processes prove to each other that they have the cluster's key.
//
//     connecting                                   accepting
//        hello (64 bytes)             ->
//                                     <-           hello (64 bytes), proof (32 bytes)
//        proof (32 bytes)             ->
//
// A hello is: magic (8 bytes), protocol version (2), role (1), zeros (5), ABI tag (8), cluster id
// (16), nonce (24). It keeps this form in every version of the protocol, so that any two versions
// can tell each other apart. A proof is an HMAC-SHA256 under the key over a label, which names the
// side, and both hellos: it cannot be replayed, reflected, or moved to another cluster or role.
// Nothing but these bytes is looked at before both proofs are right, and of them nothing but fixed
// numbers: a peer without the key cannot choose a text that anybody reads.
//
// No I/O is done here: bytes in, bytes out.
#pragma once

#include "net/credentials.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace satchel::net {

/// What a process is to its cluster.
/// A task is a client, too: the one of the tasks on a worker.
enum class Role : std::uint8_t { client = 1, scheduler = 2, worker = 3, nanny = 4, task = 5 };

[[nodiscard]] std::string_view role_name(Role role);

/// What two processes must agree on for values to be laid out alike.
struct Abi {
    std::array<std::uint8_t, 8> sizes{};

    [[nodiscard]] static Abi of_this_process();
    [[nodiscard]] std::string describe() const;
    friend bool operator==(const Abi&, const Abi&) = default;
};

inline constexpr std::uint16_t protocol_version = 4;

/// Who this process says it is. Only tests set the last two.
struct Identity {
    Role role = Role::client;
    Credentials credentials;
    std::uint16_t version = protocol_version;
    Abi abi = Abi::of_this_process();
};

/// One side of one handshake.
class Handshake {
  public:
    enum class Side { connecting, accepting };

    /// What to do with what was received: send `reply`; if `refusal` is not empty, then close.
    struct Step {
        std::vector<std::byte> reply;
        std::string refusal;
    };

    /// `peer` is how refusals call the other side.
    Handshake(Side side, const Identity& identity, std::string peer);

    /// What to send before anything is received.
    [[nodiscard]] std::vector<std::byte> opening() const;

    /// How many bytes `receive` needs next; 0 when the handshake is complete.
    [[nodiscard]] std::size_t wanted() const;

    /// REQUIRES: `bytes.size() == wanted()`, and no refusal before.
    [[nodiscard]] Step receive(std::span<const std::byte> bytes);

    /// REQUIRES: the handshake is complete.
    [[nodiscard]] Role peer_role() const;

  private:
    static constexpr std::size_t hello_size = 64;
    static constexpr std::size_t proof_size = 32;
    using Hello = std::array<std::byte, hello_size>;
    using Proof = std::array<std::byte, proof_size>;
    enum class Stage { magic, hello, proof, complete };

    [[nodiscard]] Step receive_magic(std::span<const std::byte> bytes);
    [[nodiscard]] Step receive_hello(std::span<const std::byte> bytes);
    [[nodiscard]] Step receive_proof(std::span<const std::byte> bytes);
    [[nodiscard]] std::string objection_to_hello() const;
    [[nodiscard]] Proof proof_of(Side side) const;

    Side side_;
    Identity identity_;
    std::string peer_;
    Hello own_{};
    Hello theirs_{};
    Stage stage_ = Stage::magic;
};

}  // namespace satchel::net
