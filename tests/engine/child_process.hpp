// Another process of this test program, to run tasks in: what a cluster does, without one.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/function.hpp>
#include <satchel/value.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace satchel::testing {

/// Sends and receives objects over a pipe or a socket.
class Channel {
  public:
    Channel(int input, int output) : input_(input), output_(output) {}
    void send(const Encoded& message) const;
    /// False at the end.
    bool receive(Encoded& message) const;

  private:
    int input_;
    int output_;
};

/// A function and what it is to be called with, as it travels.
struct RemoteCall {
    Function function;
    std::vector<Value> inputs;
    std::uint32_t index;
};
/// What came of it.
struct RemoteResult {
    Value value;
    std::string error;
};

/// Serves calls until the channel ends.
void serve_calls(const Channel& channel);

/// A child process that serves calls.
class ChildProcess {
  public:
    /// Starts `program` with `arguments`; it has the channel as its standard input and output.
    ChildProcess(const std::string& program, std::vector<std::string> arguments);
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    /// Throws Error with the text of what the call threw there.
    [[nodiscard]] Value call(const Encoded& call) const;

  private:
    pid_t child_ = -1;
    int to_child_ = -1;
    int from_child_ = -1;
};

}  // namespace satchel::testing
