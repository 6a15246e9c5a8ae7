// A scheduler that is watched. Its own check() sees whether it agrees with itself; this compares
// what it does and says with what must follow from each event.
#pragma once

#include "scheduler/scheduler.hpp"
#include "simulation/client_promises.hpp"
#include "simulation/faults.hpp"
#include "simulation/suspects.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace satchel::simulation {

class CheckedScheduler {
  public:
    CheckedScheduler(const scheduler::Options& options, const Faults& faults)
        : machine_(options), faults_(faults), time_to_live_(options.time_to_live) {}

    WorkerRef add_worker(const RegisterWorker& worker, Time now);
    void remove_worker(WorkerRef worker, const scheduler::WorkerDeath& death, Time now);
    void retire_worker(WorkerRef worker);
    ClientId add_client(bool is_task);
    void remove_client(ClientId client);
    void handle(WorkerRef from, const FromWorker& report, Time now);
    /// REQUIRES: of a release or another try, that what was to be said before was taken.
    void handle(ClientId from, FromClient&& request, Time now);
    void tick(Time now);
    [[nodiscard]] scheduler::Instructions take();

    /// To be called after each event.
    void check();

    /// A worker begins a call, which the scheduler may not hear of.
    void begins(WorkerRef worker, const Key& key) { suspects_.begins(worker, key); }
    /// How often a task has thrown, or data could not be sent, since it finished last or was to be
    /// tried again.
    [[nodiscard]] std::uint32_t exceptions(const Key& key) const;
    /// A worker to which nothing is under way gives a sign of life, with `seceded` calls that have
    /// no thread: both sides believe the same. An Inventory must not hide a difference that ought
    /// not to be.
    void require_agreement(WorkerRef from, const Heartbeat& beat, std::uint32_t seceded) const;
    /// When nobody wants anything any more, and all that was under way has arrived.
    void require_empty() const;

    [[nodiscard]] const std::vector<scheduler::Worker>& workers() const noexcept {
        return machine_.workers();
    }
    [[nodiscard]] const scheduler::TaskTable& tasks() const noexcept { return machine_.tasks(); }
    [[nodiscard]] bool knows(WorkerRef worker) const;

  private:
    using Standing = std::pair<scheduler::TaskState, std::uint32_t>;

    [[nodiscard]] Standing standing_of(TaskId task) const;
    [[nodiscard]] TaskRef current(TaskRef task) const;
    [[nodiscard]] std::vector<WorkerRef> holders_of(TaskRef task) const;
    [[nodiscard]] bool computes(WorkerRef worker, TaskRef task) const;
    [[nodiscard]] std::size_t count_alive() const;
    [[nodiscard]] bool expects_deaths() const;
    [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> priorities() const;
    [[nodiscard]] bool is_erred(const Key& key) const;
    [[nodiscard]] bool is_given_up(const Key& key) const;
    [[nodiscard]] bool needs_data(TaskId task) const;
    [[nodiscard]] bool is_to_copy(WorkerId worker, TaskRef task) const;
    [[nodiscard]] std::vector<Key> suspects_of(const scheduler::Worker& dead,
                                               const scheduler::WorkerDeath& death) const;

    // What comes in.
    void deliver(WorkerRef from, const TasksFinished& message);
    void deliver(WorkerRef from, const TaskErred& message);
    void deliver(WorkerRef from, const MissingData& message);
    void deliver(WorkerRef from, const Paused& message);
    template <class Other>
    void deliver(WorkerRef from, const Other& message) {
        machine_.handle(from, message, now_);
    }
    void deliver(ClientId from, ReleaseKeys&& message);
    void deliver(ClientId from, RetryKeys&& message);
    void deliver(ClientId from, UpdateGraph&& message);
    void deliver(ClientId from, GatherFailed&& message);
    void deliver(ClientId from, DataNotSent&& message);
    template <class Other>
    void deliver(ClientId from, Other&& message) {
        machine_.handle(from, std::forward<Other>(message), now_);
    }
    void finish(WorkerRef from, TaskRef task);
    [[nodiscard]] std::vector<Token> note_new_layers(ClientId from, const UpdateGraph& update);
    void note_deaths(std::size_t deaths);

    // What goes out.
    void say(WorkerRef to, const ComputeTasks& message);
    void say(WorkerRef to, const ForgetLayers& message);
    void say(WorkerRef to, const Replicate& message);
    void say(WorkerRef to, const InventoryRequest& message);
    void say(WorkerRef to, const CloseWorker& message);
    template <class Other>
    void say(WorkerRef, const Other&) {}
    void require_reason(const KeyErred& erred) const;

    // What must hold.
    void require_order(ClientId from, const std::vector<Token>& layers,
                       std::pair<std::uint64_t, std::uint64_t> before) const;
    void require_copied(TaskId task) const;
    void require_all_copied() const;
    void require_everywhere(TaskId task) const;
    void require_dropped(TaskRef task, std::span<const WorkerRef> holders,
                         std::span<const WorkerRef> tried) const;
    void require_begun(WorkerId worker) const;
    void require_no_new_tasks();

    scheduler::Scheduler machine_;
    Faults faults_;
    Time time_to_live_;
    Time now_ = 0;
    Suspects suspects_;
    ClientPromises promises_;
    std::map<Key, std::uint32_t> exceptions_;
    std::map<WorkerRef, std::set<TaskRef>> assigned_;  // after the event before
    std::map<WorkerRef, std::set<LayerId>> layers_;    // that the worker has been told of
    std::set<WorkerRef> closed_;
    std::set<ClientId> tasks_clients_;  // those that tasks share
    std::size_t deaths_ = 0;            // not planned, and none long after the one before
    Time last_death_ = 0;
};

}  // namespace satchel::simulation
