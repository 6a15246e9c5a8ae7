// A worker's connections, and the machine, the threads and the values between them.
#include "cluster/worker_server.hpp"

#include <satchel/error.hpp>
#include <satchel/log.hpp>
#include <satchel/units.hpp>

#include "cluster/call.hpp"
#include "cluster/codec.hpp"
#include "cluster/helper_thread.hpp"
#include "cluster/peer_data.hpp"
#include "cluster/task_executor.hpp"
#include "cluster/task_threads.hpp"
#include "cluster/worker_memory.hpp"
#include "process/memory_use.hpp"
#include "worker/worker.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cluster {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds first_pause = 20ms;
constexpr std::chrono::milliseconds longest_pause = 1000ms;
constexpr std::chrono::milliseconds patience_with_refusals = 2000ms;
// What was taken for short, and is not, has others wait behind it for so long.
constexpr std::chrono::milliseconds patience_with_calls = 5ms;

struct RefHash {
    std::size_t operator()(TaskRef ref) const noexcept { return digest_of(ref); }
};

}  // namespace

class WorkerServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(net::EventLoop& loop, WorkerServerOptions options)
        : loop_(loop),
          options_(std::move(options)),
          identity_{.role = net::Role::worker, .credentials = options_.credentials},
          timer_(loop),
          heartbeat_(loop),
          relief_(loop),
          executor_(options_.scheduler, options_.credentials),
          memory_(loop, helper_, options_.is_whole_process ? options_.memory_limit : 0,
                  options_.memory_interval,
                  {.is_idle = [this] { return machine_->is_idle(); },
                   .pause =
                       [this](bool pauses) {
                           machine_->pause(pauses);
                           act();
                       }}) {}

    void start();
    /// In the thread of the loop; then `end_threads` in another.
    void close();
    [[nodiscard]] bool is_busy() { return threads_->are_busy(); }
    void end_threads() {
        helper_.end();
        threads_->end();
    }

  private:
    using Batches = std::vector<std::vector<Call>>;

    [[nodiscard]] TaskThreadsHandlers handlers();
    void connect();
    void connected(net::ConnectResult result);
    void disconnected(const net::Closed& why);
    void refused(const std::string& why);
    void try_again(const std::string& why);
    void give_up(const std::string& why);
    void end(const WorkerServerEnd& end);
    void reset();
    void received(net::Message& message);
    void beat();
    void drop_unused_code();
    void act();
    void fetch(const worker::Instructions::Fetch& fetch);
    void fetched(std::uint64_t number, std::optional<std::vector<DataItem>> items);
    void put(std::vector<DataItem> items);
    [[nodiscard]] Call prepare(worker::Call&& call, TaskRef before);
    [[nodiscard]] const std::shared_ptr<LayerCode>& code_of(
        const std::shared_ptr<const LayerDefinition>& definition);
    void execute(Batches batches);
    void relieve_threads();
    void stop(const std::vector<TaskRef>& tasks);
    void stop_all();
    void drop(const std::vector<TaskRef>& tasks);
    void done(std::vector<Outcome>&& outcomes);
    void not_begun(std::uint32_t life, std::deque<Call>&& calls);
    /// `work`, in the thread of the loop, unless this is gone by then.
    template <class Work>
    void post(Work work);

    net::EventLoop& loop_;
    WorkerServerOptions options_;
    net::Identity identity_;
    net::Connection scheduler_;
    net::Timer timer_;  // for connecting again
    net::Timer heartbeat_;
    net::Timer relief_;
    bool is_relief_due_ = false;
    std::chrono::nanoseconds beat_interval_ = 500ms;
    std::optional<net::Listener> listener_;
    std::optional<worker::Worker> machine_;
    std::uint32_t life_ = 0;  // how often it was connected
    std::unordered_map<TaskRef, std::shared_ptr<StoredValue>, RefHash> values_;
    std::unordered_map<TaskRef, std::stop_source, RefHash> sources_;  // of calls that were begun
    std::unordered_map<LayerId, std::shared_ptr<LayerCode>> code_;
    std::optional<DataFetcher> fetcher_;
    std::optional<DataServer> data_server_;
    Clock::time_point alone_since_ = Clock::now();
    std::chrono::milliseconds pause_ = first_pause;
    std::optional<Clock::time_point> refused_since_;
    bool is_over_ = false;
    TaskExecutor executor_;
    // They come last, because they may run what uses the rest.
    HelperThread helper_;
    WorkerMemory memory_;
    std::optional<TaskThreads> threads_;
};

template <class Work>
void WorkerServer::Impl::post(Work work) {
    loop_.post([weak = weak_from_this(), work = std::move(work)]() mutable {
        if (const auto self = weak.lock()) work(*self);
    });
}

