// Processes that are a part of a cluster.
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/serve.hpp>

#include "base/descriptor_limit.hpp"
#include "base/longest_wait.hpp"
#include "cluster/scheduler_server.hpp"
#include "cluster/worker_host.hpp"
#include "cluster/worker_process.hpp"
#include "cluster/worker_server.hpp"
#include "net/connection_file.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel {
namespace {

using cluster::StopSignals;

// The file is there as long as the scheduler is, unless another one has replaced it.
class PublishedFile {
  public:
    PublishedFile(std::filesystem::path path, net::ConnectionFile content)
        : path_(std::move(path)), content_(std::move(content)) {
        net::write_connection_file(path_, content_);
    }
    PublishedFile(const PublishedFile&) = delete;
    PublishedFile& operator=(const PublishedFile&) = delete;
    ~PublishedFile() {
        if (!is_ours()) return;
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

  private:
    [[nodiscard]] bool is_ours() const noexcept {
        try {
            return net::read_connection_file(path_) == content_;
        } catch (const std::exception&) {
            return false;  // is gone, or was tampered with
        }
    }

    std::filesystem::path path_;
    net::ConnectionFile content_;
};

// Ends the process when the scheduler was idle for long enough.
class IdleWatch {
  public:
    IdleWatch(net::EventLoop& loop, const cluster::SchedulerServer& server,
              std::chrono::milliseconds limit)
        : server_(server), limit_(limit), timer_(loop) {
        if (limit.count() > 0) loop.call([&] { look_in(limit_); });
    }

  private:
    void look_in(std::chrono::nanoseconds delay) {
        timer_.start(delay, [this] {
            const std::chrono::nanoseconds idle(server_.idle_for());
            if (idle >= limit_) return StopSignals::stop();
            look_in(limit_ - idle);
        });
    }

    const cluster::SchedulerServer& server_;
    std::chrono::nanoseconds limit_;
    net::Timer timer_;
};

detail::ClusterAccess access_of(const ServeWorkerOptions& options) {
    const auto file = net::read_connection_file(options.connection_file);
    if (!options.address.empty()) return {net::Address::parse(options.address), file.credentials};
    return {file.addresses.front(), file.credentials};
}

void check(const ServeWorkerOptions& options) {
    constexpr std::int64_t most = 4096;
    if (options.nworkers >= 1 && options.nworkers <= most && options.nthreads >= 0 &&
        options.nthreads <= most) {
        return;
    }
    throw InvalidArgument(
        fmt::format("{} workers of {} threads were asked for; there can be 1 to {} of each",
                    options.nworkers, options.nthreads, most));
}

// Waits for a signal, or for a failure that a loop's thread has told.
class Ending {
  public:
    void fail(const std::string& reason) {
        {
            const std::lock_guard lock(mutex_);
            failure_ = reason;
        }
        StopSignals::stop();
    }
    void wait() { signals_.wait(); }
    [[nodiscard]] int report() {
        const std::lock_guard lock(mutex_);
        if (failure_.empty()) return 0;
        fmt::print(stderr, "satchel worker: {}\n", failure_);
        return 1;
    }

  private:
    StopSignals signals_;
    std::mutex mutex_;
    std::string failure_;
};

// In containers, processes of different computers often have the same number.
std::string default_name() {
    std::array<char, HOST_NAME_MAX + 1> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    return fmt::format("{}-{}", host[0] == '\0' ? "worker" : host.data(), ::getpid());
}

int serve_here(const cluster::WorkerParameters& parameters) {
    Ending ending;
    net::EventLoop loop;
    cluster::WorkerServer server(loop, {.scheduler = parameters.access.scheduler,
                                        .credentials = parameters.access.credentials,
                                        .name = parameters.name,
                                        .threads = parameters.threads,
                                        .memory_limit = parameters.memory_limit,
                                        .is_whole_process = true,
                                        .death_timeout = parameters.death_timeout,
                                        .ended = [&](const cluster::WorkerServerEnd& end) {
                                            ending.fail(end.planned ? std::string() : end.reason);
                                        }});
    ending.wait();
    server.say_goodbye();
    const int code = ending.report();
    if (server.is_busy()) {  // it would be waited for, perhaps for ever
        loop.stop();
        std::fflush(stdout);
        ::_exit(code);
    }
    return code;
}

int serve_processes(const cluster::WorkerParameters& parameters, std::int64_t count) {
    Ending ending;
    net::EventLoop loop;
    cluster::WorkerHost host(loop, parameters,
                             [&](const std::string& failure) { ending.fail(failure); });
    loop.call([&] {
        for (std::int64_t k = 0; k < count; ++k) {
            host.add(count == 1 ? parameters.name : fmt::format("{}-{}", parameters.name, k));
        }
    });
    ending.wait();
    const bool are_left = loop.call([&] {
        host.stop();
        return !host.is_over();
    });
    if (are_left) ending.wait();
    return ending.report();
}

}  // namespace

std::chrono::milliseconds parse_timeout(std::string_view text) {
    const std::chrono::duration<double> time(parse_duration(text));
    if (time <= detail::longest_wait) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(time);
    }
    throw InvalidArgument(fmt::format(
        "cannot wait for '{}': a hundred years are the most that can be waited for", text));
}

std::filesystem::path default_connection_file() {
    if (const auto* folder = std::getenv("XDG_RUNTIME_DIR"); folder != nullptr && *folder != 0) {
        return std::filesystem::path(folder) / "satchel.json";
    }
    const auto* home = std::getenv("HOME");
    return std::filesystem::path(home == nullptr ? "." : home) / ".satchel.json";
}

int serve_scheduler(const ServeSchedulerOptions& options) {
    if (options.port < 0 || options.port > UINT16_MAX) {
        throw InvalidArgument(fmt::format("there is no port {}", options.port));
    }
    detail::raise_descriptor_limit(detail::many_descriptors);
    StopSignals signals;
    const auto credentials = net::Credentials::generate();
    net::EventLoop loop;
    const cluster::SchedulerServer server(loop,
                                          {.credentials = credentials,
                                           .listen = {{net::Address::Scheme::tcp, options.host,
                                                       static_cast<std::uint16_t>(options.port)}},
                                           .shutdown = [] { StopSignals::stop(); }});
    const PublishedFile file(options.connection_file, {server.addresses(), credentials});
    const IdleWatch idle(loop, server, options.idle_timeout);
    fmt::print("Scheduler at: {}\n", server.addresses().front().text());
    std::fflush(stdout);
    signals.wait();
    return 0;
}

int serve_worker(const ServeWorkerOptions& options) {
    check(options);
    detail::raise_descriptor_limit(detail::many_descriptors);
    const auto processors = default_concurrency();
    const auto threads = options.nthreads > 0
                             ? options.nthreads
                             : std::max<std::int64_t>(1, processors / options.nworkers);
    const cluster::WorkerParameters parameters{
        .access = access_of(options),
        .name = options.name.empty() ? default_name() : options.name,
        .threads = threads,
        .memory_limit = options.memory_limit.bytes(threads),
        .death_timeout = options.death_timeout};
    if (!options.nanny && options.nworkers > 1) {
        throw InvalidArgument(
            "several workers in one process were asked for; only with nannies "
            "can there be several");
    }
    return options.nanny ? serve_processes(parameters, options.nworkers) : serve_here(parameters);
}

}  // namespace satchel
