// How many threads or workers there may be, and where a cluster is.
#include "workforce.hpp"

#include <satchel/detail/signals_blocked.hpp>
#include <satchel/detail/usable_memory.hpp>
#include <satchel/serve.hpp>
#include <satchel/units.hpp>

#include "source.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

// What a process needs besides, for its code, its stacks and the allocator's reserves.
constexpr std::int64_t program_memory = std::int64_t{24} << 20;

// Of a thread: nobody expects it, so it is said.
constexpr std::int64_t much_memory = std::int64_t{256} << 20;

// Only compression is worth sending elsewhere: what decoding gives would all have to come back.
bool uses_workers(const CompressorOptions& options) {
    return options.mode == Mode::compress && options.workers.has_value();
}

// 0: nobody said how many.
std::int64_t said_threads(const CompressorOptions& options) {
    return options.workers.value_or(options.threads);
}

std::int64_t wanted_threads(const CompressorOptions& options) {
    const auto said = said_threads(options);
    return said == 0 ? default_concurrency() : said;
}

// What compressing takes. Two chunks for each thread, and two more, are under way (see stream.hpp),
// as they were read or as they are to be written; what a thread makes of its own comes on top. A
// worker has both of them, besides the two in this process.
struct MemoryNeed {
    std::int64_t a_thread = 0;
    std::int64_t fixed = 0;

    [[nodiscard]] std::int64_t one_thread() const { return a_thread + fixed; }
};

MemoryNeed memory_need(const CompressorOptions& options) {
    const auto resolved = options.codec->resolve(options.compress);
    const auto codec = static_cast<std::int64_t>(options.codec->compress_memory(resolved));
    const auto chunk = resolved.chunk_size + resolved.chunk_size / 8;  // as Buffer rounds it up
    const bool workers = uses_workers(options);
    return {.a_thread = codec + (workers ? 4 * chunk + program_memory : 3 * chunk),
            .fixed = 2 * chunk + program_memory};
}

// Where nobody says anything, half of what there is: others want some, too.
std::int64_t memory_limit(const CompressorOptions& options) {
    if (options.memory != 0) return options.memory;
    return said_threads(options) == 0 ? detail::usable_memory() / 2
                                      : std::numeric_limits<std::int64_t>::max();
}

std::int64_t affordable_threads(const CompressorOptions& options) {
    const auto wanted = wanted_threads(options);
    if (options.mode != Mode::compress) return wanted;
    const auto need = memory_need(options);
    if (options.memory != 0 && options.memory < need.one_thread()) {
        throw Refusal(fmt::format(
            "one thread needs {} at this level and chunk size, which is more than --memory allows",
            format_bytes(static_cast<std::uint64_t>(need.one_thread()))));
    }
    const auto affordable = (memory_limit(options) - need.fixed) / need.a_thread;
    return std::clamp<std::int64_t>(affordable, 1, wanted);
}

}  // namespace

std::uint64_t decoder_memory(const CompressorOptions& options) {
    if (options.memory == 0) return 0;
    if (options.memory > program_memory) {
        return static_cast<std::uint64_t>(options.memory - program_memory);
    }
    throw Refusal(fmt::format("satchel itself takes {}, and --memory allows no more",
                              format_bytes(static_cast<std::uint64_t>(program_memory))));
}

namespace {

// What names a file is one, also if it could be read as an address.
bool is_address(const std::string& place) {
    if (place.find("://") != std::string::npos) return true;
    return place.find(':') != std::string::npos && !std::filesystem::exists(place);
}

void connect(const std::string& place, std::optional<Client>& client) {
    const detail::SignalsBlocked blocked;
    if (is_address(place)) {
        const auto file = default_connection_file().string();
        if (!std::filesystem::exists(file)) {
            throw Refusal(fmt::format(
                "--cluster {}: the key to it is looked for in the connection file {}, which is not "
                "there; give the path of the scheduler's connection file in place of the address",
                place, file));
        }
        client.emplace(place, file);
    } else {
        client.emplace(place);
    }
}

}  // namespace

Workforce::Workforce(const CompressorOptions& options, const Messages& messages)
    : options_(options), messages_(messages) {
    if (options.cluster.empty() || options.mode != Mode::compress) return;
    connect(options.cluster, client_);
    const auto info = client_->scheduler_info();
    if (!info.workers.empty()) return;
    messages.remark(fmt::format("{} has no workers yet: waiting for one", info.address));
    client_->wait_for_workers(1);
}

const Executor& Workforce::executor() {
    if (!client_ && !pool_) start();
    if (client_) return *client_;
    return *pool_;
}

void Workforce::start() {
    const auto wanted = wanted_threads(options_);
    const auto count = affordable_threads(options_);
    if (count < wanted) {
        messages_.note(fmt::format("{} allows {} of {} {}",
                                   options_.memory == 0 ? "half the memory" : "--memory", count,
                                   wanted, uses_workers(options_) ? "workers" : "threads"));
    }
    if (options_.mode == Mode::compress && memory_need(options_).a_thread >= much_memory) {
        const auto text =
            fmt::format("each {} needs {} at this level and chunk size; --memory sets a limit",
                        uses_workers(options_) ? "worker" : "thread",
                        format_bytes(static_cast<std::uint64_t>(memory_need(options_).a_thread)));
        // Only people read it.
        ::isatty(STDERR_FILENO) == 1 ? messages_.remark(text) : messages_.note(text);
    }
    const detail::SignalsBlocked blocked;
    if (!uses_workers(options_)) {
        pool_.emplace(count);
        return;
    }
    cluster_.emplace(LocalClusterOptions{.n_workers = count, .threads_per_worker = 1});
    client_.emplace(*cluster_);
}

}  // namespace satchel::cli
