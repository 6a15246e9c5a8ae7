// What the program says on the standard error, and the exit code that follows from it.
//
// One line a file: "satchel: FILE: what is wrong". The exit codes are gzip's: 1 after any error,
// else 2 after any warning, else 0.
#pragma once

#include <satchel/log.hpp>

#include <string_view>

namespace satchel::cli {

/// The exit codes of the compressor's commands.
enum class Exit { success = 0, error = 1, warning = 2 };

enum class Verbosity { quiet, normal, verbose };

/// Control characters, which could command the terminal, replaced by '?'.
using detail::masked;

/// Writes to the standard error, in one piece. Where that cannot be written, nobody is left to say
/// so to.
void tell(std::string_view text);

class Messages {
  public:
    explicit Messages(Verbosity verbosity) : verbosity_(verbosity) {}

    void error(std::string_view text);
    /// Not shown if quiet, but the exit code tells.
    void warning(std::string_view text);
    /// Not shown if quiet; the exit code does not tell.
    void remark(std::string_view text) const;
    /// Shown only if verbose.
    void note(std::string_view text) const;

    [[nodiscard]] Exit exit() const noexcept { return exit_; }

  private:
    Verbosity verbosity_;
    Exit exit_ = Exit::success;
};

}  // namespace satchel::cli
