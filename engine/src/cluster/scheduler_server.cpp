// Connections of workers, clients and nannies, and the machine between them.
#include "cluster/scheduler_server.hpp"

#include <satchel/error.hpp>
#include <satchel/log.hpp>

#include "cluster/codec.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace satchel::cluster {
namespace {

using namespace std::chrono_literals;

// How long a nanny may take to tell why the connection of its worker was lost.
constexpr std::chrono::seconds nanny_delay{2};

Nanoseconds now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

}  // namespace

class SchedulerServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(net::EventLoop& loop, SchedulerServerOptions options)
        : loop_(loop), options_(std::move(options)), machine_(options_.scheduler), tick_(loop) {}

    void start();
    void close();
    [[nodiscard]] const std::vector<net::Address>& addresses() const { return addresses_; }
    [[nodiscard]] ClusterInfo info() const;
    [[nodiscard]] Nanoseconds idle_for() const { return is_idle() ? now() - busy_until_ : 0; }
    void on(const FromNanny& message);
    void on(const RetireWorkers& message);

  private:
    // Who is at the other end of a connection.
    struct Peer {
        net::Connection connection;
        std::optional<WorkerRef> worker = {};
        std::optional<ClientId> client = {};
        std::string name = {};
        std::set<std::string> watched = {};  // by this nanny
    };
    // A worker whose connection was lost, and whose nanny has not spoken yet.
    struct Lost {
        WorkerRef worker;
        scheduler::WorkerDeath seen;  // how it looks from here
        net::Timer timer;
    };
    using PeerId = std::uint64_t;

    void accept(net::Connection connection);
    void received(PeerId id, net::Message& message);
    void closed(PeerId id, const net::Closed& why);
    void register_worker(PeerId id, const RegisterWorker& message);
    void from_client(Peer& peer, ClientToServer&& message);
    void on(Peer& peer, std::vector<FromClient>&& messages);
    void on(Peer& peer, const InfoRequest& request);
    void on(Peer&, const RetireWorkers& request) { on(request); }
    void on(Peer&, const RestartWorkers&);
    void on(Peer&, const ShutdownCluster&);
    void on(const WatchedWorker& message) { ++watched_[message.name]; }
    void on(const WorkerEnded& message);
    void lose_worker(WorkerRef worker, const scheduler::WorkerDeath& death);
    void lose_untold(const std::string& name);
    void disconnect(WorkerRef worker, std::string_view reason);
    void drop_unread(PeerId id);
    void hang_up(WorkerRef worker);
    [[nodiscard]] std::int64_t count_clients() const;
    [[nodiscard]] bool is_idle() const;
    void tick();
    void flush_soon();
    void flush();

    net::EventLoop& loop_;
    SchedulerServerOptions options_;
    scheduler::Scheduler machine_;
    net::Timer tick_;
    std::vector<net::Listener> listeners_;
    std::vector<net::Address> addresses_;
    std::map<PeerId, std::unique_ptr<Peer>> peers_;
    PeerId next_peer_ = 0;
    std::map<WorkerRef, PeerId> workers_;
    std::map<ClientId, PeerId> clients_;
    std::map<std::string, int> watched_;  // workers that have a nanny, by name
    std::map<std::string, std::unique_ptr<Lost>> lost_;
    std::string last_refused_;  // where, of a worker that may try again
    Nanoseconds busy_until_ = now();
    bool is_flush_due_ = false;
};

// ---- connections --------------------------------------------------------------------------------

void SchedulerServer::Impl::start() {
    const net::ListenOptions options{
        .identity = {.role = net::Role::scheduler, .credentials = options_.credentials}};
    for (const auto& where : options_.listen) {
        listeners_.emplace_back(loop_, where, options, [this](net::Connection connection) {
            accept(std::move(connection));
        });
        addresses_.push_back(listeners_.back().address());
    }
    tick();
}

void SchedulerServer::Impl::close() {
    listeners_.clear();
    tick_.cancel();
    lost_.clear();
    options_.shutdown = options_.restart = nullptr;
    options_.workers_changed = nullptr;
    for (auto& [id, peer] : peers_) peer->connection.close("the cluster was shut down");
    // What they still have to send leaves before they are destroyed.
    loop_.after_sending([self = shared_from_this()] {});
}

