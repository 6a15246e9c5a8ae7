// Hidden names: what a file is called that is not finished, on file systems without unnamed files,
// and for the instant before it replaces another.
//
// Invariant: who made a hidden name holds an flock on its file for as long as the name exists, and
// the name tells on which computer that is. So a name of this computer whose lock is free is the
// leftover of a process that was killed, and whoever comes next may remove it. The locks of other
// computers are not seen on every shared file system: what they left goes when nobody has touched
// it for a day.
#pragma once

#include <filesystem>
#include <string>

namespace satchel {

/// A fresh hidden name in a folder. What carries it when the object is destroyed, or when
/// `remove_pending_files` is called, is removed; after a rename, nothing does.
class HiddenName {
  public:
    explicit HiddenName(const std::filesystem::path& folder);
    HiddenName(const HiddenName&) = delete;
    HiddenName& operator=(const HiddenName&) = delete;
    ~HiddenName();

    [[nodiscard]] const char* path() const noexcept { return path_.c_str(); }

  private:
    std::string path_;
    std::size_t slot_;
};

/// Tries to lock the file. On failure `errno` is EWOULDBLOCK if another process has it; other
/// values mean that this file system knows no locks, so that nothing will ever be taken for stale
/// there.
[[nodiscard]] bool lock_hidden_file(int descriptor) noexcept;

/// Removes what killed processes left in `folder`; looks at a folder once in the life of the
/// process. Does what it can and reports nothing: the leftovers are not in the way.
void remove_stale_files(const std::filesystem::path& folder) noexcept;

}  // namespace satchel
