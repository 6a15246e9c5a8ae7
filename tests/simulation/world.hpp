// A whole cluster in one thread: the scheduler's and the workers' machines, clients, and a network
// and computers that fail in all the ways that the seed has chosen. After each event the machine
// that handled it is checked; at the end the faults stop, and all that is wanted must come.
#pragma once

#include "scheduler/scheduler.hpp"
#include "simulation/virtual_time.hpp"
#include "simulation/workload.hpp"
#include "worker/worker.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace satchel::simulation {

/// Which faults there are and how many, each in a thousand occasions; a seed draws its own, because
/// with all faults always on, some would hide others.
struct Faults {
    std::int64_t crash = 0;      ///< a worker dies
    std::int64_t hang = 0;       ///< a worker stands still for a while, perhaps for too long
    std::int64_t half_open = 0;  ///< what it and the scheduler send to each other gets lost
    std::int64_t cut = 0;        ///< two workers cannot reach each other
    std::int64_t slow = 0;       ///< a message takes long
    std::int64_t lose = 0;       ///< one message gets lost: no network does, but a program might
    std::int64_t retire = 0;     ///< a worker is told to leave
    std::int64_t pause = 0;      ///< a worker has no memory left, for a while
    std::int64_t fickle = 0;     ///< a client releases, cancels, tries again
    std::int64_t vanish = 0;     ///< a client goes without a word
    bool deadly = false, errors = false;

    [[nodiscard]] static Faults draw(Random& random);
    /// Whether nothing is lost but with the last worker: at most, workers leave in good order.
    [[nodiscard]] bool are_planned() const {
        return crash + hang + half_open + cut + lose + vanish == 0 && !deadly;
    }
    /// Whether nothing happens but work.
    [[nodiscard]] bool are_none() const { return are_planned() && retire + pause + fickle == 0; }
};

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
    };
    using LinkPtr = std::shared_ptr<Link>;

    struct Node {
        std::unique_ptr<worker::Worker> machine;
        LinkPtr link;
        std::map<TaskRef, std::uint64_t> values;
        std::map<TaskRef, Key> calls;     // given to a thread, and not ended
        std::set<Key> begun;              // in this life
        std::map<TaskRef, Time> waiting;  // seceded: how long they will still take
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
        bool has_cancelled = false;
        std::set<Key> cancelled;    // what it has just cancelled, if it has asked for nothing since
        bool forgets = false;       // its data, when that is in the cluster
        std::set<Key> delivered{};  // data
        int graphs = 0;
        std::map<Key, Wanted> wanted;
        std::map<WorkerRef, bool> peers;
        std::uint64_t gathers = 0;
    };

    void require(bool holds, const std::string& what) const;
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
    void compare_digests(WorkerRef from, const FromWorker& report);
    void finish_link(const LinkPtr& link, bool planned, Time notice);

    // nodes.cpp: workers
    void boot(std::size_t node, Time after);
    void start_life(std::size_t node);
    void end_life(std::size_t node, bool crashed);
    void blame(std::size_t node);
    void on_node(std::size_t node, Time after, std::function<void()> action);
    void drain(std::size_t node);
    void heartbeat(std::size_t node);
    void send_report(std::size_t node, FromWorker message);
    void fetch(std::size_t node, const worker::Instructions::Fetch& fetch);
    void execute(std::size_t node,
                 const std::shared_ptr<const worker::Instructions::Execute>& execute,
                 std::size_t k);
    void begin_call(std::size_t node,
                    const std::shared_ptr<const worker::Instructions::Execute>& execute,
                    std::size_t k);
    void end_call(std::size_t node, const worker::Call& call, const Key& key);
    [[nodiscard]] std::vector<std::uint64_t> inputs_of(std::size_t node, const worker::Call& call);
    void misfortune(std::size_t node);

    // clients.cpp
    void connect_client(std::size_t client);
    void submit(std::size_t client);
    void on_client(std::size_t client, const ToClient& message);
    void require_no_dependents(std::size_t client, const std::set<Key>& gone) const;
    void gather(std::size_t client, const ReadyKey& ready);
    void have_value(std::size_t client, const Key& key, std::uint64_t value);
    void have_error(std::size_t client, const KeyErred& erred);
    void send_data(std::size_t client, const SendData::Item& item);
    void be_fickle(std::size_t client);
    void send(std::size_t client, FromClient message);
    [[nodiscard]] bool is_satisfied() const;
    void release_ready(std::size_t client);
    void release_everything();
    void check_executions() const;
    [[noreturn]] void report_pending() const;
    void require_empty() const;

    Random random_;
    Faults faults_;
    Agenda agenda_;
    Workload workload_;
    scheduler::Scheduler scheduler_;
    std::vector<Node> nodes_;
    std::vector<ClientNode> clients_;
    std::map<WorkerRef, LinkPtr> worker_links_;
    std::map<ClientId, LinkPtr> client_links_;
    std::set<std::pair<std::size_t, std::size_t>> cuts_;
    std::map<Key, std::uint32_t> executions_, deaths_, not_sent_;
    std::set<Key> gone_;  // data that a client was asked for and had no more
    std::set<Key> left_;  // what went with the last worker
    bool somebody_vanished_ = false;
    bool calm_ = false;
    bool flush_pending_ = false;
    std::uint64_t trace_ = 0;
    Sightings sightings_;
};

}  // namespace satchel::simulation