// ---- connections --------------------------------------------------------------------------------

void WorkerServer::Impl::start() {
    listener_.emplace(loop_, options_.listen, net::ListenOptions{.identity = identity_},
                      [this](net::Connection connection) {
                          if (data_server_) data_server_->accept(std::move(connection));
                      });
    if (options_.name.empty()) options_.name = listener_->address().text();
    threads_.emplace(options_.name, options_.is_whole_process, handlers());
    connect();
}

void WorkerServer::Impl::connect() {
    if (is_over_) return;
    net::connect_soon(loop_, options_.scheduler, {.identity = identity_},
                      [weak = weak_from_this()](net::ConnectResult result) {
                          if (const auto self = weak.lock()) self->connected(std::move(result));
                      });
}

void WorkerServer::Impl::connected(net::ConnectResult result) {
    if (is_over_) return;
    if (result.is_stranger) return give_up(result.error);
    if (!result.connection) return try_again(result.error);
    if (result.connection.peer_role() != net::Role::scheduler) {
        return give_up(fmt::format("a {} answers there, no scheduler",
                                   net::role_name(result.connection.peer_role())));
    }
    reset();
    scheduler_ = std::move(result.connection);
    scheduler_.start({.received = [this](auto& message) { received(message); },
                      .closed = [this](const auto& why) { disconnected(why); }});
    send(scheduler_,
         RegisterWorker{options_.name, listener_->address().text(),
                        static_cast<std::uint32_t>(options_.threads), options_.memory_limit});
}

void WorkerServer::Impl::disconnected(const net::Closed& why) {
    heartbeat_.cancel();
    scheduler_ = {};
    // Who was not even welcomed was refused.
    const bool was_welcome = machine_->self().worker != none;
    if (was_welcome) alone_since_ = Clock::now();
    if (why.kind == net::Closed::Kind::by_peer && !was_welcome) return refused(why.text);
    if (why.kind == net::Closed::Kind::by_peer) return end({why.text});
    if (why.kind == net::Closed::Kind::here) return end({"it was closed"});
    try_again(why.text);
}

// The scheduler may not have seen the end of the one before this yet, which had the same name.
void WorkerServer::Impl::refused(const std::string& why) {
    if (!refused_since_) refused_since_ = Clock::now();
    Clock::now() - *refused_since_ < patience_with_refusals ? try_again(why) : give_up(why);
}

void WorkerServer::Impl::try_again(const std::string& why) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        alone_since_ + options_.death_timeout - Clock::now());
    if (left <= 0ms) return give_up(why);
    timer_.start(std::min(pause_, left), [this] { connect(); });
    const auto next_pause = std::min(2 * pause_, longest_pause);
    if (std::exchange(pause_, next_pause) != next_pause && next_pause == longest_pause) {
        log_warning("worker",
                    fmt::format("the worker '{}' has no scheduler yet, and tries on for {}: {}",
                                options_.name,
                                format_duration(std::chrono::duration<double>(left).count()), why));
    }
}

void WorkerServer::Impl::give_up(const std::string& why) {
    end({fmt::format("the worker {} gives up its scheduler at {}: {}", options_.name,
                     options_.scheduler.text(), why),
         false});
}

void WorkerServer::Impl::end(const WorkerServerEnd& end) {
    if (is_over_) return;
    close();                            // who ordered the end waits to see the connection go
    const auto ended = options_.ended;  // a copy: it may destroy this
    if (ended) ended(end);
}

// A new life: nothing of the old one is known to the scheduler.
void WorkerServer::Impl::reset() {
    ++life_;
    memory_.forget();
    machine_.emplace(worker::Options{.threads = static_cast<std::uint32_t>(options_.threads)});
    fetcher_.emplace(loop_, identity_);
    data_server_.emplace(
        loop_, helper_,
        [this](TaskRef task) {
            const auto found = values_.find(task);
            return found == values_.end() || !machine_->holds(task) ? nullptr : found->second;
        },
        [this](auto items) { put(std::move(items)); });
    stop_all();
    helper_.post([values = std::exchange(values_, {}), code = std::exchange(code_, {})] {});
}

void WorkerServer::Impl::close() {
    is_over_ = true;
    listener_.reset();
    timer_.cancel();
    heartbeat_.cancel();
    memory_.cancel();
    relief_.cancel();
    fetcher_.reset();
    data_server_.reset();
    stop_all();
    if (!scheduler_) return;
    scheduler_.close("the worker was closed");
    loop_.after_sending([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->scheduler_ = {};
    });
}

// ---- the machine --------------------------------------------------------------------------------

