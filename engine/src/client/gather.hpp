// Gather: fetches the values of keys as soon as they are there, from the workers that have them.
// Completions: only tells which are there.
//
// Both are told under the lock of a session; whoever waits for them sleeps on their own condition,
// and, inside a task, gives up its place meanwhile.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/value.hpp>

#include "client/session.hpp"
#include "messages/peers.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace satchel::client {

class Gather final : public Watcher, public std::enable_shared_from_this<Gather> {
  public:
    /// Begins. `states` are not empty, or there is nothing to do.
    [[nodiscard]] static std::shared_ptr<Gather> start(std::vector<StatePtr> states);
    /// The same for the outputs of a graph: a result that has come along with its key, and that
    /// nobody else holds, is not needed in the cluster any more, nor computed again if it is lost.
    /// `watch`: a number of the session's, or 0.
    [[nodiscard]] static std::shared_ptr<Gather> start_outputs(std::vector<StatePtr> states,
                                                               std::uint64_t watch);

    explicit Gather(std::vector<StatePtr> states);
    Gather(const Gather&) = delete;
    Gather& operator=(const Gather&) = delete;
    ~Gather();

    /// Whether take() would not wait.
    [[nodiscard]] bool done();
    /// Waits, and gives the values in order, or throws the first error. To be called once.
    [[nodiscard]] std::vector<Value> take();
    /// Gives up what is not there, unless somebody else wants it; take() throws Cancelled then.
    void cancel();

    /// In the thread of the connection: what was fetched, if it could be.
    void arrived(std::size_t number, TaskRef task, WorkerRef holder, std::optional<DataItem> item);
    /// The same: there was no connection to who has it. It may be that this process cannot have
    /// one, so it is not computed again at once, and not again and again.
    void unreached(std::size_t number, TaskRef task, WorkerRef holder, const std::string& why);

  private:
    // What came along with its key is packed.
    struct Kept {
        Encoded encoded;
        bool is_packed = false;
    };

    void watch();
    void settled(std::size_t number) override;
    void fail(const std::exception_ptr& error);
    void keep(std::size_t number, Kept value);
    [[nodiscard]] static Value decoded(Kept value);
    void decode_large(std::vector<Value>& values);
    void unwatch();
    [[nodiscard]] bool is_over() const { return error_ || left_ == 0; }

    std::shared_ptr<Session> session_;
    std::vector<StatePtr> states_;
    std::uint64_t watch_ = 0;
    bool gives_back_ = false;
    std::vector<Kept> values_;
    std::vector<std::size_t> large_;  // of them, not decoded yet
    std::size_t left_;
    std::map<std::size_t, int> unreached_;  // how often
    std::exception_ptr error_;
    std::condition_variable over_;
};

/// The sessions that states are of, each once.
[[nodiscard]] std::vector<std::shared_ptr<Session>> sessions_of(std::span<const StatePtr> states);

/// The values of states of any sessions, in order, or the first error.
[[nodiscard]] std::vector<Value> gather(std::vector<StatePtr> states);

/// Of states of any sessions.
class Completions final : public Watcher {
  public:
    explicit Completions(std::vector<StatePtr> states);
    Completions(const Completions&) = delete;
    Completions& operator=(const Completions&) = delete;
    ~Completions();

    /// Waits for another key to be there, or failed; nothing if it is too late. Throws Cancelled
    /// after cancel().
    [[nodiscard]] std::optional<std::size_t> next(std::optional<std::chrono::nanoseconds> timeout);
    /// Gives up all of it unless next() has given the last one; not what somebody else wants.
    void cancel();

    [[nodiscard]] const std::vector<StatePtr>& states() const noexcept { return states_; }

  private:
    void settled(std::size_t number) override;

    std::vector<StatePtr> states_;
    std::mutex mutex_;  // taken under the lock of a session, never the other way round
    std::deque<std::size_t> ready_;
    std::size_t left_;
    bool is_cancelled_ = false;
    std::condition_variable changed_;
};

}  // namespace satchel::client
