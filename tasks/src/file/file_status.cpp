// What the system knows of a file, in satchel's terms.
#include <satchel/tasks/file.hpp>

#include "file/access_list.hpp"
#include "file/system_call.hpp"

#include <sys/stat.h>

namespace satchel {
namespace {

FileType type_of(mode_t mode) {
    if (S_ISREG(mode)) return FileType::regular;
    if (S_ISDIR(mode)) return FileType::directory;
    if (S_ISLNK(mode)) return FileType::symlink;
    if (S_ISFIFO(mode)) return FileType::pipe;
    return FileType::other;
}

FileStatus status_of(const struct stat& found) {
    constexpr std::int64_t ns_a_second = 1'000'000'000;
    return {.type = type_of(found.st_mode),
            .device = found.st_dev,
            .inode = found.st_ino,
            .links = found.st_nlink,
            .size = S_ISREG(found.st_mode) ? found.st_size : 0,
            .modified_ns = found.st_mtim.tv_sec * ns_a_second + found.st_mtim.tv_nsec,
            .permissions = found.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO),
            .has_special_bits = (found.st_mode & (S_ISUID | S_ISGID | S_ISVTX)) != 0,
            .owner = found.st_uid,
            .group = found.st_gid};
}

}  // namespace

FileStatus file_status(const std::filesystem::path& path, Symlinks symlinks) {
    struct stat found {};
    const int failed =
        symlinks == Symlinks::follow ? ::stat(path.c_str(), &found) : ::lstat(path.c_str(), &found);
    if (failed != 0) throw_file_error(path.native(), "open", errno);
    return status_of(found);
}

FileStatus file_status(int descriptor, std::string_view name) {
    struct stat found {};
    if (::fstat(descriptor, &found) != 0) throw_file_error(name, "examine", errno);
    auto status = status_of(found);
    status.access_list = access_list_of(descriptor);
    return status;
}

}  // namespace satchel