void SchedulerServer::Impl::accept(net::Connection connection) {
    const auto id = next_peer_++;
    auto& peer = *(peers_[id] = std::make_unique<Peer>());
    peer.connection = std::move(connection);
    const auto role = peer.connection.peer_role();
    if (role == net::Role::client || role == net::Role::task) {
        peer.client = machine_.add_client(role == net::Role::task);
        clients_[*peer.client] = id;
        flush_soon();
    }
    peer.connection.start({.received = [this, id](auto& message) { received(id, message); },
                           .closed = [this, id](const auto& why) { closed(id, why); }});
}

void SchedulerServer::Impl::received(PeerId id, net::Message& message) {
    auto& peer = *peers_.at(id);
    switch (peer.connection.peer_role()) {
        case net::Role::client:
        case net::Role::task:
            from_client(peer, receive<ClientToServer>(message));
            break;
        case net::Role::worker:
            if (!peer.worker) return register_worker(id, receive<RegisterWorker>(message));
            for (const auto& event : receive<std::vector<FromWorker>>(message)) {
                machine_.handle(*peer.worker, event, now());
            }
            break;
        case net::Role::nanny: {
            const auto said = receive<FromNanny>(message);
            if (const auto* watch = std::get_if<WatchedWorker>(&said)) {
                if (!peer.watched.insert(watch->name).second) return;
            }
            on(said);
            break;
        }
        case net::Role::scheduler:
            throw Error("another scheduler has nothing to say to this one");
    }
    flush_soon();
}

void SchedulerServer::Impl::closed(PeerId id, const net::Closed& why) {
    const auto peer = std::move(peers_.at(id));
    peers_.erase(id);
    if (peer->client) {
        clients_.erase(*peer->client);
        machine_.remove_client(*peer->client);
        busy_until_ = now();
    }
    for (const auto& name : peer->watched) {
        if (--watched_[name] > 0) continue;
        watched_.erase(name);
        if (lost_.contains(name)) lose_untold(name);
    }
    if (peer->worker) {
        workers_.erase(*peer->worker);
        const bool planned = why.kind == net::Closed::Kind::by_peer;
        const scheduler::WorkerDeath death{
            .cause = planned ? "it said goodbye: " + why.text : why.text, .planned = planned};
        // A goodbye that only its process has planned, perhaps by a task's hand, is no plan.
        if (watched_.contains(peer->name)) {
            auto& lost = lost_[peer->name];
            lost = std::make_unique<Lost>(Lost{*peer->worker, death, net::Timer(loop_)});
            lost->timer.start(nanny_delay, [this, name = peer->name] { lose_untold(name); });
        } else {
            lose_worker(*peer->worker, death);
        }
    }
    flush_soon();
}

void SchedulerServer::Impl::register_worker(PeerId id, const RegisterWorker& message) {
    auto& peer = *peers_.at(id);
    // The nanny may still tell how the one before it has ended; that is then no news of this one.
    if (const auto lost = lost_.find(message.name); lost != lost_.end()) {
        lose_worker(lost->second->worker, lost->second->seen);
    }
    if (const auto why = machine_.why_refused(message, now()); !why.empty()) {
        if (std::exchange(last_refused_, message.address) != message.address) {
            log_warning("scheduler",
                        fmt::format("a worker at {} is refused: {}", peer.connection.peer(), why));
        }
        return peer.connection.close(why);
    }
    peer.name = message.name;
    peer.worker = machine_.add_worker(message, now());
    workers_[*peer.worker] = id;
    if (options_.workers_changed) options_.workers_changed(workers_.size());
    flush_soon();
}

// Without telling the machine, which knows.
void SchedulerServer::Impl::disconnect(WorkerRef worker, std::string_view reason) {
    const auto found = workers_.find(worker);
    if (found == workers_.end()) return;
    const auto id = found->second;
    workers_.erase(found);
    auto& peer = *peers_.at(id);
    peer.worker.reset();
    peer.connection.close(reason);
}

