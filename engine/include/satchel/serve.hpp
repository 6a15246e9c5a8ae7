/// serve_scheduler, serve_worker: a process that is a part of a cluster, until it is told to end.
///
///     return satchel::serve_worker({.connection_file = "cluster.json", .nthreads = 4});
///
/// This is what `satchel scheduler` and `satchel worker` do. A program that begins with
/// `satchel::init` can be a worker for its own functions by the same call.
///
/// Thread safety: to be called in the main thread, before the program has others. SIGTERM and
/// SIGINT end the process in good order.
#pragma once

#include <satchel/local_cluster.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace satchel {

/// A time for the options below, as parse_duration() reads it: a hundred years at most, to which a
/// clock can still be added. Throws InvalidArgument.
[[nodiscard]] std::chrono::milliseconds parse_timeout(std::string_view text);

/// Where a scheduler tells how to connect to it, unless another place is given: satchel.json in
/// $XDG_RUNTIME_DIR, else .satchel.json in the home folder.
[[nodiscard]] std::filesystem::path default_connection_file();

struct ServeSchedulerOptions {
    std::string host = "127.0.0.1";
    std::int64_t port = 8786;  ///< 0: a free one
    std::filesystem::path connection_file = default_connection_file();
    /// Ends after so long without a client or a task; 0: never.
    std::chrono::milliseconds idle_timeout{0};
};

/// Runs a scheduler. Gives the exit code. Throws Error if it cannot begin.
int serve_scheduler(const ServeSchedulerOptions& options);

struct ServeWorkerOptions {
    std::string address = {};  ///< of the scheduler; empty: that of the connection file
    std::filesystem::path connection_file = default_connection_file();
    std::int64_t nthreads = 0;  ///< of each worker; 0: as many as fit this computer
    std::int64_t nworkers = 1;
    std::string name = {};  ///< empty: one that no other has
    MemoryLimit memory_limit = {};
    bool nanny = true;  ///< start a process for each worker, and another when it dies
    /// For how long to look for the scheduler.
    std::chrono::milliseconds death_timeout{60000};
};

/// Runs workers. Gives the exit code. Throws Error if they cannot begin.
int serve_worker(const ServeWorkerOptions& options);

}  // namespace satchel
