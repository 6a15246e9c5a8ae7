// The scheduler's side of a simulated cluster, and the network.
#include "simulation/world.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace satchel::simulation {
namespace {

// Short enough that most lives see it pass, long enough that not every slow message ends one.
constexpr Time time_to_live = 200 * millisecond;
constexpr Time heartbeat_interval = 20 * millisecond;
constexpr Time faults_end = 1'000 * millisecond;
// After the faults have ended, everything must be done within this.
constexpr Time patience = 60'000 * millisecond;
// A life has some thousand events; one that has so many goes round in circles.
constexpr std::uint64_t steps_max = 1'000'000;

std::uint64_t hash_of(const char* text) {
    std::uint64_t hash = 0;
    for (; *text != '\0'; ++text) hash = mix(hash, static_cast<std::uint64_t>(*text));
    return hash;
}

}  // namespace

World::World(std::uint64_t seed)
    : random_(seed),
      faults_(Faults::draw(random_)),
      workload_(mix(seed, 3)),
      scheduler_({.heartbeat_interval = heartbeat_interval, .time_to_live = time_to_live}, faults_),
      nodes_(static_cast<std::size_t>(random_(1, 5))),
      clients_(static_cast<std::size_t>(random_(1, 3))) {
    workload_.with_errors = faults_.errors;
    workload_.with_deadly = faults_.deadly;
}

void World::note(const char* what, std::uint64_t a, std::uint64_t b) {
    trace_ =
        mix(trace_, mix(hash_of(what), mix(static_cast<std::uint64_t>(agenda_.now()), mix(a, b))));
    sightings_.saw(what);
    if (tells) fmt::print("{:>10} us  {} {} {}\n", agenda_.now() / microsecond, what, a, b);
}

Time World::delay() {
    if (!calm_ && random_.chance(faults_.slow)) return random_(1 * millisecond, 60 * millisecond);
    return random_(20 * microsecond, 200 * microsecond);
}

void World::run() {
    for (std::size_t k = 0; k < nodes_.size(); ++k) boot(k, random_(0, 5 * millisecond));
    for (std::size_t k = 0; k < clients_.size(); ++k) {
        agenda_.after(random_(0, 10 * millisecond), [this, k] { connect_client(k); });
    }
    agenda_.after(heartbeat_interval, [this] { tick(); });
    while (agenda_.now() < faults_end) agenda_.step();
    calm_ = true;
    cuts_.clear();
    // Those that left come back; one that is still leaving must end by itself.
    for (std::size_t k = 0; k < nodes_.size(); ++k) {
        if (nodes_[k].gone) boot(k, random_(0, 50 * millisecond));
    }
    while (!is_satisfied()) {
        const bool is_late = agenda_.now() > faults_end + patience;
        if (is_late || agenda_.steps() > steps_max) report_pending();
        agenda_.step();
    }
    check_executions();
    release_everything();
    const auto end = agenda_.now() + 3 * time_to_live + 100 * millisecond;
    while (agenda_.now() < end) agenda_.step();
    require_empty();
}

// Hands something to the scheduler, in order; not if the connection ends before it arrives.
void World::to_scheduler(const LinkPtr& link, std::function<void()> deliver) {
    if (!link->open_here || link->silent) return;
    link->last_to = std::max(link->last_to, agenda_.now() + delay());
    agenda_.at(link->last_to, [this, link, deliver = std::move(deliver)] {
        if (!link->open_there) return;
        deliver();
        after_scheduler_event();
    });
}

void World::from_scheduler(const LinkPtr& link, std::function<void()> deliver) {
    if (!link->open_there || link->silent) return;
    link->last_from = std::max(link->last_from, agenda_.now() + delay());
    agenda_.at(link->last_from, [link, deliver = std::move(deliver)] {
        if (link->open_here) deliver();
    });
}

// Sometimes the scheduler handles several messages before it answers any.
void World::after_scheduler_event() {
    scheduler_.check();
    if (flush_pending_) return;
    if (random_.chance(700)) return flush_scheduler();
    flush_pending_ = true;
    agenda_.after(random_(0, 300 * microsecond), [this] {
        flush_pending_ = false;
        flush_scheduler();
    });
}

