// The worker: a machine beside the scheduler's. It is told what the scheduler says, what became of
// calls and of transfers, and says what to call, what to fetch and what to tell the scheduler. It
// has no socket, no thread and no clock, and never sees a value: who drives it keeps those by
// TaskRef, and drops them when it is told to.
//
//     Worker worker({.threads = 2});
//     worker.handle(batch);                         // from the scheduler
//     Instructions out = worker.take();             // first send, then fetch and execute
//     worker.finished({.task = ref, .nbytes = 8, .duration = 1200});
//
// Everything is named by task and attempt, so that there is nothing to cancel and resume: what is
// no longer needed is marked, and its outcome is dropped when it comes.
//
// No thread safety: one thread at a time.
#pragma once

#include "messages/worker_messages.hpp"
#include "worker/ref_index.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace satchel::worker {

struct Options {
    std::uint32_t threads = 1;
    /// How many workers to fetch from at the same time, and how much of each at once.
    std::uint32_t fetches_max = 16;
    std::int64_t fetch_bytes_max = std::int64_t{64} << 20;
};

/// A call to make.
struct Call {
    TaskRef task;
    std::shared_ptr<const LayerDefinition> layer;
    std::uint32_t index = 0;
    std::vector<Argument> arguments;
    bool wanted = false;  ///< a small result should go along with the message that it is there
    /// Of its inputs, one is what the call before it in the same Execute gives. If that gives
    /// nothing, this one is not made, and ends as erred().
    bool follows = false;
};

/// What is to be done, in the order of the members. Sending comes first, so that the scheduler
/// knows what was being executed if executing it kills the process.
struct Instructions {
    /// To ask a worker for results. Ends in fetched() or fetch_failed() with the same number.
    struct Fetch {
        std::uint64_t number = 0;
        WorkerRef peer;
        std::string address;
        std::vector<TaskRef> tasks;
    };
    /// Calls for one thread, one after the other. Tasks of which each takes microseconds are handed
    /// over together, with what waits for them alone, since waking a thread costs more than they
    /// do.
    struct Execute {
        std::vector<Call> calls;
    };

    std::vector<FromWorker> messages;  ///< to the scheduler
    std::vector<Fetch> fetches;
    std::vector<Execute> executes;
    std::vector<TaskRef> resumes;  ///< seceded tasks that have a thread again
    std::vector<TaskRef> stops;    ///< executing, and no longer needed
    std::vector<TaskRef> drops;    ///< values to be dropped
    bool close = false;            ///< the worker shall end
};

class Worker {
  public:
    explicit Worker(Options options = {}) : options_(options), free_threads_(options.threads) {}

    /// What the scheduler has sent. A batch for another incarnation says nothing.
    void handle(const WorkerBatch& batch);

    /// A call has returned; its value is kept by who drives this.
    void finished(const FinishedTask& result);
    /// A call has thrown.
    void erred(TaskRef task, const Failure& failure);
    /// A task waits for something and gives its thread up. `not_begun`: calls of the same Execute
    /// that its thread will not make.
    void seceded(TaskRef task, std::span<const TaskRef> not_begun);
    /// A thread will not make these calls that it was given: one before them takes too long.
    void not_begun(std::span<const TaskRef> tasks);
    /// It has what it waited for; it may go on when it is among the `resumes`.
    void rejoin(TaskRef task);

    /// What a fetch has brought: the items are in the order in which they were asked for.
    struct Fetched {
        TaskRef task;
        bool present = false;
        std::int64_t nbytes = 0;
    };
    void fetched(std::uint64_t number, std::span<const Fetched> items);
    void fetch_failed(std::uint64_t number);

    /// A client has sent a value, as the scheduler asked it to. False if it is not to be kept.
    [[nodiscard]] bool put(TaskRef task, std::int64_t nbytes);

    /// While it is paused, no task begins. Those that run go on.
    void pause(bool is_paused);

    /// It is time to give a sign of life.
    void heartbeat(std::int64_t process_bytes);

    [[nodiscard]] Instructions take();

    [[nodiscard]] WorkerRef self() const noexcept { return self_; }
    /// Whether the result is here, and may be given to who asks for it.
    [[nodiscard]] bool holds(TaskRef task) const;
    [[nodiscard]] std::int64_t managed_bytes() const noexcept { return managed_bytes_; }
    /// Whether no task has a thread.
    [[nodiscard]] bool is_idle() const noexcept { return free_threads_ == options_.threads; }
    /// Recomputes all that is redundant and throws std::logic_error if it is not what it should be.
    void check() const;

  private:
    friend class Checker;

    enum class State : std::uint8_t {
        free,       ///< the entry stands for nothing
        wanted,     ///< an input, to be asked for
        fetching,   ///< an input that was asked for
        held,       ///< a value that is here
        waiting,    ///< a task some inputs of which are not here
        ready,      ///< a task that a thread may take
        executing,  ///< a task that was given to a thread, perhaps right behind its last input
        seceded,    ///< a task without a thread, for now
        resuming    ///< a task that wants a thread again
    };
    using Place = std::uint32_t;

