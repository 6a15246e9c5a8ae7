// The scheduler: a machine that is told what happened and says what is to be done. It decides which
// worker computes what and when, and what is kept; it has no socket, no thread, no clock and runs
// no user code, so that a test can put it through any life that a cluster may have.
//
//     Scheduler scheduler;
//     auto worker = scheduler.add_worker({.name = "w0", .threads = 2}, now);
//     auto client = scheduler.add_client();
//     scheduler.handle(client, UpdateGraph{...}, now);
//     Instructions out = scheduler.take();             // what to send to whom, as data
//     scheduler.handle(worker, TasksFinished{...}, now);
//
// Callers may handle any number of events before they take(): the more, the larger the messages.
// Messages to one worker or client must arrive in order; nothing else is asked of the network.
// What comes from outside and makes no sense any more, or never did, is answered or dropped.
//
// Every state of a task is entered through move(), which knows the legal transitions. Invariants
// are in check(). No thread safety: one thread at a time.
#pragma once

#include "messages/client_messages.hpp"
#include "messages/worker_messages.hpp"
#include "scheduler/operations.hpp"
#include "scheduler/parties.hpp"
#include "scheduler/ready_queue.hpp"
#include "scheduler/suspicions.hpp"
#include "scheduler/task_table.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace satchel::scheduler {

struct Options {
    /// A task that was executing on more dying workers than this is given up; see suspicions.hpp.
    std::uint32_t allowed_failures = 3;
    Nanoseconds heartbeat_interval = 500'000'000;
    /// A worker that was silent for so long is taken for dead.
    Nanoseconds time_to_live = 30'000'000'000;
    /// What a task is expected to take as long as none like it has finished.
    Nanoseconds unknown_duration = 500'000'000;
};

/// What is to be done.
struct Instructions {
    struct ForClient {
        ClientId client;
        std::vector<ToClient> messages;
    };
    struct Disconnect {
        WorkerRef worker;
        std::string reason;
        bool may_return = false;  ///< if it lives, it shall connect again
    };

    std::vector<WorkerBatch> workers;
    std::vector<ForClient> clients;
    std::vector<Disconnect> disconnects;  ///< after sending; without telling the machine again
    std::vector<std::string> warnings;    ///< for the log
};

/// How a worker died, as far as anybody knows.
struct WorkerDeath {
    std::string cause = "the connection was lost";
    bool planned = false;  ///< nobody is to blame
    /// What it was executing, if somebody knows for certain.
    std::optional<std::vector<TaskRef>> executing = {};
};

class Scheduler {
  public:
    explicit Scheduler(Options options = {})
        : options_(options), suspicions_(options.allowed_failures) {}

    /// Why a worker is not to be added: another one that lives has its name. Else empty. One with
    /// the same address is the same one, and has connected again.
    [[nodiscard]] std::string why_refused(const RegisterWorker& worker, Nanoseconds now) const;
    /// A worker has come. One of the same name is taken for lost, as is what it had.
    WorkerRef add_worker(const RegisterWorker& worker, Nanoseconds now);
    /// A worker has gone. Says nothing new if it had been replaced.
    void remove_worker(WorkerRef worker, const WorkerDeath& death = {});
    /// A worker shall go: what only it has is copied, and then it is told to close.
    void retire_worker(WorkerRef worker);
    /// `is_task`: a client that the tasks on a worker share. What it asks for goes before all that
    /// others have asked for, and the newest of that first: so tasks that wait get their threads
    /// back, and few wait at a time.
    ClientId add_client(bool is_task = false);
    /// A client has gone; what only it wanted is dropped.
    void remove_client(ClientId client);

    void handle(WorkerRef from, const FromWorker& message, Nanoseconds now);
    void handle(ClientId from, FromClient&& message, Nanoseconds now);
    /// Time has passed. To be called at least every heartbeat interval.
    void tick(Nanoseconds now);

    /// What is to be done since the last call.
    [[nodiscard]] Instructions take();

    /// How many tasks are in a state.
    [[nodiscard]] std::int64_t count(TaskState state) const {
        return counts_[static_cast<std::size_t>(state)];
    }
    [[nodiscard]] const std::vector<Worker>& workers() const noexcept { return workers_; }
    [[nodiscard]] const TaskTable& tasks() const noexcept { return tasks_; }

