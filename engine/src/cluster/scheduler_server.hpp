// SchedulerServer: feeds the scheduler's machine from connections.
//
//     EventLoop loop;
//     SchedulerServer server(loop, {.credentials = Credentials::generate(),
//                                   .listen = {Address::parse("tcp://127.0.0.1:0")}});
//     server.addresses();                  // where workers and clients connect to
//
// A connection's role, which the handshake has proved, says what may come over it: of a worker, a
// RegisterWorker and then vectors of FromWorker; of a client, ClientToServer; of a nanny,
// FromNanny. What cannot be understood ends the connection. A connection that is lost is a worker
// or a client that is lost, at once; only where a nanny is about to tell why, that is waited for.
//
// Thread safety: everything may be called from any thread; handlers are called in the loop's.
#pragma once

#include "messages/cluster_info.hpp"
#include "net/connection.hpp"
#include "scheduler/scheduler.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace satchel::cluster {

struct SchedulerServerOptions {
    net::Credentials credentials = {};
    std::vector<net::Address> listen = {};
    scheduler::Options scheduler = {};
    /// Who leaves more bytes than this unread is disconnected.
    std::size_t unread_max = std::size_t{256} << 20;
    /// So many workers are there now.
    std::function<void(std::size_t)> workers_changed = {};
    /// A client asked for the end of the cluster.
    std::function<void()> shutdown = {};
    /// A client asked that workers be started again. Those without a nanny only end.
    std::function<void()> restart = {};
};

class SchedulerServer {
  public:
    /// Throws ConnectionError if it cannot listen.
    SchedulerServer(net::EventLoop& loop, SchedulerServerOptions options);
    SchedulerServer(SchedulerServer&&) noexcept;
    SchedulerServer& operator=(SchedulerServer&&) = delete;
    /// Says goodbye to all: workers end, clients fail what they wait for.
    ~SchedulerServer();

    /// Where it listens, as in the options, with the ports that it has got.
    [[nodiscard]] const std::vector<net::Address>& addresses() const;

    [[nodiscard]] ClusterInfo info() const;

    void retire(const std::vector<WorkerRef>& workers);

    /// For nannies in this process; others connect and say the same.
    void nanny_says(const FromNanny& message);

    /// For how long there has been neither a client nor a task.
    [[nodiscard]] Nanoseconds idle_for() const;

  private:
    class Impl;
    net::EventLoop* loop_;
    std::shared_ptr<Impl> impl_;
};

}  // namespace satchel::cluster
