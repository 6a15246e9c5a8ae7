// A whole cluster in one thread: the scheduler's and the workers' machines, clients, and a network
// and computers that fail in all the ways that the seed has chosen. After each event the machine
// that handled it is checked; at the end the faults stop, and all that is wanted must come.
#pragma once

#include "simulation/checked_scheduler.hpp"
#include "simulation/faults.hpp"
#include "simulation/require.hpp"
#include "simulation/virtual_time.hpp"
#include "simulation/workload.hpp"
#include "worker/worker.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace satchel::simulation {

/// How often something happened that a run of many seeds should have seen.
struct Sightings {
    std::map<std::string, std::int64_t> counts;
    void saw(const char* what) { ++counts[what]; }
};

class World {
  public:
    explicit World(std::uint64_t seed);

    /// Lives until everything is done. Throws std::logic_error that says what went wrong.
    void run();

    /// A number for all that happened and when: equal seeds, equal traces.
    [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }
    [[nodiscard]] std::uint64_t steps() const noexcept { return agenda_.steps(); }
    [[nodiscard]] const Sightings& sightings() const noexcept { return sightings_; }

    bool tells = false;  ///< prints each event

  private:
    // A connection to the scheduler. It keeps the order of what goes through it in each direction.
    struct Link {
        bool open_here = true, open_there = true;  // "there" is the scheduler
        bool silent = false;                       // half open: nothing gets through any more
        Time last_to = 0, last_from = 0;
        WorkerRef worker;
        ClientId client = none;
        std::size_t owner = 0;
        std::optional<std::vector<TaskRef>> running = {};  // when the worker died, says its nanny
    };
    using LinkPtr = std::shared_ptr<Link>;

    struct Node {
        std::unique_ptr<worker::Worker> machine;
        LinkPtr link;
        std::map<TaskRef, std::uint64_t> values;
        std::map<TaskRef, Key> calls;      // given to a thread, and not ended
        std::map<TaskRef, Time> waiting;   // seceded: how long they will still take
        std::set<TaskRef> running;         // calls that a thread is making
        std::set<TaskRef> stopped;         // calls that were told to stop
        std::map<TaskRef, Time> expected;  // how long calls shall take, as the worker was told
        std::set<TaskRef> alone;           // calls beside which there shall be no others
        std::set<std::uint64_t> fetches;   // under way
        std::uint32_t fetches_max = 0;
        std::int64_t fetch_bytes_max = 0;
        bool paused = false;
        std::vector<std::weak_ptr<const LayerDefinition>> layers;  // of all calls so far
        std::uint64_t life = 0;
        bool up = false;
        bool retiring = false, gone = false;
        Time frozen_until = 0;
        std::int64_t slowness = 1;
    };

    enum class Progress { pending, ready, erred, given_up };

    struct Wanted {
        Progress progress = Progress::pending;
        std::uint64_t fetching = 0;  // the number of the newest attempt to gather it
    };

    struct ClientNode {
        LinkPtr link;
        bool vanished = false;
        bool has_cancelled = false;  // or has asked for what it had given up
        std::set<Key> cancelled;    // what it has just cancelled, if it has asked for nothing since
        bool forgets = false;       // its data, when that is in the cluster
        std::set<Key> delivered{};  // data
        int graphs = 0;
        std::map<Key, Wanted> wanted;
        std::set<WorkerRef> peers;
        std::set<std::uint64_t> questions;  // not answered yet
        std::set<Token> wrong;              // graphs that are to be refused
        std::uint64_t gathers = 0;
    };

    void note(const char* what, std::uint64_t a = 0, std::uint64_t b = 0);
    [[nodiscard]] Time delay();

    // world.cpp: the scheduler and the network
    void to_scheduler(const LinkPtr& link, std::function<void()> deliver);
    void from_scheduler(const LinkPtr& link, std::function<void()> deliver);
    void after_scheduler_event();
    void flush_scheduler();
    void send_to_worker(WorkerBatch batch);
    void tick();
    void note_what_leaves();
    void finish_link(const LinkPtr& link, bool planned, Time notice);

