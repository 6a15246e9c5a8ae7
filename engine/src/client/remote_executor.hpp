// RemoteExecutor: an executor whose tasks run in a cluster: the connection of a client, with a
// thread of its own.
//
// Thread-safe.
#pragma once

#include <satchel/executor.hpp>

#include "client/session.hpp"
#include "cluster/peer_data.hpp"
#include "net/connection.hpp"
#include "net/event_loop.hpp"

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace satchel::client {

class RemoteExecutor final : public Executor {
  public:
    /// Throws ConnectionError that says why there is no connection. `role`: client or task.
    RemoteExecutor(const net::Address& scheduler, const net::Credentials& credentials,
                   net::Role role = net::Role::client);
    ~RemoteExecutor() override;

    [[nodiscard]] std::unique_ptr<Submission> submit(Graph graph, std::vector<TaskIndex> outputs,
                                                     const RunOptions& options) const override;
    [[nodiscard]] std::vector<Value> keep(Graph graph, std::vector<TaskIndex> outputs,
                                          const RunOptions& options) const override;
    [[nodiscard]] std::int64_t concurrency() const override;

    /// Sends a graph; a state for each output.
    [[nodiscard]] std::vector<StatePtr> begin(Graph graph, std::vector<TaskIndex> outputs) const;
    /// Values that stand for these results.
    [[nodiscard]] static std::vector<Value> kept(const std::vector<StatePtr>& states);

    [[nodiscard]] const std::shared_ptr<Session>& session() const noexcept { return session_; }
    [[nodiscard]] const net::Address& scheduler() const noexcept { return scheduler_; }

    /// Says goodbye; whatever waits throws ClientClosed. Does nothing the second time.
    void close();

  private:
    /// The outputs of a graph that was sent, and the number under which it is watched, or 0.
    struct Sent {
        std::vector<StatePtr> states;
        std::uint64_t watch = 0;
    };
    [[nodiscard]] Sent send(Graph graph, std::vector<TaskIndex> outputs,
                            const std::shared_ptr<detail::RunProgress>& progress) const;
    void flush();
    void start_fetches(std::vector<Fetch> fetches);
    void start_sendings(std::vector<Sending> sendings);
    void report_later();
    void report();
    void closed(const net::Closed& why);

    net::Address scheduler_;
    net::EventLoop loop_;
    std::shared_ptr<Session> session_;
    std::mutex closing_;
    std::optional<cluster::DataFetcher> fetcher_;  // this and the next in the thread of the loop
    // What could not be, because a worker was not reached: to be reported when the timer is due.
    struct Unreached {
        Fetch fetch;
        std::string why;
    };
    std::vector<TaskRef> not_sent_;
    std::vector<Unreached> not_fetched_;
    std::optional<net::Timer> report_timer_;
    std::optional<net::Timer> end_timer_;
    net::Connection connection_;
};

}  // namespace satchel::client
