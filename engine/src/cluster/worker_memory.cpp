// Looking at the memory of a worker.
#include "cluster/worker_memory.hpp"

#include <satchel/error.hpp>
#include <satchel/log.hpp>
#include <satchel/units.hpp>

#include "base/spill.hpp"
#include "process/memory_use.hpp"

#include <utility>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

namespace satchel::cluster {

void WorkerMemory::watch(const std::string& name) {
    if (limit_ <= 0) return;
    name_ = name;
    detail::SpillSpace::fit_into(limit_);
    look();
}

void WorkerMemory::forget() {
    watch_ = {};
    received_bytes_ = 0;
    arrived_.clear();
}

// Results that are kept may fill the memory, and more tasks would make more of them.
void WorkerMemory::look() {
    timer_.start(interval_, [this] { look(); });
    received_bytes_ = 0;
    const auto limit = static_cast<double>(limit_);
    const auto part_in_use = [&] {
        return static_cast<double>(process::memory_in_use(::getpid())) / limit;
    };
    auto used = part_in_use();
    if (used > process::set_aside_at) {  // what was freed is given back first, as else it counts
        ::malloc_trim(0);
        used = part_in_use();
    }
    const auto change = watch_.look(used, handlers_.is_idle());
    if (watch_.is_tight()) {
        set_aside_arrived();
    } else {
        std::erase_if(arrived_, [](const auto& value) { return value.expired(); });
    }
    if (change.text != nullptr) {
        log_warning(
            "worker",
            fmt::format("the worker '{}' uses {:.0f} % of its memory limit of {}: {}", name_,
                        100 * used, format_bytes(static_cast<std::uint64_t>(limit_)), change.text));
    }
    if (change.pauses_or_goes_on) handlers_.pause(watch_.is_paused());
}

void WorkerMemory::note_arrival(const std::shared_ptr<StoredValue>& value) {
    if (limit_ <= 0 || value->nbytes() < StoredValue::aside_min) return;
    received_bytes_ += value->nbytes();
    arrived_.push_back(value);
}

void WorkerMemory::look_at_arrivals() {
    if (received_bytes_ > limit_ / 32) look();
}

void WorkerMemory::set_aside_arrived() {
    if (arrived_.empty()) return;
    helper_.post([arrived = std::exchange(arrived_, {}), name = name_] {
        try {
            for (const auto& value : arrived) {
                if (const auto held = value.lock()) held->set_aside();
            }
        } catch (const FileError& error) {
            log_warning("worker", fmt::format("the worker '{}': {}", name, error.what()));
        }
    });
}

}  // namespace satchel::cluster