    // nodes.cpp: workers
    void boot(std::size_t node, Time after);
    void start_life(std::size_t node);
    void end_life(std::size_t node, bool crashed);
    void misfortune(std::size_t node);
    void on_node(std::size_t node, Time after, std::function<void()> action);
    void drain(std::size_t node);
    void heartbeat(std::size_t node);
    void send_report(std::size_t node, FromWorker message);
    void require_reported(const Node& node, const worker::Instructions& out) const;
    void fetch(std::size_t node, const worker::Instructions::Fetch& fetch);
    void require_small(const Node& node, const worker::Instructions::Fetch& fetch) const;

    // calls.cpp: what workers call
    using Execute = worker::Instructions::Execute;
    struct Outcome {
        TaskRef task;
        bool wanted = false;
        std::optional<std::uint64_t> value = {};  // or:
        std::string failure = {};
    };
    struct Work {
        std::vector<worker::Call> calls;
        std::vector<Outcome> untold = {};
        std::optional<std::uint64_t> last = {};  // what the last call has given
        std::size_t at = 0;                      // the call that is being made
    };
    using WorkPtr = std::shared_ptr<Work>;
    void begin(std::size_t node, Execute&& work);
    void require_right(const Node& node, const Execute& work) const;
    void require_alone(const Node& node, const worker::Instructions& out) const;
    void relieve(std::size_t node, const WorkPtr& work, std::size_t k);
    std::vector<TaskRef> give_up_after(std::size_t node, Work& work, std::size_t k);
    void execute(std::size_t node, const WorkPtr& work, std::size_t k);
    void begin_call(std::size_t node, const WorkPtr& work, std::size_t k);
    [[nodiscard]] std::vector<std::uint64_t> inputs_of(std::size_t node, const Work& work,
                                                       std::size_t k);
    void secede(std::size_t node, const WorkPtr& work, std::size_t k, Time rest);
    void wait_for(std::size_t node, TaskRef ref, std::size_t client, const std::vector<Key>& keys);
    void resume(std::size_t node, TaskRef task);
    [[nodiscard]] Outcome end_call(std::size_t node, TaskRef task, bool wanted);
    void go_on(std::size_t node, const WorkPtr& work, std::size_t k, Outcome outcome);
    void tell(std::size_t node, const std::vector<Outcome>& outcomes);

    // clients.cpp
    void connect_client(std::size_t client);
    void send(std::size_t client, FromClient message);
    void submit(std::size_t client);
    std::vector<Key> submit_nested(std::size_t client);
    void on_client(std::size_t client, const ToClient& message);
    void hear(std::size_t client, const KeysInMemory& message);
    void hear(std::size_t client, const KeyErred& message);
    void hear(std::size_t client, const KeysLost& message);
    void hear(std::size_t client, const KeysCancelled& message);
    void hear(std::size_t client, const SendData& message);
    void hear(std::size_t client, const PeersChanged& message);
    void hear(std::size_t client, const Holders& message);
    void hear(std::size_t client, const GraphRefused& message);
    template <class Other>
    void hear(std::size_t, const Other&) {}
    void require_no_dependents(std::size_t client, const std::set<Key>& gone) const;
    void gather(std::size_t client, const ReadyKey& ready);
    void have_value(std::size_t client, const Key& key, std::uint64_t value);
    void send_data(std::size_t client, const SendData::Item& item);

    // fickle_clients.cpp
    void be_fickle(std::size_t client);
    void vanish(std::size_t client);
    void ask_who_has(std::size_t client);
    void submit_wrong(std::size_t client);
    void release_ready(std::size_t client);

    // outcome.cpp
    [[nodiscard]] bool is_satisfied() const;
    void check_executions() const;
    [[noreturn]] void report_pending() const;
    void release_everything();
    void require_empty() const;
    void require_answered(const ClientNode& client) const;

    Random random_;
    Faults faults_;
    Agenda agenda_;
    Workload workload_;
    CheckedScheduler scheduler_;
    std::vector<Node> nodes_;
    std::vector<ClientNode> clients_;
    std::map<WorkerRef, LinkPtr> worker_links_;
    std::map<ClientId, LinkPtr> client_links_;
    std::set<std::pair<std::size_t, std::size_t>> cuts_;
    std::map<Key, std::uint32_t> executions_, not_sent_;
    std::set<Key> gone_;  // data that a client was asked for and had no more
    std::set<Key> left_;  // what went with the last worker
    bool somebody_vanished_ = false;
    bool calm_ = false, is_over_ = false;
    bool flush_pending_ = false;
    std::uint64_t trace_ = 0;
    Sightings sightings_;
};

}  // namespace satchel::simulation