    // One execution: a task to compute, an input to fetch, or the value of either.
    struct Entry {
        TaskRef ref;
        State state = State::free;
        bool released = false;    // the scheduler does not count on it any more
        bool keep = false;        // to be fetched though no task here needs it
        bool reports = false;     // a small result goes along with the message
        std::uint32_t users = 0;  // inputs of tasks here that it is
        // A value:
        std::int64_t nbytes = 0;
        std::vector<WorkerRef> holders, tried;
        std::vector<TaskRef> waiting;  // tasks
        // A task:
        LayerId layer = none;
        std::uint32_t index = 0;
        std::uint64_t priority = 0;
        Nanoseconds expected = 0;
        bool alone = false;  // no other task has a thread meanwhile
        std::vector<Argument> arguments;
        std::uint32_t missing = 0;
        std::uint32_t batch = none;
    };
    struct Ready {
        std::uint64_t priority;
        TaskRef ref;

        friend bool operator>(const Ready& a, const Ready& b) noexcept {
            return a.priority > b.priority;
        }
    };
    struct Batch {
        std::vector<TaskRef> tasks;
        std::uint32_t remaining = 0;  // 0: this place is free
    };
    struct PeerState {
        std::uint32_t incarnation = 0;
        std::string address;
        std::deque<TaskRef> queue;
        std::uint64_t fetch = 0;  // the number of the one under way, or 0
    };
    struct UnderWay {
        WorkerRef peer;
        std::vector<TaskRef> tasks;
    };

    // worker.cpp
    void on(const Welcome& message) { self_ = message.self; }
    void on(const PeersChanged& message);
    void on(const ComputeTasks& message);
    void on(const ReleaseTasks& message);
    void on(const HandBack& message);
    void on(const ForgetLayers& message);
    void on(const Replicate& message);
    void on(const InventoryRequest&) { is_inventory_due_ = true; }
    void on(const CloseWorker&) { out_.close = true; }
    void add_task(const Assignment& assignment, std::span<const Argument> arguments,
                  const WorkerRef*& holders);
    void release(Place place);
    void report_inventory();
    [[nodiscard]] static bool is_task(State state) noexcept { return state >= State::waiting; }

    // entries.cpp
    [[nodiscard]] Place add_entry(TaskRef ref, State state);
    void remove_entry(Place place);
    [[nodiscard]] bool use(Place task, const Argument& argument,
                           std::span<const WorkerRef> holders);
    void let_go(TaskRef input);
    void give_inputs_back(Place task);
    void give_up(Place task);
    void remove_task(Place task);
    void store(Place place, std::int64_t nbytes);
    void unload(Place place);

    // fetching.cpp
    void add_holder(Place value, WorkerRef holder);
    void request(Place value);
    void fail(TaskRef value, WorkerRef holder);
    void report_missing(Place value);
    void lose_peer(WorkerRef peer);
    void end_fetch(std::uint64_t number);
    void start_fetches();
    void start_fetch(WorkerId id, PeerState& peer);

    // executing.cpp
    void make_ready(Place task);
    void put_back(Place task);
    [[nodiscard]] Place next_ready();
    [[nodiscard]] Place next_resuming();
    [[nodiscard]] bool may_begin(Place task) const;
    [[nodiscard]] bool is_anything_executing() const;
    void start();
    void begin(Place task, std::uint32_t batch);
    [[nodiscard]] bool take_ready(Instructions::Execute& execute, std::uint32_t batch,
                                  Nanoseconds& budget);
    void take_followers(Instructions::Execute& execute, std::uint32_t batch, Nanoseconds& budget);
    void give_to_thread(Place task, Instructions::Execute& execute, std::uint32_t batch,
                        Nanoseconds& budget);
    [[nodiscard]] Place follower_of(Place task) const;
    [[nodiscard]] std::uint32_t add_batch();
    void leave_batch(Place task);
    void free_batch(std::uint32_t batch);
    [[nodiscard]] bool end_task(Place task);
    void report_executing();

    Options options_;
    WorkerRef self_;
    std::uint64_t received_ = 0;
    std::vector<Entry> entries_;
    std::vector<Place> free_entries_;
    RefIndex index_;
    std::vector<std::shared_ptr<const LayerDefinition>> layers_;
    std::map<WorkerId, PeerState> peers_;
    std::map<std::uint64_t, UnderWay> under_way_;
    std::uint64_t fetches_ = 0;
    std::vector<Ready> ready_;  // a heap; may hold tasks that are no longer ready
    std::deque<TaskRef> resuming_;
    std::vector<Batch> batches_;
    std::vector<std::uint32_t> free_batches_;
    std::uint32_t free_threads_;
    std::uint64_t assigned_digest_ = 0, held_digest_ = 0;
    std::int64_t managed_bytes_ = 0;
    TaskRef alone_;  // what executes alone, or nothing
    bool executing_changed_ = false;
    bool is_inventory_due_ = false;
    bool is_paused_ = false;
    Instructions out_;
};

}  // namespace satchel::worker
