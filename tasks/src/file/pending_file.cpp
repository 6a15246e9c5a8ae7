// Unnamed files (O_TMPFILE) and hidden ones, and how each gets its name.
#include "file/pending_file.hpp"

#include "file/system_call.hpp"

#include <cstdio>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace satchel {
namespace {

int rename_replacing(const char* from, const char* to) {
    return ::rename(from, to) == 0 ? 0 : errno;
}

// Renames, never replacing. Network file systems often know no such rename: there, a second name is
// made, which does not replace either, and the first one is left to its owner to remove. Where a
// file has one name only, as on FAT, all that is left is to look before the rename: what appears in
// between is lost.
int rename_without_replacing(const char* from, const char* to) {
    if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
    if (::link(from, to) == 0) return 0;
    if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP && errno != EMLINK) return errno;
    struct stat found {};
    if (::lstat(to, &found) == 0) return EEXIST;
    return errno == ENOENT ? rename_replacing(from, to) : errno;
}

class UnnamedFile : public PendingFile {
  public:
    explicit UnnamedFile(detail::Descriptor descriptor) {
        descriptor_ = std::move(descriptor);
        reached_as_ = fmt::format("/proc/self/fd/{}", descriptor_.number());
    }

    /// linkat can only reach the file through /proc, unless one is root.
    [[nodiscard]] bool can_be_named() const { return ::access(reached_as_.c_str(), F_OK) == 0; }

    int publish(const std::filesystem::path& target, bool replace) override {
        const int taken = give_name(target.c_str());
        if (taken != EEXIST || !replace) return taken;
        // linkat never replaces, but a rename does: the file gets a hidden name for an instant.
        (void)lock_hidden_file(descriptor());  // free, because nobody else can reach the file
        HiddenName hidden(target.parent_path());
        if (const int code = give_name(hidden.path())) return code;
        return rename_replacing(hidden.path(), target.c_str());
    }

  private:
    int give_name(const char* path) {
        const int failed =
            ::linkat(AT_FDCWD, reached_as_.c_str(), AT_FDCWD, path, AT_SYMLINK_FOLLOW);
        return failed == 0 ? 0 : errno;
    }

    std::string reached_as_;
};

class HiddenFile : public PendingFile {
  public:
    HiddenFile(const std::filesystem::path& folder, mode_t mode) : hidden_(folder) {
        descriptor_ = detail::Descriptor(
            ::open(hidden_.path(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    }

    /// Whether someone took the file for a stale one before it was locked; it is gone then.
    [[nodiscard]] bool lost_before_locked() {
        if (!lock_hidden_file(descriptor()) && errno == EWOULDBLOCK) return true;
        struct stat found {};
        return ::fstat(descriptor(), &found) == 0 && found.st_nlink == 0;
    }

    int publish(const std::filesystem::path& target, bool replace) override {
        return (replace ? rename_replacing : rename_without_replacing)(hidden_.path(),
                                                                       target.c_str());
    }

  private:
    HiddenName hidden_;
};

}  // namespace

std::unique_ptr<PendingFile> make_unnamed_file(const std::filesystem::path& folder, mode_t mode) {
    const int number = uninterrupted(
        [&] { return ::open(folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, mode); });
    if (number < 0) return nullptr;
    auto file = std::make_unique<UnnamedFile>(detail::Descriptor(number));
    if (file->can_be_named()) return file;
    errno = EOPNOTSUPP;
    return nullptr;
}

std::unique_ptr<PendingFile> make_hidden_file(const std::filesystem::path& folder, mode_t mode) {
    while (true) {
        auto file = std::make_unique<HiddenFile>(folder, mode);
        if (const int code = errno; file->descriptor() < 0) {
            file.reset();
            errno = code;
            return nullptr;
        }
        if (!file->lost_before_locked()) return file;
    }
}

}  // namespace satchel
