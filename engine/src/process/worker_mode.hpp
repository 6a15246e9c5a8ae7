// The worker's side of starting a process: what `satchel::init` does in a process that is a worker.
//
// A worker that another process of satchel started (rather than a person) has a channel to it: a
// socket, inherited by its number. Through it come the parameters, so that the secrets among them
// are seen by nobody else, and it ends when the parent does, however that ends: then the worker
// ends, too.
#pragma once

#include <satchel/bytes.hpp>

#include <string>
#include <vector>

namespace satchel::process {

/// What a worker process was started with.
struct WorkerStart {
    std::vector<std::string> arguments;  ///< those after --satchel-worker
    Bytes parameters;                    ///< from the parent
    int channel = -1;                    ///< to the parent, open until the end

    /// Whether another process started it, rather than a person, and is told and followed.
    [[nodiscard]] bool has_parent() const { return channel >= 0; }
    /// Tells the parent that this process can do what it is for. From any thread, once or more.
    void tell_joined() const;
};

/// What runs in a worker process. Its result is the exit code; an exception is reported, as code 1.
using WorkerMain = int (*)(const WorkerStart& start);

/// Another one than that of a cluster's worker. To be called before `satchel::init`.
void set_worker_main(WorkerMain worker_main);

/// What makes a process of the program a worker; the worker's own options follow it.
inline constexpr const char* worker_flag = "--satchel-worker";

/// Set in the environment of a process that should call `satchel::init` and has not yet.
inline constexpr const char* worker_variable = "SATCHEL_WORKER_PROCESS";

/// Followed by the number of the channel, as the next argument.
inline constexpr const char* channel_flag = "--satchel-channel=";

/// Throws Error if this process was started as a worker, and its main() went on without calling
/// `satchel::init`: if it started workers now, they would start more in turn.
void require_init();

}  // namespace satchel::process
