/// LocalCluster: a scheduler and workers on this computer, for this program.
///
///     int main(int argc, char** argv) {
///         satchel::init(argc, argv);               // the workers are this program, started again
///         satchel::LocalCluster cluster({.n_workers = 4, .threads_per_worker = 2,
///                                        .memory_limit = 4_GB});
///         satchel::Client client(cluster);
///
/// Each worker is a process under a nanny, which starts another one when it dies. Nothing outlives
/// the cluster, nor the program, however that ends.
///
/// Thread safety: everything may be called from any thread, but for the constructor and the
/// destructor.
#pragma once

#include <satchel/units.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace satchel {

namespace detail {
struct ClusterAccess;
}

/// How much memory a worker may use: bytes, a text as parse_bytes() reads it, or "auto": its share
/// of what this computer has, by its threads. 0 is no limit.
class MemoryLimit {
  public:
    MemoryLimit() = default;
    MemoryLimit(std::int64_t bytes);  // NOLINT(google-explicit-constructor)
    template <std::integral T>
    MemoryLimit(T bytes)  // NOLINT(google-explicit-constructor)
        : MemoryLimit(static_cast<std::int64_t>(bytes)) {}
    MemoryLimit(std::string_view text);  // NOLINT(google-explicit-constructor)
    MemoryLimit(const char* text) : MemoryLimit(std::string_view(text)) {}         // NOLINT
    MemoryLimit(const std::string& text) : MemoryLimit(std::string_view(text)) {}  // NOLINT

    /// The bytes for a worker with so many threads.
    [[nodiscard]] std::int64_t bytes(std::int64_t threads) const;

  private:
    static constexpr std::int64_t automatic = -1;
    std::int64_t bytes_ = automatic;
};

struct LocalClusterOptions {
    std::int64_t n_workers = 0;           ///< 0: as many as fit this computer
    std::int64_t threads_per_worker = 0;  ///< 0: as many as fit this computer
    MemoryLimit memory_limit = {};        ///< of each worker
    /// false: the workers are threads of this process. Then a task that crashes ends the program.
    bool processes = true;
};

class LocalCluster {
  public:
    /// Returns when all workers are there. Throws InvalidArgument for options that make no sense,
    /// Error if workers cannot be started.
    explicit LocalCluster(const LocalClusterOptions& options = {});
    LocalCluster(const LocalCluster&) = delete;
    LocalCluster& operator=(const LocalCluster&) = delete;
    ~LocalCluster();

    /// Starts workers, or lets the newest end when others have their results, until there are `n`.
    /// Returns at once. Throws InvalidArgument if `n` makes no sense, or after close().
    void scale(std::int64_t n);

    /// Ends all processes. Clients that still wait for something fail.
    void close();

    /// Of the scheduler: "tcp://127.0.0.1:41233".
    [[nodiscard]] std::string address() const;

    /// For the library: what a client needs to connect.
    [[nodiscard]] const detail::ClusterAccess& access() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace satchel
