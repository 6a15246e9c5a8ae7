// OutputFile: writing, and the order of steps in which a complete file appears under its name.
#include <satchel/tasks/file.hpp>

#include "file/access_list.hpp"
#include "file/pending_file.hpp"
#include "file/system_call.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace satchel {
namespace {

std::filesystem::path absolute_target(const std::string& name) {
    if (name.empty()) throw FileError("'': is no name for a file", ENOENT);
    return std::filesystem::absolute(name);
}

void refuse_what_is_there(const std::string& name, bool replace) {
    struct stat found {};
    if (::lstat(name.c_str(), &found) != 0) return;
    if (S_ISDIR(found.st_mode)) throw FileError(name + ": is a directory", EISDIR);
    if (!replace) throw FileError(name + ": already exists", EEXIST);
    if (!S_ISREG(found.st_mode) && !S_ISLNK(found.st_mode)) {
        throw FileError(name + ": is no regular file and is not replaced by one", EEXIST);
    }
}

bool means_no_unnamed_files(int code) {
    return code == EOPNOTSUPP || code == EISDIR || code == EINVAL || code == ENOSYS;
}

std::unique_ptr<PendingFile> make_pending_file(const std::filesystem::path& folder,
                                               const std::string& name, mode_t mode) {
    remove_stale_files(folder);
    auto file = make_unnamed_file(folder, mode);
    if (!file && means_no_unnamed_files(errno)) file = make_hidden_file(folder, mode);
    if (!file) throw_file_error(name, "create", errno);
    return file;
}

void refuse_committed(const PendingFile* pending, const std::string& name) {
    if (pending == nullptr) throw FileError(name + ": was committed already");
}

// Whether metadata that cannot be set leaves the data as good as it is. File systems have many ways
// to say that there is no such thing, or not for us, as EACCES of sshfs and EDQUOT of a group's
// quota; but a disk that is damaged or full is an error.
bool does_without(int code) { return code != EIO && code != ENOSPC; }

bool change_owner(int descriptor, uid_t owner, gid_t group, const std::string& name) {
    if (::fchown(descriptor, owner, group) == 0) return true;
    if (!does_without(errno)) throw_file_error(name, "set the owner", errno);
    return false;
}

// Owner and group as far as permitted. Where the group cannot be given, nobody may gain rights by
// it: what remains is what both the group and the others had.
void copy_rights(int descriptor, const std::string& name, const FileStatus& source) {
    constexpr auto unchanged = static_cast<uid_t>(-1);
    const bool has_group = change_owner(descriptor, unchanged, source.group, name);
    change_owner(descriptor, source.owner, unchanged, name);
    if (has_group && !source.access_list.empty() &&
        set_access_list(descriptor, source.access_list)) {
        return;
    }
    remove_access_list(descriptor);
    mode_t mode = mode_without_list(source.permissions, source.access_list);
    if (!has_group) {
        const mode_t both = (mode >> 3) & mode & S_IRWXO;
        mode = (mode & S_IRWXU) | (both << 3) | both;
    }
    if (::fchmod(descriptor, mode) != 0 && !does_without(errno)) {
        throw_file_error(name, "set the permissions", errno);
    }
}

void copy_time(int descriptor, const std::string& name, const FileStatus& source) {
    constexpr std::int64_t ns_a_second = 1'000'000'000;
    auto ns = source.modified_ns % ns_a_second;
    if (ns < 0) ns += ns_a_second;
    const timespec modified{.tv_sec = (source.modified_ns - ns) / ns_a_second, .tv_nsec = ns};
    const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, modified};
    if (::futimens(descriptor, times) != 0 && !does_without(errno)) {
        throw_file_error(name, "set the time", errno);
    }
}

// Some file systems cannot flush a folder, and some folders may not be opened: no more can be done.
void flush_folder(const std::filesystem::path& folder) {
    const detail::Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || uninterrupted([&] { return ::fsync(opened.number()); }) == 0) return;
    if (errno == EIO || errno == ENOSPC) {
        throw_file_error(folder.native(), "flush the folder", errno);
    }
}

// The least that is worth a hole: some blocks of a file system.
constexpr std::size_t hole_size = std::size_t{64} << 10;

// How many bytes at the front of `data` are zeros, in multiples of a hole's size.
std::size_t leading_zero_blocks(std::span<const std::byte> data) {
    static constexpr std::array<std::byte, hole_size> zeros{};
    std::size_t size = 0;
    while (data.size() - size >= hole_size &&
           std::memcmp(data.data() + size, zeros.data(), hole_size) == 0) {
        size += hole_size;
    }
    return size;
}

}  // namespace

void write_all(int descriptor, std::span<const std::byte> data, std::string_view name,
               std::int64_t offset) {
    while (!data.empty()) {
        const auto n = uninterrupted([&] { return ::write(descriptor, data.data(), data.size()); });
        if (n > 0) {
            data = data.subspan(static_cast<std::size_t>(n));
            offset += n;
        } else if (!wait_if_not_ready(descriptor, POLLOUT)) {
            throw_file_error(name, fmt::format("write at offset {}", offset), errno);
        }
    }
}

OutputFile::OutputFile(const std::filesystem::path& path, const OutputFileOptions& options)
    : name_(path.native()), target_(absolute_target(name_)), options_(options) {
    refuse_what_is_there(name_, options.replace);
    // Nobody else may read the copy of a file that is not for everyone while it is being written.
    pending_ = make_pending_file(target_.parent_path(), name_, options.metadata ? 0600 : 0666);
}

OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile::~OutputFile() = default;

void OutputFile::write(std::span<const std::byte> data) {
    refuse_committed(pending_.get(), name_);
    if (!options_.sparse) return write_data(data);
    while (!data.empty()) {
        const auto zeros = leading_zero_blocks(data);
        skip(zeros);
        data = data.subspan(zeros);
        auto rest = data;
        while (!rest.empty() && leading_zero_blocks(rest) == 0) {
            rest = rest.subspan(std::min(rest.size(), hole_size));
        }
        write_data(data.first(data.size() - rest.size()));
        data = rest;
    }
}

void OutputFile::write_data(std::span<const std::byte> data) {
    write_all(pending_->descriptor(), data, name_, size_);
    size_ += static_cast<std::int64_t>(data.size());
}

// What is skipped reads as zeros once the file has its size.
void OutputFile::skip(std::size_t zeros) {
    if (zeros == 0) return;
    const auto distance = static_cast<std::int64_t>(zeros);
    if (::lseek(pending_->descriptor(), distance, SEEK_CUR) < 0) {
        throw_file_error(name_, fmt::format("leave a hole at offset {}", size_), errno);
    }
    size_ += distance;
}

void OutputFile::commit() {
    refuse_committed(pending_.get(), name_);
    const int descriptor = pending_->descriptor();
    if (options_.sparse && uninterrupted([&] { return ::ftruncate(descriptor, size_); }) != 0) {
        throw_file_error(name_, "set the size", errno);
    }
    if (options_.metadata) {
        copy_rights(descriptor, name_, *options_.metadata);
        copy_time(descriptor, name_, *options_.metadata);
    }
    if (uninterrupted([&] { return ::fsync(descriptor); }) != 0) {
        throw_file_error(name_, "flush to the disk", errno);
    }
    if (const int code = pending_->publish(target_, options_.replace)) {
        throw_file_error(name_, "create", code);
    }
    pending_.reset();
    flush_folder(target_.parent_path());
}

}  // namespace satchel
