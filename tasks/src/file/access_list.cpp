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
constexpr std::uint64_t named_user = 0x02;
constexpr std::uint64_t own_group = 0x04;
constexpr std::uint64_t named_group = 0x08;
constexpr std::uint64_t mask = 0x10;

// What every entry for `whom` allows, within `most`; all if there is none.
mode_t rights(const std::string& list, std::uint64_t whom, mode_t most) {
    const auto bytes = std::as_bytes(std::span(list));
    mode_t common = S_IRWXO;
    for (auto at = head_size; at + entry_size <= bytes.size(); at += entry_size) {
        if (detail::little_endian(bytes.subspan(at, 2)) != whom) continue;
        common &= most & static_cast<mode_t>(detail::little_endian(bytes.subspan(at + 2, 2)));
    }
    return common;
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
    const mode_t most = rights(list, mask, S_IRWXO);
    // Without an entry of their own, users are members of the group or others, and the members of
    // another group are others.
    const mode_t users = rights(list, named_user, most);
    const mode_t group = rights(list, own_group, most) & users;
    const mode_t others = mode & users & rights(list, named_group, most);
    return (mode & S_IRWXU) | (group << 3) | (others & S_IRWXO);
}

}  // namespace satchel
