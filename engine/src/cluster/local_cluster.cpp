// A scheduler, and workers under nannies or in this process.
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/local_cluster.hpp>
#include <satchel/log.hpp>

#include "base/descriptor_limit.hpp"
#include "cluster/scheduler_server.hpp"
#include "cluster/worker_process.hpp"
#include "cluster/worker_server.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace satchel {
namespace {

constexpr std::int64_t workers_max = 4096;

struct Shape {
    std::int64_t workers;
    std::int64_t threads;
};

// A process for each processor while there are few, else a number of threads in each that is near
// to the number of processes: the more are in one process, the less has to be copied between them.
Shape default_shape(std::int64_t processors) {
    if (processors <= 4) return {processors, 1};
    auto workers = processors;
    for (std::int64_t n = processors; n * n >= processors; --n) {
        if (processors % n == 0) workers = n;
    }
    return {workers, processors / workers};
}

Shape shape_of(const LocalClusterOptions& options) {
    const auto processors = default_concurrency();
    for (const auto count : {options.n_workers, options.threads_per_worker}) {
        if (count >= 0 && count <= workers_max) continue;
        throw InvalidArgument(fmt::format(
            "a LocalCluster was asked for with {} workers of {} threads; it takes up to {} of "
            "each, or 0 for what fits this computer",
            options.n_workers, options.threads_per_worker, workers_max));
    }
    if (options.n_workers == 0 && options.threads_per_worker == 0) {
        return options.processes ? default_shape(processors) : Shape{1, processors};
    }
    if (options.n_workers == 0) {
        return {std::max<std::int64_t>(1, processors / options.threads_per_worker),
                options.threads_per_worker};
    }
    if (options.threads_per_worker == 0) {
        return {options.n_workers, std::max<std::int64_t>(1, processors / options.n_workers)};
    }
    return {options.n_workers, options.threads_per_worker};
}

net::Address scheduler_address(bool processes) {
    static std::atomic<int> number = 0;
    if (processes) return {net::Address::Scheme::tcp, "127.0.0.1", 0};
    return {net::Address::Scheme::inproc, fmt::format("scheduler-{}", ++number), 0};
}

}  // namespace

class LocalCluster::Impl {
  public:
    explicit Impl(const LocalClusterOptions& options);
    ~Impl() { close(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void wait_for_workers();
    void scale(std::int64_t n);
    void close();
    [[nodiscard]] const detail::ClusterAccess& access() const { return access_; }

  private:
    // One of the two. A nanny's life spans those of its processes.
    struct Member {
        std::unique_ptr<process::Nanny> nanny = {};
        std::unique_ptr<cluster::WorkerServer> server = {};
        bool is_leaving = false;
    };

    void add_member();
    void start_process(std::int64_t number, Member& member);
    void start_server(std::int64_t number, Member& member);
    void on_end(std::int64_t number, const process::WorkerEnd& end);
    void on_failure(std::int64_t number, const std::string& why);
    void retire(std::int64_t number);
    void remove(std::int64_t number);
    void restart();
    void begin_close();
    void end_close();

    Shape shape_;
    std::int64_t memory_limit_;
    bool processes_;
    detail::ClusterAccess access_;

    std::mutex mutex_;
    std::condition_variable changed_;  // the next four
    std::size_t arrived_ = 0;
    std::string failure_;
    bool is_started_ = false;
    bool is_closed_ = false;

    // What follows is touched in the thread of the first loop alone.
    bool is_closing_ = false;
    std::int64_t next_number_ = 0;
    net::EventLoop loop_;
    net::EventLoop worker_loop_;
    std::optional<cluster::SchedulerServer> scheduler_;
    std::map<std::int64_t, Member> members_;
    std::vector<std::unique_ptr<cluster::WorkerServer>> ended_;  // to be destroyed elsewhere
};

LocalCluster::Impl::Impl(const LocalClusterOptions& options)
    : shape_(shape_of(options)),
      memory_limit_(options.memory_limit.bytes(shape_.threads)),
      processes_(options.processes),
      access_{scheduler_address(processes_), net::Credentials::generate()} {
    if (processes_) process::require_init();
    // Workers in this process come back by themselves.
    const auto restarting = processes_ ? std::function<void()>([this] { restart(); }) : nullptr;
    scheduler_.emplace(loop_,
                       cluster::SchedulerServerOptions{.credentials = access_.credentials,
                                                       .listen = {access_.scheduler},
                                                       .workers_changed =
                                                           [this](std::size_t count) {
                                                               const std::lock_guard lock(mutex_);
                                                               arrived_ = count;
                                                               changed_.notify_all();
                                                           },
                                                       .shutdown = [this] { begin_close(); },
                                                       .restart = restarting});
    access_.scheduler = scheduler_->addresses().front();
    scale(shape_.workers);
}

void LocalCluster::Impl::wait_for_workers() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
        return !failure_.empty() || arrived_ >= static_cast<std::size_t>(shape_.workers);
    });
    if (!failure_.empty()) throw Error("starting a LocalCluster: " + failure_);
    is_started_ = true;
}

// ---- members ------------------------------------------------------------------------------------

