// The connection file: how the processes of a cluster find it, and prove that they belong to it.
//
//     write_connection_file(path, {.addresses = {"tcp://127.0.0.1:8786"}, .credentials = mine});
//     const auto found = read_connection_file(path);
//
// It holds the key, so only its owner may read it: it is created with mode 0600 and refused with
// any other. It appears complete or not at all.
#pragma once

#include "net/address.hpp"
#include "net/credentials.hpp"

#include <filesystem>
#include <vector>

namespace satchel::net {

struct ConnectionFile {
    std::vector<Address> addresses;  ///< of the scheduler, the best first
    Credentials credentials;

    friend bool operator==(const ConnectionFile&, const ConnectionFile&) = default;
};

/// Replaces a file of that name. Throws FileError.
void write_connection_file(const std::filesystem::path& path, const ConnectionFile& content);

/// Throws FileError if the file cannot be read, may be read by others, or is no connection file.
[[nodiscard]] ConnectionFile read_connection_file(const std::filesystem::path& path);

}  // namespace satchel::net
