// The executors of this process: synchronous, thread pool, and which one is the default.
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/this_task.hpp>

#include "graph/default_executors.hpp"
#include "local/job.hpp"
#include "local/thread_pool.hpp"

#include <chrono>
#include <functional>
#include <utility>

#include <fmt/format.h>

namespace satchel {
namespace {

// A graph that ran in the thread that submitted it.
class FinishedSubmission final : public Submission {
  public:
    explicit FinishedSubmission(std::unique_ptr<detail::Job> job) : job_(std::move(job)) {}
    [[nodiscard]] bool done() const override { return true; }
    [[nodiscard]] std::vector<Value> take() override {
        auto results = job_->take();
        job_->clear();
        return results;
    }

  private:
    std::unique_ptr<detail::Job> job_;
};

std::shared_ptr<detail::ThreadPool> make_pool(std::int64_t threads) {
    constexpr std::int64_t threads_max = 4096;
    if (threads < 1 || threads > threads_max) {
        throw InvalidArgument(
            fmt::format("a ThreadPoolExecutor was asked for with {} threads; it needs 1 to {}",
                        threads, threads_max));
    }
    return std::make_shared<detail::ThreadPool>(static_cast<std::uint32_t>(threads));
}

}  // namespace

std::vector<Value> Executor::run(Graph graph, std::vector<TaskIndex> outputs,
                                 const RunOptions& options) const {
    const detail::WatchedRun watched;
    auto watched_options = options;
    if (!watched_options.progress) watched_options.progress = watched.progress();
    return submit(std::move(graph), std::move(outputs), watched_options)->take();
}

std::unique_ptr<Submission> SynchronousExecutor::submit(Graph graph, std::vector<TaskIndex> outputs,
                                                        const RunOptions& options) const {
    detail::CompiledGraph compiled(std::move(graph), outputs);
    auto job = std::make_unique<detail::Job>(std::move(compiled), std::move(outputs), 1, *this,
                                             nullptr, options.progress);
    {
        const detail::OnStop on_stop(options.stop_token, [&] {
            job->stop(
                std::make_exception_ptr(Cancelled("the run was stopped before it had finished")));
        });
        job->work(0, std::chrono::steady_clock::time_point::max());
    }
    return std::make_unique<FinishedSubmission>(std::move(job));
}

ThreadPoolExecutor::ThreadPoolExecutor() : ThreadPoolExecutor(default_concurrency()) {}
ThreadPoolExecutor::ThreadPoolExecutor(std::int64_t threads) : pool_(make_pool(threads)) {}
ThreadPoolExecutor::~ThreadPoolExecutor() = default;

std::unique_ptr<Submission> ThreadPoolExecutor::submit(Graph graph, std::vector<TaskIndex> outputs,
                                                       const RunOptions& options) const {
    return pool_->submit(std::move(graph), std::move(outputs), options);
}

std::int64_t ThreadPoolExecutor::concurrency() const { return pool_->concurrency(); }

std::shared_ptr<const Executor> default_executor() {
    if (this_task::active()) return {std::shared_ptr<void>(), &this_task::executor()};
    if (auto newest = detail::newest_default_executor()) return newest;
    static const auto pool = make_pool(default_concurrency());
    return pool;
}

std::shared_ptr<const Executor> ExecutorReference::resolve() const {
    if (executor_ == nullptr) return default_executor();
    return {std::shared_ptr<void>(), executor_};
}

}  // namespace satchel
