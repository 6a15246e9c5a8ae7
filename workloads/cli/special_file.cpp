// Following links by hand: the system would go on from a descriptor to the file behind it.
#include "special_file.hpp"

#include <filesystem>
#include <system_error>

namespace satchel::cli {
namespace {

namespace fs = std::filesystem;

constexpr int links_max = 40;  // as the system's

// What `name` leads to, but no further than to a name of a descriptor.
fs::path followed(const std::string& name) {
    fs::path path = name;
    std::error_code error;
    for (int k = 0; k < links_max; ++k) {
        const auto folder = path.parent_path();
        if (folder == "/proc/self/fd" || folder == "/dev/fd") break;
        if (!fs::is_symlink(path, error)) break;
        const auto target = fs::read_symlink(path, error);
        if (error) break;
        path = target.is_absolute() ? target : folder / target;
    }
    return path;
}

bool is_descriptor(const fs::path& path) {
    return path.parent_path() == "/proc/self/fd" || path.parent_path() == "/dev/fd";
}

}  // namespace

bool is_standard_output(const std::string& name) {
    const auto path = followed(name);
    return is_descriptor(path) && path.filename() == "1";
}

bool takes_data_as_it_comes(const std::string& name) {
    if (is_descriptor(followed(name))) return true;
    std::error_code error;
    const auto type = fs::status(name, error).type();
    return type == fs::file_type::fifo || type == fs::file_type::character;
}

}  // namespace satchel::cli
