// The connection of a client: what the session has to say is sent once in a turn of the loop, and
// results are asked for from the workers that have them.
#include "client/remote_executor.hpp"

#include <satchel/detail/kept_result.hpp>
#include <satchel/detail/run_progress.hpp>
#include <satchel/error.hpp>

#include "client/gather.hpp"
#include "client/graph_message.hpp"
#include "cluster/codec.hpp"
#include "graph/task_context.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <stop_token>
#include <utility>

#include <fmt/format.h>

namespace satchel::client {
namespace {

// One question is for so many results, or for so many bytes, so that they flow while others are
// being written.
constexpr std::size_t question_tasks_max = 512;
constexpr std::int64_t question_bytes_max = 4 << 20;

// A worker that cannot be reached has mostly died. Were that said at once, the scheduler, which may
// learn of the death a little later, would name the same worker again, until it gives up.
constexpr std::chrono::milliseconds report_pause{500};

constexpr std::chrono::seconds patience_after_end{5};

// A graph that was sent: its outputs are fetched as they come.
class RemoteSubmission final : public Submission {
  public:
    RemoteSubmission(std::shared_ptr<Gather> gather, const std::stop_token& token)
        : gather_(std::move(gather)), on_stop_(token, [this] { gather_->cancel(); }) {}
    ~RemoteSubmission() override {
        if (!gather_->done()) gather_->cancel();
    }
    RemoteSubmission(const RemoteSubmission&) = delete;
    RemoteSubmission& operator=(const RemoteSubmission&) = delete;

    [[nodiscard]] bool done() const override { return gather_->done(); }
    [[nodiscard]] std::vector<Value> take() override { return gather_->take(); }

  private:
    std::shared_ptr<Gather> gather_;
    detail::OnStop on_stop_;
};

// While it lives, how far a graph has come is shown, if it is watched.
class WatchedGraph {
  public:
    WatchedGraph(Session& session, std::uint64_t number) : session_(session), number_(number) {}
    WatchedGraph(const WatchedGraph&) = delete;
    WatchedGraph& operator=(const WatchedGraph&) = delete;
    ~WatchedGraph() {
        const std::lock_guard lock(session_.mutex());
        session_.end_watch(number_);
    }
    void finish() {
        const std::lock_guard lock(session_.mutex());
        session_.finish_watched(number_);
    }