void LocalCluster::Impl::scale(std::int64_t n) {
    if (n < 0 || n > workers_max) {
        throw InvalidArgument(fmt::format(
            "a LocalCluster was asked to have {} workers; it can have 0 to {}", n, workers_max));
    }
    std::vector<std::unique_ptr<cluster::WorkerServer>> ended;  // to be waited for here
    constexpr std::int64_t few_workers = 64;
    constexpr rlim_t each = 8;  // descriptors, in this program
    if (n > few_workers)
        detail::raise_descriptor_limit(static_cast<rlim_t>(n + few_workers) * each);
    loop_.call([&] {
        if (is_closing_) throw InvalidArgument("this LocalCluster was closed; start a new one");
        ended.swap(ended_);
        std::vector<std::int64_t> staying;
        for (const auto& [number, member] : members_) {
            if (!member.is_leaving) staying.push_back(number);
        }
        for (auto count = static_cast<std::int64_t>(staying.size()); count < n; ++count) {
            add_member();
        }
        for (auto k = static_cast<std::size_t>(n); k < staying.size(); ++k) retire(staying[k]);
    });
}

void LocalCluster::Impl::add_member() {
    const auto number = next_number_++;
    auto& member = members_[number];
    try {
        processes_ ? start_process(number, member) : start_server(number, member);
    } catch (...) {
        members_.erase(number);
        throw;
    }
}

void LocalCluster::Impl::start_process(std::int64_t number, Member& member) {
    const cluster::WorkerParameters parameters{.access = access_,
                                               .name = std::to_string(number),
                                               .threads = shape_.threads,
                                               .memory_limit = memory_limit_};
    scheduler_->nanny_says(WatchedWorker{parameters.name});
    member.nanny = std::make_unique<process::Nanny>(
        loop_,
        process::NannyOptions{.parameters = parameters.write(), .memory_limit = memory_limit_},
        process::NannyHandlers{
            .ended = [this, number](const process::WorkerEnd& end) { on_end(number, end); },
            .failed = [this, number](const std::string& why) { on_failure(number, why); }});
    member.nanny->start();
}

void LocalCluster::Impl::start_server(std::int64_t number, Member& member) {
    static std::atomic<int> places = 0;
    member.server = std::make_unique<cluster::WorkerServer>(
        worker_loop_,
        cluster::WorkerServerOptions{
            .scheduler = access_.scheduler,
            .credentials = access_.credentials,
            .name = std::to_string(number),
            .threads = shape_.threads,
            .memory_limit = memory_limit_,
            .listen = {net::Address::Scheme::inproc, fmt::format("worker-{}", ++places), 0},
            .ended = [this, number](const cluster::WorkerServerEnd&) {
                loop_.post([this, number] {
                    const auto found = members_.find(number);
                    if (found == members_.end()) return;
                    ended_.push_back(std::move(found->second.server));
                    members_.erase(found);
                });
            }});
}

// It is not tried again. Who waits for the first workers is told, others by the log.
void LocalCluster::Impl::on_failure(std::int64_t number, const std::string& why) {
    remove(number);
    const std::lock_guard lock(mutex_);
    if (is_started_) {
        log_warning("cluster", fmt::format("the worker '{}' is given up: {}", number, why));
    }
    failure_ = why;
    changed_.notify_all();
}

void LocalCluster::Impl::on_end(std::int64_t number, const process::WorkerEnd& end) {
    const bool was_told = cluster::was_told(end);
    if (scheduler_) {
        scheduler_->nanny_says(
            WorkerEnded{std::to_string(number), end.describe(), end.was_asked || was_told});
    }
    if (members_.at(number).is_leaving || was_told) remove(number);
}

// It ends by itself when nobody needs it any more; a process that is not connected just ends.
void LocalCluster::Impl::retire(std::int64_t number) {
    auto& member = members_.at(number);
    member.is_leaving = true;
    for (const auto& worker : scheduler_->info().workers) {
        if (worker.name == std::to_string(number)) return scheduler_->retire({worker.worker});
    }
    if (member.nanny) return member.nanny->stop([this, number] { remove(number); });
    member.server->say_goodbye();
    ended_.push_back(std::move(member.server));
    members_.erase(number);
}

// Not at once: the nanny may be in the middle of telling.
void LocalCluster::Impl::remove(std::int64_t number) {
    loop_.post([this, number] {
        members_.erase(number);
        if (is_closing_) begin_close();
    });
}

void LocalCluster::Impl::restart() {
    for (auto& [number, member] : members_) {
        if (member.nanny) member.nanny->restart();
    }
}

// ---- the end ------------------------------------------------------------------------------------

void LocalCluster::Impl::begin_close() {
    const bool is_first = !std::exchange(is_closing_, true);
    if (!processes_ || members_.empty()) return end_close();
    if (!is_first) return;
    for (auto& [number, member] : members_) {
        member.is_leaving = true;
        member.nanny->stop([this, n = number] { remove(n); });
    }
}

void LocalCluster::Impl::end_close() {
    scheduler_.reset();
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
}

void LocalCluster::Impl::close() {
    loop_.call([&] { begin_close(); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_closed_; });
    lock.unlock();
    // Tasks in this process are waited for, but not in the thread that they may need.
    std::map<std::int64_t, Member> members;
    std::vector<std::unique_ptr<cluster::WorkerServer>> ended;
    loop_.call([&] {
        members.swap(members_);
        ended.swap(ended_);
    });
    members.clear();
    loop_.call([] {});  // after what they have posted
}

// ---- the handle ---------------------------------------------------------------------------------

LocalCluster::LocalCluster(const LocalClusterOptions& options)
    : impl_(std::make_unique<Impl>(options)) {
    impl_->wait_for_workers();
}
LocalCluster::~LocalCluster() = default;

void LocalCluster::scale(std::int64_t n) { impl_->scale(n); }
void LocalCluster::close() { impl_->close(); }
std::string LocalCluster::address() const { return impl_->access().scheduler.text(); }
const detail::ClusterAccess& LocalCluster::access() const { return impl_->access(); }

}  // namespace satchel