void WorkerServer::Impl::received(net::Message& message) {
    const bool was_known = machine_->self().worker != none;
    const auto batch = receive<WorkerBatch>(message);
    machine_->handle(batch);
    if (!was_known && machine_->self().worker != none) {
        pause_ = first_pause;
        refused_since_.reset();
        const auto& welcome = std::get<Welcome>(batch.messages.front());
        beat_interval_ = std::chrono::nanoseconds(
            std::clamp<Nanoseconds>(welcome.heartbeat_interval, 10'000'000, 60'000'000'000));
        beat();
        memory_.watch(options_.name);
        if (options_.joined) options_.joined();
    }
    act();
}

void WorkerServer::Impl::beat() {
    heartbeat_.start(beat_interval_, [this] { beat(); });
    drop_unused_code();
    machine_->heartbeat(process::memory_in_use(::getpid()));
    act();
}

// What it holds may be a user's, and is destroyed elsewhere.
void WorkerServer::Impl::drop_unused_code() {
    std::vector<std::shared_ptr<LayerCode>> dropped;
    std::erase_if(code_, [&](auto& entry) {
        auto& code = entry.second;
        const bool is_unused = code->definition().use_count() == 1 && code.use_count() == 1;
        if (is_unused) dropped.push_back(std::move(code));
        return is_unused;
    });
    if (!dropped.empty()) helper_.post([dropped = std::move(dropped)] {});
}

void WorkerServer::Impl::act() {
    if (is_over_) return;
    auto out = machine_->take();
    if (!out.messages.empty() && scheduler_) send(scheduler_, out.messages);
    for (const auto& request : out.fetches) fetch(request);
    Batches batches;
    for (auto& execute : out.executes) {
        auto& batch = batches.emplace_back();
        TaskRef before;
        for (auto& call : execute.calls) {
            batch.push_back(prepare(std::move(call), std::exchange(before, call.task)));
        }
    }
    if (!batches.empty()) {
        // The scheduler must know of a call that ends this process.
        loop_.after_sending([weak = weak_from_this(), batches = std::move(batches)]() mutable {
            if (const auto self = weak.lock()) self->execute(std::move(batches));
        });
    }
    for (const auto task : out.resumes) threads_->resume(task, life_);
    stop(out.stops);
    drop(out.drops);
    if (out.close) end({"the scheduler closed this worker"});
}

void WorkerServer::Impl::execute(Batches batches) {
    if (is_over_) return;
    const bool has_some_together =
        std::ranges::any_of(batches, [](const auto& batch) { return batch.size() > 1; });
    for (auto& batch : batches) threads_->execute(std::move(batch));
    if (has_some_together && !is_relief_due_) relieve_threads();
}

void WorkerServer::Impl::relieve_threads() {
    is_relief_due_ = threads_->relieve(patience_with_calls);
    if (is_relief_due_) relief_.start(patience_with_calls, [this] { relieve_threads(); });
}

void WorkerServer::Impl::fetch(const worker::Instructions::Fetch& fetch) {
    fetcher_->fetch(
        fetch.address, fetch.tasks,
        [this, number = fetch.number](std::optional<std::vector<DataItem>> items,
                                      const std::string&) { fetched(number, std::move(items)); });
}

void WorkerServer::Impl::fetched(std::uint64_t number, std::optional<std::vector<DataItem>> items) {
    if (items) {
        std::vector<worker::Worker::Fetched> brought;
        for (auto& item : *items) {
            auto value = std::make_shared<StoredValue>(
                Encoded{std::move(item.head), std::move(item.segments)});
            memory_.note_arrival(value);
            brought.push_back({item.task, item.present, value->nbytes()});
            if (item.present) values_.try_emplace(item.task, std::move(value));
        }
        machine_->fetched(number, brought);
        memory_.look_at_arrivals();
    } else {
        machine_->fetch_failed(number);
    }
    act();
}

void WorkerServer::Impl::put(std::vector<DataItem> items) {
    for (auto& item : items) {
        auto value =
            std::make_shared<StoredValue>(Encoded{std::move(item.head), std::move(item.segments)});
        memory_.note_arrival(value);
        if (machine_->put(item.task, value->nbytes())) values_[item.task] = std::move(value);
    }
    act();
}

const std::shared_ptr<LayerCode>& WorkerServer::Impl::code_of(
    const std::shared_ptr<const LayerDefinition>& definition) {
    auto& code = code_[definition->layer];
    if (!code || code->definition() != definition) {
        auto before = std::exchange(code, std::make_shared<LayerCode>(definition));
        if (before) helper_.post([before = std::move(before)] {});
    }
    return code;
}

// A call that is made in the same thread after that of `before`.
Call WorkerServer::Impl::prepare(worker::Call&& call, TaskRef before) {
    Call prepared{.task = call.task,
                  .layer = code_of(call.layer),
                  .index = call.index,
                  .wanted = call.wanted,
                  .life = life_};
    sources_[call.task] = prepared.stop;
    for (const auto& argument : call.arguments) {
        if (detail::is_literal(argument.reference)) {
            prepared.references.push_back(argument.reference);
            continue;
        }
        prepared.references.push_back(static_cast<std::uint32_t>(prepared.inputs.size()));
        const TaskRef input{argument.reference, argument.attempt};
        const bool comes_before = call.follows && input == before;
        prepared.inputs.push_back(comes_before ? nullptr : values_.at(input));
    }
    return prepared;
}

// What a task has registered with its token is called, too.
void WorkerServer::Impl::stop(const std::vector<TaskRef>& tasks) {
    for (const auto task : tasks) {
        const auto found = sources_.find(task);
        if (found == sources_.end()) continue;
        helper_.post([source = found->second]() mutable { source.request_stop(); });
    }
}

void WorkerServer::Impl::stop_all() {
    helper_.post([sources = std::exchange(sources_, {})]() mutable {
        for (auto& [task, source] : sources) source.request_stop();
    });
    threads_->abandon();
}

void WorkerServer::Impl::drop(const std::vector<TaskRef>& tasks) {
    std::vector<std::shared_ptr<StoredValue>> dropped;
    for (const auto task : tasks) {
        const auto found = values_.find(task);
        if (found == values_.end()) continue;
        dropped.push_back(std::move(found->second));
        values_.erase(found);
    }
    if (!dropped.empty()) helper_.post([values = std::move(dropped)] {});
}

// ---- tasks --------------------------------------------------------------------------------------

TaskThreadsHandlers WorkerServer::Impl::handlers() {
    return {.done =
                [this](std::vector<Outcome> outcomes) {
                    post([outcomes = std::move(outcomes)](Impl& self) mutable {
                        self.done(std::move(outcomes));
                    });
                },
            .seceded =
                [this](TaskRef task, std::uint32_t life, std::vector<TaskRef> not_begun) {
                    post([task, life, not_begun = std::move(not_begun)](Impl& self) {
                        if (life != self.life_) return;
                        for (const auto other : not_begun) self.sources_.erase(other);
                        self.machine_->seceded(task, not_begun);
                        self.act();
                    });
                },
            .not_begun =
                [this](std::uint32_t life, std::deque<Call> calls) {
                    post([life, calls = std::move(calls)](Impl& self) mutable {
                        self.not_begun(life, std::move(calls));
                    });
                },
            .rejoin =
                [this](TaskRef task, std::uint32_t life) {
                    post([task, life](Impl& self) {
                        if (life != self.life_ || self.is_over_) {
                            return self.threads_->resume(task, life);
                        }
                        self.machine_->rejoin(task);
                        self.act();
                    });
                },
            .executor = [this]() -> const Executor& { return executor_.get(); }};
}

void WorkerServer::Impl::not_begun(std::uint32_t life, std::deque<Call>&& calls) {
    std::vector<TaskRef> tasks;
    tasks.reserve(calls.size());
    for (const auto& call : calls) tasks.push_back(call.task);
    helper_.post([calls = std::move(calls)] {});
    if (life != life_) return;
    for (const auto task : tasks) sources_.erase(task);
    machine_->not_begun(tasks);
    act();
}

void WorkerServer::Impl::done(std::vector<Outcome>&& outcomes) {
    if (is_over_) return;
    for (auto& outcome : outcomes) {
        if (outcome.life != life_) {
            helper_.post([value = std::move(outcome.value)] {});
            continue;
        }
        sources_.erase(outcome.finished.task);
        if (outcome.failure) {
            machine_->erred(outcome.finished.task, *outcome.failure);
        } else {
            values_[outcome.finished.task] = std::move(outcome.value);
            machine_->finished(outcome.finished);
        }
    }
    act();
}

// ---- the server ---------------------------------------------------------------------------------

WorkerServer::WorkerServer(net::EventLoop& loop, WorkerServerOptions options)
    : loop_(&loop), impl_(std::make_shared<Impl>(loop, std::move(options))) {
    loop.call([&] { impl_->start(); });
}
WorkerServer::WorkerServer(WorkerServer&&) noexcept = default;
WorkerServer::~WorkerServer() {
    if (!impl_) return;
    say_goodbye();
    impl_->end_threads();
    // What was posted to the loop holds it for a moment at most.
    loop_->call([&] { impl_.reset(); });
}

void WorkerServer::say_goodbye() {
    loop_->call([&] { impl_->close(); });
}

bool WorkerServer::is_busy() const { return impl_->is_busy(); }

}  // namespace satchel::cluster
