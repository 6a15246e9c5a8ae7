// Session: what a client knows of its cluster, and what it has to say to it; between the threads
// of the user, who submit and wait, and the thread of the connection, which sends and receives.
//
// Sending is a queue: what a thread submits is sent when the loop turns, with all else that has
// gathered by then. So order is kept: a key that a graph refers to is released after it.
//
// Thread-safe. No state may be given up while the lock is held, as its destructor takes it.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/detail/run_progress.hpp>

#include "base/longest_wait.hpp"
#include "client/future_state.hpp"
#include "messages/cluster_info.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace satchel::client {

class Gather;

/// A result that is to be fetched from a worker.
struct Fetch {
    std::string address;
    WorkerRef holder;
    TaskRef task;
    std::int64_t nbytes = 0;
    std::shared_ptr<Gather> gather;
    std::size_t number = 0;  // in it
};

/// Values that a client has for a layer of data, as they travel.
struct Offer {
    Token layer;
    std::vector<Encoded> values;
    /// Until nobody can ask for them any more; else until they are in the cluster.
    bool stays = true;
};

/// A value that is to be sent to a worker.
struct Sending {
    std::string address;
    TaskRef task;
    Encoded value;
};

/// What the thread of the connection has to do.
struct Outbox {
    std::vector<ClientToServer> messages;
    std::vector<Fetch> fetches;
    std::vector<Sending> sendings;
    std::vector<std::string> gone;  // addresses of workers that will not answer any more
};

class Session : public std::enable_shared_from_this<Session> {
  public:
    /// `wake` makes the thread of the connection take() soon; it is called under the lock.
    explicit Session(std::function<void()> wake) : wake_(std::move(wake)) {}

    // ---- for the user's threads; they throw ClientClosed, ConnectionError when it is over ----

    /// Adds tasks, and gives a state for each key of `wanted`. `offers` are for layers of data. If
    /// one of `inputs` was cancelled, so is all of this.
    std::vector<StatePtr> submit(UpdateGraph update, const std::shared_ptr<const TaskNames>& names,
                                 std::span<const Key> wanted, std::vector<Offer> offers = {},
                                 std::span<const StatePtr> inputs = {});
    void cancel(std::span<const StatePtr> states);
    /// Those that nobody else holds.
    void cancel_unshared(std::span<const StatePtr> states);
    void cancel_all();
    void retry(std::span<const StatePtr> states);
    void release(FutureState& state) noexcept;

    /// A number under which a graph of so many tasks can be watched. `progress` shows it then.
    [[nodiscard]] std::uint64_t watch(const std::shared_ptr<detail::RunProgress>& progress,
                                      std::uint64_t tasks);

    /// Throws the error of what has failed or was cancelled.
    void require_success(const FutureState& state);

    [[nodiscard]] ClusterInfo info();
    [[nodiscard]] std::vector<ReadyKey> who_has(std::span<const StatePtr> states);
    [[nodiscard]] std::map<WorkerRef, Peer> peers();
    /// Waits until `enough` is true of the workers that there are; false if it is too late.
    bool wait_for_peers(const std::function<bool(const std::map<WorkerRef, Peer>&)>& enough,
                        std::optional<std::chrono::nanoseconds> timeout);
    void send(ClientToServer message);
    [[nodiscard]] std::int64_t threads();

    /// All that is wanted fails for this reason, and all calls from now on.
    void end(const std::exception_ptr& reason);
    [[nodiscard]] bool is_open();

    // ---- for the thread of the connection ----

    [[nodiscard]] Outbox take();
    void received(ServerToClient&& message);
    /// A worker could not be reached.
    void not_sent(const std::vector<TaskRef>& tasks);

    // ---- under the lock, for gatherings and waits ----

    [[nodiscard]] std::mutex& mutex() { return mutex_; }
    void watch(FutureState& state, Watcher& watcher, std::size_t number);
    static void unwatch(FutureState& state, Watcher& watcher);
    void fetch(const FutureState& state, std::shared_ptr<Gather> gather, std::size_t number);
    /// Why it is over, or nothing.
    [[nodiscard]] const std::exception_ptr& ending() const { return end_; }
    /// A graph that is watched has been computed, or nobody looks any more. A number may be 0.
    void finish_watched(std::uint64_t number);
    void end_watch(std::uint64_t number) { watched_.erase(number); }
    /// Nobody needs the key any more, though its state lives.
    void give_back(const FutureState& state);
    /// It was not where it should be.
    void missing(FutureState& state, TaskRef task, WorkerRef holder);

  private:
    void on(ToClient&& message);
    void on(ClientWelcome&&) {}
    void on(PeersChanged&& message);
    void on(KeysInMemory&& message);
    void on(KeysLost&& message);
    void on(KeyErred&& message);
    void on(KeysCancelled&& message);
    void on(GraphRefused&& message);
    void on(Progress&& message);
    void on(SendData&& message);
    void on(ForgetData&& message);
    void on(Holders&& message);
    void withdraw(const Token& layer);

    [[nodiscard]] FutureState* find(const Key& key);
    StatePtr state_of(const Key& key, const std::shared_ptr<const TaskNames>& names);
    void settle(FutureState& state, FutureStatus status, std::exception_ptr error = {});
    void push(FromClient message);
    void push_release(const Key& key);
    void push_to_server(ClientToServer message);
    void wake();
    void check_open() const;
    template <class Condition>
    void cancel_if(std::span<const StatePtr> states, Condition&& condition);
    template <class Answer>
    Answer ask(std::map<std::uint64_t, std::optional<Answer>>& answers, ClientToServer question,
               std::uint64_t request);

    std::mutex mutex_;
    std::function<void()> wake_;
    bool is_awake_ = false;
    std::vector<FromClient> to_machine_;
    Outbox outbox_;
    std::unordered_map<Key, FutureState*, KeyHash> states_;
    std::unordered_map<Key, Offer, KeyHash> offers_;  // by the first key of the layer
    std::vector<Offer> withdrawn_;  // they are destroyed outside of the lock: values may be users'
    std::map<WorkerRef, Peer> peers_;
    std::int64_t threads_ = 1;
    std::condition_variable changed_;  // peers, answers, the end
    std::uint64_t next_request_ = 1;   // 0: nobody waits for the answer
    std::uint64_t cancels_ = 0;        // CancelKeys that were sent
    struct Watched {
        std::weak_ptr<detail::RunProgress> progress;
        std::uint64_t tasks = 0, finished = 0;
    };
    std::map<std::uint64_t, Watched> watched_;
    std::uint64_t watches_ = 0;
    std::map<std::uint64_t, std::optional<ClusterInfo>> infos_;
    std::map<std::uint64_t, std::optional<Holders>> holders_;
    std::exception_ptr end_;
};

}  // namespace satchel::client
