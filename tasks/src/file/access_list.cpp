// The attribute that holds the list:
//
//     list  := 02 00 00 00 | entry …
//     entry := whom(2) | rights(2) | user or group(4)                   (little-endian)
#include "file/access_list.hpp"

#include "codec_table.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/stat.h>
#include <sys/xattr.h>

namespace satchel {
namespace {

constexpr const char* attribute = "system.posix_acl_access";
constexpr std::size_t head_size = 4;
constexpr std::size_t entry_size = 8;
constexpr std::uint64_t own_group = 0x04;
constexpr std::uint64_t mask = 0x10;

// What the entry for `whom` allows.
mode_t rights(const std::string& list, std::uint64_t whom) {
    const auto bytes = std::as_bytes(std::span(list));
    for (auto at = head_size; at + entry_size <= bytes.size(); at += entry_size) {
        if (detail::little_endian(bytes.subspan(at, 2)) != whom) continue;
        return static_cast<mode_t>(detail::little_endian(bytes.subspan(at + 2, 2)));
    }
    return S_IRWXO;
}

}  // namespace

std::string access_list_of(int descriptor) {
    const auto size = ::fgetxattr(descriptor, attribute, nullptr, 0);
    if (size <= 0) return {};
    std::string list(static_cast<std::size_t>(size), '\0');
    return ::fgetxattr(descriptor, attribute, list.data(), list.size()) == size ? list : "";
}

bool set_access_list(int descriptor, const std::string& list) {
    return ::fsetxattr(descriptor, attribute, list.data(), list.size(), 0) == 0;
}

void remove_access_list(int descriptor) { (void)::fremovexattr(descriptor, attribute); }

mode_t mode_without_list(mode_t mode, const std::string& list) {
    if (list.empty()) return mode;
    const mode_t group = rights(list, own_group) & rights(list, mask) & S_IRWXO;
    return (mode & ~static_cast<mode_t>(S_IRWXG)) | (group << 3);
}

}  // namespace satchel
