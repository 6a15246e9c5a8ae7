// Who takes part: what the scheduler keeps for each worker and each client.
#pragma once

#include "messages/client_messages.hpp"
#include "messages/names.hpp"
#include "messages/worker_messages.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace satchel::scheduler {

/// One worker, or a place for one.
struct Worker {
    /// Whether it was told of a layer; perhaps, if the message may have been lost.
    enum class Told : std::uint8_t { no, perhaps, yes };

    /// A task that it was told to compute.
    struct Processing {
        TaskId task;
        bool seceded;
        Nanoseconds expected;
        std::int64_t expected_bytes;
        bool alone = false;          ///< nothing else is executed meanwhile
        std::uint64_t reported = 0;  ///< the last report of what is executed that names it
        Nanoseconds began = 0;       ///< when the first of these in a row came
    };

    bool alive = false;
    bool retiring = false;  ///< gets no more tasks; is closed when it is of no more use
    bool closing = false;   ///< was told to end
    bool paused = false;    ///< has no memory for more tasks
    std::uint32_t incarnation = 0;
    std::string name, address;
    std::uint32_t threads = 1;
    std::int64_t memory_limit = 0;
    std::vector<Processing> processing;
    std::uint32_t seceded = 0;           ///< of them, how many need no thread
    std::uint32_t following = 0;         ///< tasks that it was told to go on with
    std::uint32_t alone = 0;             ///< of the others, how many are executed alone
    Nanoseconds occupancy = 0;           ///< how long the others will take, all together
    std::uint32_t of_tasks = 0;          ///< how many of these others tasks have asked for …
    Nanoseconds of_tasks_occupancy = 0;  ///< … and how long they will take
    std::int64_t expected_bytes = 0;     ///< how large their results will be
    std::uint64_t assigned_digest = 0, held_digest = 0;
    std::int64_t held = 0, held_bytes = 0;
    std::vector<Told> layers;
    std::vector<TaskRef> executing;  ///< what it was doing when it last said so
    std::uint64_t reports = 1;       ///< of that; one more than there were
    Nanoseconds last_seen = 0;
    std::uint64_t sent = 0;         ///< batches
    std::uint64_t sent_before = 0;  ///< how many when it last gave a sign of life
    WorkerMetrics metrics;
    std::vector<ToWorker> outbox;

    [[nodiscard]] bool stays() const noexcept { return alive && !retiring; }
    [[nodiscard]] bool takes_tasks() const noexcept { return stays() && !paused; }
    /// How many tasks it executes at a time.
    [[nodiscard]] std::uint32_t places() const noexcept { return alone > 0 ? 1 : threads; }
    [[nodiscard]] std::uint32_t busy() const noexcept {
        return static_cast<std::uint32_t>(processing.size()) - seceded;
    }
};

/// One client.
struct Client {
    /// A graph of which it wants to know how far it has come.
    struct Watched {
        std::uint32_t layers = 0;
        std::uint64_t finished = 0, told = 0;
    };

    bool is_task = false;      ///< it is what the tasks on a worker share
    std::vector<bool> wanted;  ///< by number of task
    std::uint64_t wants = 0;
    std::map<std::uint64_t, Watched> watched;  ///< by its numbers
    std::vector<ToClient> outbox;

    [[nodiscard]] bool wants_task(TaskId task) const {
        return task < wanted.size() && wanted[task];
    }
};

/// The last message of an outbox if it is of type `Message`, else a new one: what belongs together
/// travels together, and nothing overtakes.
template <class Message, class Variant>
Message& last_in(std::vector<Variant>& outbox) {
    if (outbox.empty() || !std::holds_alternative<Message>(outbox.back())) {
        outbox.emplace_back(Message{});
    }
    return std::get<Message>(outbox.back());
}

}  // namespace satchel::scheduler