// Without a goodbye, after which a worker ends.
void SchedulerServer::Impl::hang_up(WorkerRef worker) {
    const auto found = workers_.find(worker);
    if (found == workers_.end()) return;
    peers_.erase(found->second);
    workers_.erase(found);
}

// ---- clients ------------------------------------------------------------------------------------

void SchedulerServer::Impl::from_client(Peer& peer, ClientToServer&& message) {
    std::visit([&](auto&& request) { on(peer, std::forward<decltype(request)>(request)); },
               std::move(message));
}

void SchedulerServer::Impl::on(Peer& peer, std::vector<FromClient>&& messages) {
    for (auto& message : messages) machine_.handle(*peer.client, std::move(message), now());
}

void SchedulerServer::Impl::on(Peer& peer, const InfoRequest& request) {
    flush();  // so that the answer is not ahead of what it tells of
    auto answer = info();
    answer.request = request.request;
    send(peer.connection, ServerToClient(std::move(answer)));
}

void SchedulerServer::Impl::on(Peer&, const RestartWorkers&) {
    if (options_.restart) return options_.restart();
    for (const auto& [worker, id] : std::map(workers_)) {
        const auto& name = peers_.at(id)->name;
        const auto nanny = std::ranges::find_if(
            peers_, [&](const auto& entry) { return entry.second->watched.contains(name); });
        if (nanny != peers_.end()) {
            send(nanny->second->connection, RestartWorker{name});
        } else {
            // It comes back as a new one.
            lose_worker(worker, {.cause = "a client asked for a restart", .planned = true});
            hang_up(worker);
        }
    }
}

void SchedulerServer::Impl::on(Peer&, const ShutdownCluster&) {
    if (options_.shutdown) options_.shutdown();
}

ClusterInfo SchedulerServer::Impl::info() const {
    ClusterInfo info;
    if (!addresses_.empty()) info.address = addresses_.front().text();
    for (WorkerId id = 0; id < machine_.workers().size(); ++id) {
        const auto& worker = machine_.workers()[id];
        if (!worker.alive) continue;
        info.workers.push_back({{id, worker.incarnation},
                                worker.name,
                                worker.address,
                                worker.threads,
                                worker.memory_limit,
                                static_cast<std::int64_t>(worker.processing.size()),
                                worker.held,
                                worker.held_bytes,
                                worker.retiring,
                                worker.metrics});
    }
    for (std::size_t k = 1; k < scheduler::task_states; ++k) {
        const auto state = static_cast<scheduler::TaskState>(k);
        info.tasks.emplace_back(scheduler::name_of(state), machine_.count(state));
    }
    info.clients = count_clients();
    return info;
}

// ---- workers ------------------------------------------------------------------------------------

void SchedulerServer::Impl::on(const FromNanny& message) {
    std::visit([&](const auto& said) { on(said); }, message);
    flush_soon();
}

void SchedulerServer::Impl::on(const WorkerEnded& message) {
    const scheduler::WorkerDeath death{.cause = message.cause, .planned = message.planned};
    if (const auto found = lost_.find(message.name); found != lost_.end()) {
        const auto worker = found->second->worker;
        lost_.erase(found);
        return lose_worker(worker, death);
    }
    // The news was faster than the end of the connection.
    for (const auto& [worker, id] : workers_) {
        if (peers_.at(id)->name != message.name) continue;
        const auto dead = worker;
        lose_worker(dead, death);
        return disconnect(dead, "its nanny says that it has ended");
    }
}

void SchedulerServer::Impl::on(const RetireWorkers& message) {
    for (const auto worker : message.workers) machine_.retire_worker(worker);
    flush_soon();
}

// Its nanny has not told how it ended, and will not.
void SchedulerServer::Impl::lose_untold(const std::string& name) {
    const auto lost = std::move(lost_.extract(name).mapped());
    lose_worker(lost->worker, lost->seen);
}

void SchedulerServer::Impl::lose_worker(WorkerRef worker, const scheduler::WorkerDeath& death) {
    machine_.remove_worker(worker, death);
    flush_soon();
}