void World::flush_scheduler() {
    auto out = scheduler_.take();
    for (auto& batch : out.workers) send_to_worker(std::move(batch));
    for (auto& batch : out.clients) {
        const auto found = client_links_.find(batch.client);
        if (found == client_links_.end()) continue;
        for (auto& message : batch.messages) {
            from_scheduler(found->second,
                           [this, client = found->second->owner, message = std::move(message)] {
                               on_client(client, message);
                           });
        }
    }
    for (const auto& disconnect : out.disconnects) {
        note("disconnect", disconnect.worker.worker, disconnect.worker.incarnation);
        const auto found = worker_links_.find(disconnect.worker);
        if (found == worker_links_.end()) continue;
        found->second->open_there = false;
        finish_link(found->second, false, random_(1 * millisecond, 100 * millisecond));
        worker_links_.erase(found);
    }
    for (const auto& [worker, link] : worker_links_) {
        require(scheduler_.knows(worker), "who is taken for dead is disconnected");
    }
}

void World::send_to_worker(WorkerBatch batch) {
    const auto found = worker_links_.find(batch.to);
    if (found == worker_links_.end()) return;
    const bool may_lose = std::ranges::all_of(batch.messages, [](const ToWorker& message) {
        return std::holds_alternative<ComputeTasks>(message) ||
               std::holds_alternative<ReleaseTasks>(message);
    });
    if (may_lose && !calm_ && random_.chance(faults_.lose)) return note("lost a batch");
    const auto node = found->second->owner;
    const auto life = nodes_[node].life;
    from_scheduler(found->second, [this, node, life, batch = std::move(batch)] {
        if (nodes_[node].life != life) return;
        on_node(node, 0, [this, node, batch] {
            note("batch", node, batch.sequence);
            for (const auto& message : batch.messages) {
                const auto* compute = std::get_if<ComputeTasks>(&message);
                if (compute == nullptr) continue;
                for (const auto& task : compute->tasks) {
                    nodes_[node].expected[task.task] = task.expected;
                    if (task.alone) nodes_[node].alone.insert(task.task);
                    if (task.alone) note("shall be alone");
                }
            }
            nodes_[node].machine->handle(batch);
            drain(node);
        });
    });
}

// The end of a connection is seen at the other side, if it was not silent, some time later.
void World::finish_link(const LinkPtr& link, bool planned, Time notice) {
    const auto node = link->owner;
    const auto life = nodes_[node].life;
    if (link->open_there) {
        agenda_.at(std::max(link->last_to, agenda_.now()) + notice, [this, link, planned] {
            if (!std::exchange(link->open_there, false)) return;
            note("worker lost", link->worker.worker, link->worker.incarnation);
            worker_links_.erase(link->worker);
            scheduler_.remove_worker(link->worker, {.planned = planned, .executing = link->running},
                                     agenda_.now());
            after_scheduler_event();
        });
        return;
    }
    on_node(node, notice, [this, node, life] {
        if (nodes_[node].life == life) end_life(node, false);
    });
}

void World::tick() {
    scheduler_.tick(agenda_.now());
    note_what_leaves();
    after_scheduler_event();
    agenda_.after(heartbeat_interval, [this] { tick(); });
}

// With the last worker goes what it has, and what it waits for.
void World::note_what_leaves() {
    const auto& workers = scheduler_.workers();
    if (std::ranges::any_of(workers, &scheduler::Worker::stays)) return;
    const auto& tasks = scheduler_.tasks();
    for (WorkerId worker = 0; worker < workers.size(); ++worker) {
        if (!workers[worker].closing) continue;
        for (TaskId task = 0; task < tasks.size(); ++task) {
            const auto state = tasks[task].state;
            const bool leaves =
                state == scheduler::TaskState::processing
                    ? tasks[task].worker == worker
                    : state == scheduler::TaskState::memory && tasks.has_holder(task, worker);
            if (leaves) left_.insert(tasks.key_of(task));
        }
    }
}

}  // namespace satchel::simulation
