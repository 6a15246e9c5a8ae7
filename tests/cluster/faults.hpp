// What tasks tell of themselves through a pipe, and a handle on processes that are not children.
#pragma once

#include "base/file_descriptor.hpp"

#include <string>
#include <vector>

#include <sys/types.h>

namespace satchel_tests {

/// Writes the number of this process, as a line.
void announce(const std::string& pipe);

/// A task: announces itself, runs until it is told to stop, and announces that.
int announce_until_stopped(const std::string& pipe);

/// A process whose end can be waited for.
class Process {
  public:
    explicit Process(pid_t pid);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] pid_t parent() const;
    void send(int signal) const;
    void wait_for_end() const;
    [[nodiscard]] bool has_ended() const;

  private:
    pid_t pid_;
    satchel::detail::FileDescriptor file_;
};

/// This program in another role. It is killed with the object, at the latest.
class Program {
  public:
    explicit Program(std::vector<std::string> arguments);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() { kill(); }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// With SIGKILL; waits for the end.
    void kill();

  private:
    pid_t pid_ = -1;
};

}  // namespace satchel_tests
