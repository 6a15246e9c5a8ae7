// Child: a process that this one has started, as a worker.
//
//     auto child = Child::spawn({.arguments = {"--nthreads", "2"}}, parameters);
//     ... child.end_file() becomes readable ...
//     fmt::print("{}\n", child.reap().describe());
//
// The child is a fresh process: default signals, no open file but the standard ones and the
// channel, a process group of its own, so that Ctrl-C reaches the program alone, which then stops
// its workers in its own way. It ends with this process, however that ends: the channel closes, and
// the system kills it besides, which even works while it is stopped. The latter also happens when
// the *thread* that spawned it ends: spawn in a thread that lives as long as the child should.
#pragma once

#include <satchel/bytes.hpp>

#include "base/file_descriptor.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace satchel::process {

struct Command {
    /// This program itself, also when its file has been replaced meanwhile.
    std::string program = "/proc/self/exe";
    /// Those after `--satchel-worker`.
    std::vector<std::string> arguments = {};
    /// As "NAME=value", in addition to this process's own.
    std::vector<std::string> environment = {};
};

/// How a process has ended.
struct ExitStatus {
    int code = 0;
    int signal = 0;  ///< 0: it exited by itself, with `code`

    /// "exited with code 3", "was ended by signal 11 (Segmentation fault)".
    [[nodiscard]] std::string describe() const;
};

/// Parameters fit into what the system buffers, so that nobody waits for a child that never reads.
inline constexpr std::size_t max_parameters = std::size_t{64} << 10;

/// What a child writes to the channel when it has called `satchel::init`, and when it has come so
/// far that it can do what it is for.
inline constexpr std::byte ready_byte{'R'};
inline constexpr std::byte joined_byte{'J'};

class Child {
  public:
    /// Returns when the program has been started. Throws Error if it cannot be, and if this process
    /// should itself be a worker and forgot `satchel::init`.
    [[nodiscard]] static Child spawn(const Command& command, const Bytes& parameters);

    Child(Child&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)),
          end_file_(std::move(other.end_file_)),
          channel_(std::move(other.channel_)),
          log_(std::move(other.log_)) {}
    Child& operator=(Child&&) = delete;
    /// Kills it if it has not been reaped.
    ~Child();

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Readable when the process has ended.
    [[nodiscard]] int end_file() const { return end_file_.get(); }
    /// Readable when it has called `satchel::init`, `ready_byte`, and then, `joined_byte`.
    [[nodiscard]] int channel() const { return channel_.get(); }
    /// What it writes to its standard error output; does not block.
    [[nodiscard]] int log() const { return log_.get(); }

    void send_signal(int signal) const;
    /// Kills it and what it has started in turn.
    void kill() const;

    /// Waits for its end, and kills what it has started and left behind.
    [[nodiscard]] ExitStatus reap();

  private:
    Child() = default;

    pid_t pid_ = -1;
    detail::FileDescriptor end_file_;
    detail::FileDescriptor channel_;
    detail::FileDescriptor log_;
};

}  // namespace satchel::process
