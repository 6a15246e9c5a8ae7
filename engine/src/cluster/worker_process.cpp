// The worker's process.
#include "cluster/worker_process.hpp"

#include <satchel/archive.hpp>
#include <satchel/error.hpp>

#include "base/descriptor_limit.hpp"
#include "cluster/codec.hpp"
#include "cluster/worker_options.hpp"
#include "cluster/worker_server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace satchel::cluster {
namespace {

// The parameters as they go through the channel.
struct Letter {
    std::string scheduler;
    std::array<std::uint8_t, std::tuple_size_v<net::ClusterId>> cluster{};
    std::array<std::uint8_t, net::ClusterKey::size> key{};
    std::string name;
    std::int64_t threads = 1, memory_limit = 0, death_timeout = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& scheduler& cluster& key& name& threads& memory_limit& death_timeout;
    }
};

std::atomic<int> stop_event = -1;  // a handler of signals may read it

void copy_bytes(std::span<const std::byte> from, std::span<std::uint8_t> to) {
    std::ranges::copy(from, std::as_writable_bytes(to).begin());
}

}  // namespace

Bytes WorkerParameters::write() const {
    Letter letter{.scheduler = access.scheduler.text(),
                  .name = name,
                  .threads = threads,
                  .memory_limit = memory_limit,
                  .death_timeout = death_timeout.count()};
    copy_bytes(access.credentials.cluster, letter.cluster);
    copy_bytes(access.credentials.key.bytes(), letter.key);
    return pack(encode(letter));
}

WorkerParameters WorkerParameters::read(const Bytes& bytes) {
    const auto letter = decode<Letter>(unpack(bytes));
    WorkerParameters parameters{.access = {.scheduler = net::Address::parse(letter.scheduler)},
                                .name = letter.name,
                                .threads = letter.threads,
                                .memory_limit = letter.memory_limit,
                                .death_timeout = std::chrono::milliseconds(letter.death_timeout)};
    std::ranges::copy(std::as_bytes(std::span(letter.cluster)),
                      parameters.access.credentials.cluster.begin());
    parameters.access.credentials.key = net::ClusterKey(std::as_bytes(std::span(letter.key)));
    return parameters;
}

StopSignals::StopSignals(std::initializer_list<int> numbers) : end_(::eventfd(0, EFD_CLOEXEC)) {
    if (!end_) throw Error(fmt::format("cannot wait for signals: {}", std::strerror(errno)));
    stop_event = end_.get();
    struct sigaction action {};
    action.sa_handler = [](int) { stop(); };
    action.sa_flags = SA_RESTART;
    for (const int number : numbers) {
        struct sigaction before {};
        ::sigaction(number, &action, &before);
        before_.emplace_back(number, before);
    }
}

StopSignals::~StopSignals() {
    for (const auto& [number, before] : before_) ::sigaction(number, &before, nullptr);
    stop_event = -1;
}

void StopSignals::wait() {
    std::uint64_t count = 0;
    while (::read(end_.get(), &count, sizeof count) < 0 && errno == EINTR) {
    }
}

void StopSignals::stop() {
    const int error = errno;
    const std::uint64_t one = 1;
    if (::write(stop_event, &one, sizeof one) < 0) {
        // It is over already.
    }
    errno = error;
}

int worker_main(const process::WorkerStart& start) {
    if (!start.has_parent()) return serve_worker(read_worker_options(start.arguments));
    detail::raise_descriptor_limit(detail::many_descriptors);
    const auto parameters = WorkerParameters::read(start.parameters);
    // Ctrl-C in a terminal goes to all processes; the nanny then tells this one what to do.
    std::signal(SIGINT, SIG_IGN);
    StopSignals signals({SIGTERM});
    std::mutex mutex;
    std::string failure;
    int code = 0;
    net::EventLoop loop;
    WorkerServerOptions options{.scheduler = parameters.access.scheduler,
                                .credentials = parameters.access.credentials,
                                .name = parameters.name,
                                .threads = parameters.threads,
                                .memory_limit = parameters.memory_limit,
                                .is_whole_process = true,
                                .death_timeout = parameters.death_timeout,
                                .joined = [&start] { start.tell_joined(); }};
    options.ended = [&](const WorkerServerEnd& end) {
        const std::lock_guard lock(mutex);
        if (!end.planned) failure = end.reason;
        code = end.planned ? exit_when_told : exit_when_alone;
        StopSignals::stop();
    };
    WorkerServer server(loop, std::move(options));
    signals.wait();
    server.say_goodbye();
    loop.stop();
    const std::lock_guard lock(mutex);
    if (!failure.empty()) fmt::print(stderr, "satchel worker: {}\n", failure);
    std::fflush(stdout);
    // Tasks may be running, and need what destructors would take from them.
    ::_exit(code);
}

}  // namespace satchel::cluster
