// A file that is being written and has not got its name yet, in the two ways that there are.
#pragma once

#include <satchel/tasks/file.hpp>

#include "file/hidden_name.hpp"

#include <filesystem>
#include <memory>

namespace satchel {

/// Destroyed before it is published, it leaves nothing behind.
class PendingFile {
  public:
    virtual ~PendingFile() = default;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_.number(); }

    /// Gives the file the name `target`, in the folder that it was made in. Returns 0 or an errno:
    /// EEXIST if the name is taken and may not be replaced.
    [[nodiscard]] virtual int publish(const std::filesystem::path& target, bool replace) = 0;

  protected:
    detail::Descriptor descriptor_;
};

/// Without any name: not even SIGKILL leaves a trace. Null where the file system, or a system
/// without /proc, does not support it; throws nothing, sets `errno`.
[[nodiscard]] std::unique_ptr<PendingFile> make_unnamed_file(const std::filesystem::path& folder,
                                                             mode_t mode);

/// With a hidden name and a lock. Null on failure, and `errno` says which.
[[nodiscard]] std::unique_ptr<PendingFile> make_hidden_file(const std::filesystem::path& folder,
                                                            mode_t mode);

}  // namespace satchel
