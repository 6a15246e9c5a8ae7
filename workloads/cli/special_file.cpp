// Following links by hand: the system would go on from a descriptor to the file behind it.
#include "special_file.hpp"

#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

namespace fs = std::filesystem;

constexpr int links_max = 40;  // as the system's

// The descriptor that a name stands for.
std::optional<int> descriptor_of(const fs::path& path) {
    if (path.parent_path() != "/proc/self/fd" && path.parent_path() != "/dev/fd") return {};
    const auto name = path.filename().native();
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool is_number = error == std::errc() && end == name.data() + name.size();
    return is_number && number >= 0 ? std::optional(number) : std::nullopt;
}

// What `name` leads to, but no further than to a name of a descriptor.
fs::path followed(const std::string& name) {
    fs::path path = name;
    std::error_code error;
    for (int k = 0; k < links_max && !descriptor_of(path) && fs::is_symlink(path, error); ++k) {
        const auto target = fs::read_symlink(path, error);
        if (error) break;
        path = target.is_absolute() ? target : path.parent_path() / target;
    }
    return path;
}

}  // namespace

bool is_standard_output(const std::string& name) {
    return descriptor_of(followed(name)) == STDOUT_FILENO;
}

bool takes_data_as_it_comes(const std::string& name) {
    if (descriptor_of(followed(name))) return true;
    std::error_code error;
    const auto type = fs::status(name, error).type();
    return type == fs::file_type::fifo || type == fs::file_type::character;
}

std::FILE* open_special(const std::string& name) {
    const auto descriptor = descriptor_of(followed(name));
    if (!descriptor) return std::fopen(name.c_str(), "we");
    const int copy = ::fcntl(*descriptor, F_DUPFD_CLOEXEC, 0);
    auto* const file = copy < 0 ? nullptr : ::fdopen(copy, "w");
    if (copy >= 0 && file == nullptr) ::close(copy);
    return file;
}

}  // namespace satchel::cli