    /// "compress:17".
    [[nodiscard]] std::string label(TaskId task) const;
    /// Recomputes all that is redundant and throws std::logic_error if it is not what it should be.
    /// Takes time in proportion to everything.
    void check() const;

  private:
    friend class Checker;

    // Priorities; those of graphs that tasks have asked for lie below first_graph.
    static constexpr std::uint64_t graph_step = std::uint64_t{1} << 33;
    static constexpr std::uint64_t first_graph = std::uint64_t{1} << 30;

    // Why a task is erred: shared by all that depend on the cause.
    struct Reason {
        Key cause;
        Failure failure;
    };
    using ReasonPtr = std::shared_ptr<const Reason>;

    // transitions.cpp
    void move(TaskId task, TaskState to);
    [[noreturn]] void refuse_transition(TaskId task, TaskState to) const;
    [[nodiscard]] bool is_needed(const Task& task) const noexcept {
        return task.wants > 0 || task.waiters > 0;
    }
    void touch(TaskId task);
    void settle(TaskId task);
    void finish_event();
    void activate(TaskId task);
    void wait(TaskId task);
    void leave_active(TaskId task);
    void assign(TaskId task, WorkerId worker);
    void begin_processing(TaskId task);
    Worker::Processing unassign(TaskId task);
    void release(TaskId task);
    void remember(TaskId task, const FinishedTask& result);
    void lose(TaskId task);
    void err(TaskId task, const ReasonPtr& reason);
    void drop_holder(TaskId task, WorkerId worker);
    void keep_holder(TaskId task, WorkerId worker);
    void forget(LayerId layer);

    // placement.cpp
    void place(TaskId task);
    void place_waiting_for_workers();
    [[nodiscard]] WorkerId choose_worker(TaskId task);
    [[nodiscard]] Nanoseconds cost_of_moving(TaskId task) const;
    [[nodiscard]] bool has_room(const Worker& worker) const;
    [[nodiscard]] static bool is_of_a_task(std::uint64_t priority) noexcept {
        return priority < first_graph * graph_step;
    }
    [[nodiscard]] std::uint64_t priority_of(TaskId task) const {
        const auto& layer = tasks_.layer_of(task);
        return layer.priority + (task - layer.first);
    }
    void add_to_load(Worker& worker, const Worker::Processing& record, int sign);
    void distribute();
    void hand_out(Worker& worker, std::int64_t share, bool idle_only);
    void send_task(TaskId task, WorkerId worker);

    // following.cpp
    void let_follow(TaskId task);
    [[nodiscard]] bool may_follow(TaskId task, TaskId before) const;
    [[nodiscard]] bool is_short(TaskId task) const;
    [[nodiscard]] TaskId follower_of(TaskId task) const;
    void go_on_with(TaskId task);
    void stop_following(TaskId task);
    void stop_followers_of(TaskId task);
    void stop_followers_on(const Worker& worker);

    // graphs.cpp
    void on(ClientId from, UpdateGraph&& update);
    [[nodiscard]] std::string why_refused(const UpdateGraph& update) const;
    LayerId add_layer(LayerSpec& spec, std::uint64_t priority);
    void link_layer(LayerId layer, LayerSpec&& spec);

    // clients.cpp
    void on(ClientId from, ReleaseKeys&& release);
    void on(ClientId from, CancelKeys&& cancel);
    void on(ClientId from, RetryKeys&& retry);
    void on(ClientId from, GatherFailed&& failed);
    void on(ClientId from, DataNotSent&& message);
    void on(ClientId from, WhoHas&& question);
    void want(Client& client, TaskId task);
    void unwant(Client& client, TaskId task);
    void report_ready(TaskId task, const FinishedTask* result);
    void report_erred(TaskId task, const Reason& reason);
    void report_lost(TaskId task);
    [[nodiscard]] ReadyKey describe(TaskId task) const;
    template <class F>
    void for_each_client_of(TaskId task, F&& f);
    void watch(ClientId client, std::uint64_t number, Layer& layer);
    [[nodiscard]] Client::Watched* watched_graph_of(const Layer& layer);
    void tell_progress();