// ---- time and instructions ----------------------------------------------------------------------

// Not those of workers, which stay as long as these do.
std::int64_t SchedulerServer::Impl::count_clients() const {
    return std::ranges::count_if(peers_, [](const auto& peer) {
        return peer.second->connection.peer_role() == net::Role::client;
    });
}

bool SchedulerServer::Impl::is_idle() const {
    using scheduler::TaskState;
    const auto busy = machine_.count(TaskState::waiting) + machine_.count(TaskState::queued) +
                      machine_.count(TaskState::no_worker) + machine_.count(TaskState::following) +
                      machine_.count(TaskState::processing);
    return busy == 0 && count_clients() == 0;
}

void SchedulerServer::Impl::tick() {
    machine_.tick(now());
    if (!is_idle()) busy_until_ = now();
    flush_soon();
    tick_.start(std::chrono::nanoseconds(options_.scheduler.heartbeat_interval),
                [this] { tick(); });
}

// Once in a turn of the loop: the more events there were, the larger the messages.
void SchedulerServer::Impl::flush_soon() {
    if (std::exchange(is_flush_due_, true)) return;
    loop_.post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->flush();
    });
}

void SchedulerServer::Impl::flush() {
    is_flush_due_ = false;
    const auto out = machine_.take();
    for (const auto& batch : out.workers) {
        const auto found = workers_.find(batch.to);
        if (found != workers_.end()) send(peers_.at(found->second)->connection, batch);
    }
    for (const auto& [client, messages] : out.clients) {
        const auto found = clients_.find(client);
        if (found == clients_.end()) continue;
        send(peers_.at(found->second)->connection, ServerToClient(messages));
    }
    for (const auto& [worker, reason, may_return] : out.disconnects) {
        may_return ? hang_up(worker) : disconnect(worker, reason);
    }
    for (const auto& warning : out.warnings) log_warning("scheduler", warning);
    for (const auto& [id, peer] : peers_) {
        if (peer->connection.queued() <= options_.unread_max) continue;
        // Not at once: this may be in the middle of answering it.
        loop_.post([weak = weak_from_this(), id] {
            if (const auto self = weak.lock()) self->drop_unread(id);
        });
    }
}

// What somebody leaves unread is kept here; so there must be an end to it.
void SchedulerServer::Impl::drop_unread(PeerId id) {
    const auto found = peers_.find(id);
    if (found == peers_.end() || !(found->second->worker || found->second->client)) return;
    const auto& peer = *found->second;
    const auto who = peer.client ? "a client" : fmt::format("the worker '{}'", peer.name);
    const auto why = fmt::format("{} at {} left {} bytes of messages unread", who,
                                 peer.connection.peer(), peer.connection.queued());
    log_warning("scheduler", why + ", and is disconnected");
    closed(id, {net::Closed::Kind::lost, why});
}

// ---- the server ---------------------------------------------------------------------------------

SchedulerServer::SchedulerServer(net::EventLoop& loop, SchedulerServerOptions options)
    : loop_(&loop), impl_(std::make_shared<Impl>(loop, std::move(options))) {
    try {
        loop.call([&] { impl_->start(); });
    } catch (...) {
        loop.call([&] { impl_.reset(); });
        throw;
    }
}
SchedulerServer::SchedulerServer(SchedulerServer&&) noexcept = default;
SchedulerServer::~SchedulerServer() {
    if (!impl_) return;
    loop_->call([&] {
        impl_->close();
        impl_.reset();
    });
}

const std::vector<net::Address>& SchedulerServer::addresses() const { return impl_->addresses(); }
ClusterInfo SchedulerServer::info() const {
    return loop_->call([&] { return impl_->info(); });
}
void SchedulerServer::retire(const std::vector<WorkerRef>& workers) {
    loop_->call([&] { impl_->on(RetireWorkers{workers}); });
}
void SchedulerServer::nanny_says(const FromNanny& message) {
    loop_->call([&] { impl_->on(message); });
}
Nanoseconds SchedulerServer::idle_for() const {
    return loop_->call([&] { return impl_->idle_for(); });
}

}  // namespace satchel::cluster