  private:
    Session& session_;
    std::uint64_t number_;
};

void require_not_stopped(const RunOptions& options) {
    if (!options.stop_token.stop_requested()) return;
    throw Cancelled("the run was stopped before it had begun");
}

}  // namespace

RemoteExecutor::RemoteExecutor(const net::Address& scheduler, const net::Credentials& credentials,
                               net::Role role)
    : scheduler_(scheduler),
      session_(std::make_shared<Session>([this] { loop_.post([this] { flush(); }); })) {
    const net::Identity identity{.role = role, .credentials = credentials};
    connection_ = net::connect(loop_, scheduler, {.identity = identity});
    if (connection_.peer_role() != net::Role::scheduler) {
        throw ConnectionError(fmt::format("connecting to {}: a {} answers there, no scheduler",
                                          scheduler.text(),
                                          net::role_name(connection_.peer_role())));
    }
    loop_.call([&] {
        fetcher_.emplace(loop_, identity);
        report_timer_.emplace(loop_);
        end_timer_.emplace(loop_);
        connection_.start({.received =
                               [this](net::Message& message) {
                                   session_->received(cluster::receive<ServerToClient>(message));
                               },
                           .closed = [this](const net::Closed& why) { closed(why); }});
    });
    (void)session_->info();
}

RemoteExecutor::~RemoteExecutor() { close(); }

void RemoteExecutor::close() {
    session_->end(std::make_exception_ptr(
        ClientClosed(fmt::format("the client of {} was closed", scheduler_.text()))));
    const std::lock_guard lock(closing_);
    loop_.call([&] {
        if (fetcher_) fetcher_->give_up();
        report();
        fetcher_.reset();
        report_timer_.reset();
        end_timer_.reset();
        if (connection_) connection_.close("the client was closed");
        loop_.after_sending([this] { connection_ = {}; });
    });
    loop_.stop();
}

std::unique_ptr<Submission> RemoteExecutor::submit(Graph graph, std::vector<TaskIndex> outputs,
                                                   const RunOptions& options) const {
    require_not_stopped(options);
    auto [states, watch] = send(std::move(graph), std::move(outputs), options.progress);
    return std::make_unique<RemoteSubmission>(Gather::start_outputs(std::move(states), watch),
                                              options.stop_token);
}

std::vector<StatePtr> RemoteExecutor::begin(Graph graph, std::vector<TaskIndex> outputs) const {
    return send(std::move(graph), std::move(outputs), nullptr).states;
}

RemoteExecutor::Sent RemoteExecutor::send(
    Graph graph, std::vector<TaskIndex> outputs,
    const std::shared_ptr<detail::RunProgress>& progress) const {
    auto message = make_graph_message(std::move(graph), std::move(outputs), *session_);
    auto& update = message.update;
    if (progress) {
        std::uint64_t tasks = 0;
        for (const auto& layer : update.layers) tasks += layer.data.empty() ? layer.count : 0;
        update.watch = session_->watch(progress, tasks);
    }
    const auto watch = update.watch;
    return {session_->submit(std::move(update), message.names, message.outputs,
                             std::move(message.offers)),
            watch};
}

std::vector<Value> RemoteExecutor::keep(Graph graph, std::vector<TaskIndex> outputs,
                                        const RunOptions& options) const {
    require_not_stopped(options);
    const detail::WatchedRun watched;
    const auto progress = options.progress ? options.progress : watched.progress();
    auto [sent, watch] = send(std::move(graph), std::move(outputs), progress);
    WatchedGraph watched_graph(*session_, watch);
    Completions completions(std::move(sent));
    const auto& states = completions.states();
    const detail::OnStop on_stop(options.stop_token, [&] { completions.cancel(); });
    for (std::size_t left = states.size(); left > 0; --left) {
        session_->require_success(*states[*completions.next({})]);
    }
    watched_graph.finish();
    return kept(states);
}

std::vector<Value> RemoteExecutor::kept(const std::vector<StatePtr>& states) {
    std::vector<Value> values;
    values.reserve(states.size());
    for (const auto& state : states) values.push_back(detail::kept_value(state));
    return values;
}

std::int64_t RemoteExecutor::concurrency() const { return session_->threads(); }

void RemoteExecutor::closed(const net::Closed& why) {
    const auto reason = why.kind == net::Closed::Kind::by_peer
                            ? fmt::format("the scheduler at {} has closed the connection: {}",
                                          scheduler_.text(), why.text)
                            : fmt::format("the connection to the scheduler at {} was lost: {}",
                                          scheduler_.text(), why.text);
    session_->end(std::make_exception_ptr(ConnectionError(reason)));
    // What is on its way may come, but from a worker that stands still it never does.
    if (end_timer_) end_timer_->start(patience_after_end, [this] { fetcher_->give_up(); });
}

void RemoteExecutor::flush() {
    auto outbox = session_->take();
    if (!connection_) return;
    for (const auto& address : outbox.gone) fetcher_->give_up(address);
    for (const auto& message : outbox.messages) cluster::send(connection_, message);
    start_fetches(std::move(outbox.fetches));
    start_sendings(std::move(outbox.sendings));
}

void RemoteExecutor::start_sendings(std::vector<Sending> sendings) {
    std::map<std::string, PutData> messages;
    for (auto& one : sendings) {
        messages[one.address].items.push_back(
            {one.task, true, std::move(one.value.head), std::move(one.value.segments)});
    }
    for (const auto& [address, message] : messages) {
        std::vector<TaskRef> tasks;
        tasks.reserve(message.items.size());
        for (const auto& item : message.items) tasks.push_back(item.task);
        fetcher_->put(address, message,
                      [this, tasks = std::move(tasks)](const auto& reply, const auto&) {
                          if (reply) return;
                          report_later();
                          not_sent_.insert(not_sent_.end(), tasks.begin(), tasks.end());
                      });
    }
}

void RemoteExecutor::report_later() {
    if (!not_sent_.empty() || !not_fetched_.empty()) return;  // it will be
    report_timer_->start(report_pause, [this] { report(); });
}

void RemoteExecutor::report() {
    session_->not_sent(std::exchange(not_sent_, {}));
    for (const auto& [fetch, why] : std::exchange(not_fetched_, {})) {
        fetch.gather->unreached(fetch.number, fetch.task, fetch.holder, why);
    }
}

void RemoteExecutor::start_fetches(std::vector<Fetch> fetches) {
    std::map<std::string, std::vector<Fetch>> questions;
    std::map<std::string, std::int64_t> bytes;
    const auto ask = [&](const std::string& address, std::vector<Fetch> question) {
        std::vector<TaskRef> tasks;
        tasks.reserve(question.size());
        for (const auto& one : question) tasks.push_back(one.task);
        const auto done = [this, question = std::move(question)](auto items, const auto& why) {
            for (std::size_t k = 0; k < question.size(); ++k) {
                const auto& one = question[k];
                if (!items && !why.empty()) {
                    report_later();
                    not_fetched_.push_back({one, why});
                    continue;
                }
                one.gather->arrived(one.number, one.task, one.holder,
                                    items ? std::optional(std::move((*items)[k])) : std::nullopt);
            }
        };
        fetcher_->fetch(address, std::move(tasks), done);
    };
    for (auto& fetch : fetches) {
        if (fetch.address.empty()) {
            fetch.gather->arrived(fetch.number, fetch.task, fetch.holder, std::nullopt);
            continue;
        }
        const auto address = fetch.address;
        auto& question = questions[address];
        bytes[address] += fetch.nbytes;
        question.push_back(std::move(fetch));
        if (question.size() < question_tasks_max && bytes[address] < question_bytes_max) continue;
        ask(address, std::exchange(question, {}));
        bytes[address] = 0;
    }
    for (auto& [address, question] : questions) {
        if (!question.empty()) ask(address, std::move(question));
    }
}

}  // namespace satchel::client