    // data.cpp
    void ask_for_data(TaskId task, WorkerId worker);
    void copy_everywhere(TaskId task);
    void fail_data(TaskId task, const std::string& why);
    void decline_data(ClientId from, const LayerSpec& spec);
    void orphan_data_of(ClientId client);

    // workers.cpp
    [[nodiscard]] Worker* find(WorkerRef worker);
    void on(WorkerId from, const TasksFinished& message);
    void on(WorkerId from, const TaskErred& message);
    void on(WorkerId from, const KeysAdded& message);
    void on(WorkerId from, const MissingData& message);
    void on(WorkerId from, const HandedBack& message);
    void on(WorkerId from, const Executing& message);
    void on(WorkerId from, const Seceded& message);
    void on(WorkerId from, const Rejoined& message);
    void on(WorkerId from, const Paused& message);
    void on(WorkerId from, const Heartbeat& message);
    void on(WorkerId from, const Inventory& message);
    [[nodiscard]] bool computes(WorkerId worker, TaskRef task) const {
        return tasks_.is(task, TaskState::processing) && tasks_[task.task].worker == worker;
    }
    [[nodiscard]] bool goes_on_with(WorkerId worker, TaskRef task) const {
        return tasks_.is(task, TaskState::following) && tasks_[task.task].worker == worker;
    }
    void announce(const PeersChanged& change);
    void relieve_paused();
    void lose_results_of(WorkerId worker);
    [[nodiscard]] std::vector<TaskId> suspects_of(WorkerId worker, const WorkerDeath& death) const;
    void take_tasks_back(const Worker& dead, const WorkerDeath& death,
                         std::span<const TaskId> suspects);
    void take_back(TaskId task);
    void blame(TaskId task, const Worker& dead, const WorkerDeath& death);
    void reconcile_held(WorkerId worker, const std::vector<TaskRef>& held);

    // retirement.cpp
    void advance_retirement();
    [[nodiscard]] bool leaves_with(TaskId task, WorkerId leaving) const;
    void take_back_not_begun(Worker& worker);
    bool replicate_from(WorkerId worker);
    void replicate(TaskId task, WorkerRef holder, Worker& to);

    // balance.cpp
    void balance();
    void expect_longer(Worker& worker);
    std::int64_t ask_back(Worker& worker, Nanoseconds fair, std::int64_t idle);
    void turn_to_idlest();

    // precaution.cpp
    void note_death(const WorkerDeath& death);
    void note_time(Nanoseconds now);
    [[nodiscard]] bool expects_deaths() const noexcept;
    void copy_in_precaution(TaskId task);
    void copy_all_in_precaution();

    Options options_;
    TaskTable tasks_;
    Operations operations_;
    std::vector<Worker> workers_;
    std::map<ClientId, Client> clients_;
    ReadyQueue queue_;
    Suspicions suspicions_;
    std::vector<TaskId> no_worker_;        // may hold some that no longer wait for one
    std::map<TaskId, ReasonPtr> reasons_;  // of the erred tasks
    std::array<std::int64_t, task_states> counts_{};
    std::vector<TaskId> touched_;  // to be settled before the event ends
    std::vector<LayerId> idle_;    // layers that may have to be forgotten
    std::vector<Instructions::Disconnect> disconnects_;
    std::vector<std::string> warnings_;
    std::uint32_t incarnations_ = 0;
    ClientId next_client_ = 0;
    std::uint64_t graphs_ = 0, task_graphs_ = 0;  // so many came from clients, and from tasks
    WorkerId next_worker_ = 0;                    // where handing out goes on
    std::uint32_t retiring_ = 0;
    std::uint32_t deaths_ = 0;    // since it was calm
    Nanoseconds last_death_ = 0;  // as far as time is known
    Nanoseconds now_ = 0;         // when something last happened
    WorkerId next_copier_ = 0;
    std::vector<std::uint32_t> references_;  // for the moment, as are these:
    std::vector<std::int64_t> local_bytes_;
    std::vector<WorkerId> candidates_;
};

template <class F>
void Scheduler::for_each_client_of(TaskId task, F&& f) {
    auto left = tasks_[task].wants;
    for (auto client = clients_.begin(); left > 0; ++client) {
        if (!client->second.wants_task(task)) continue;
        --left;
        f(client->second);
    }
}

}  // namespace satchel::scheduler
