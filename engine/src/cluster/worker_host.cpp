// Nannies, and their connection to the scheduler.
#include "cluster/worker_host.hpp"

#include <satchel/log.hpp>

#include "cluster/codec.hpp"

#include <utility>

#include <fmt/format.h>

namespace satchel::cluster {
namespace {

constexpr std::chrono::milliseconds pause_between_tries{200};

}  // namespace

WorkerHost::WorkerHost(net::EventLoop& loop, WorkerParameters parameters,
                       std::function<void(const std::string&)> ended)
    : loop_(loop),
      parameters_(std::move(parameters)),
      ended_(std::move(ended)),
      timer_(loop),
      self_(std::make_shared<WorkerHost*>(this)) {
    loop_.call([&] { connect(); });
}

WorkerHost::~WorkerHost() {
    loop_.call([&] {
        *self_ = nullptr;
        timer_.cancel();
        nannies_.clear();
        scheduler_ = {};
    });
}

void WorkerHost::add(const std::string& name) {
    auto parameters = parameters_;
    parameters.name = name;
    auto& nanny = nannies_[name];
    nanny = std::make_unique<process::Nanny>(
        loop_,
        process::NannyOptions{.parameters = parameters.write(),
                              .memory_limit = parameters.memory_limit},
        process::NannyHandlers{
            .ended = [this, name](const process::WorkerEnd& end) { on_end(name, end); },
            .failed =
                [this, name](const std::string& why) {
                    if (nannies_.size() == 1) {
                        failure_ = why;
                    } else {
                        log_warning("worker",
                                    fmt::format("the worker '{}' is given up: {}", name, why));
                    }
                    remove(name);
                }});
    nanny->start();
    tell(WatchedWorker{name});
}

void WorkerHost::stop() {
    is_stopping_ = true;
    for (const auto& [name, nanny] : nannies_) {
        nanny->stop([this, ended = name] { remove(ended); });
    }
    if (nannies_.empty()) remove({});
}

void WorkerHost::on_end(const std::string& name, const process::WorkerEnd& end) {
    const bool is_alone = end.status.signal == 0 && end.status.code == exit_when_alone;
    // Of one that the scheduler does not know, it need not hear; it may know another by that name.
    if (!is_alone) tell(WorkerEnded{name, end.describe(), end.was_asked || was_told(end)});
    if (is_alone) failure_ = fmt::format("the worker '{}' has no scheduler", name);
    if (!is_stopping_ && (is_alone || was_told(end))) remove(name);
}

void WorkerHost::restart(const std::string& name) {
    const auto found = nannies_.find(name);
    if (found != nannies_.end() && !is_stopping_) found->second->restart();
}

// Not at once: the nanny may be in the middle of telling.
void WorkerHost::remove(const std::string& name) {
    loop_.post([self = self_, name] {
        if (*self == nullptr) return;
        auto& host = **self;
        host.nannies_.erase(name);
        if (!host.nannies_.empty() || !host.ended_) return;
        std::exchange(host.ended_, nullptr)(host.failure_);
    });
}

// ---- the scheduler ------------------------------------------------------------------------------

void WorkerHost::connect() {
    const net::Identity identity{.role = net::Role::nanny,
                                 .credentials = parameters_.access.credentials};
    net::connect_soon(loop_, parameters_.access.scheduler, {.identity = identity},
                      [self = self_](net::ConnectResult result) {
                          if (*self != nullptr) (*self)->connected(std::move(result));
                      });
}

void WorkerHost::connected(net::ConnectResult result) {
    if (!result.connection) {
        timer_.start(pause_between_tries, [this] { connect(); });
        return;
    }
    scheduler_ = std::move(result.connection);
    scheduler_.start(
        {.received =
             [this](net::Message& message) { restart(receive<RestartWorker>(message).name); },
         .closed =
             [this](const net::Closed&) {
                 scheduler_ = {};
                 timer_.start(pause_between_tries, [this] { connect(); });
             }});
    for (const auto& [name, nanny] : nannies_) tell(WatchedWorker{name});
}

void WorkerHost::tell(const FromNanny& message) {
    if (scheduler_) send(scheduler_, message);
}

}  // namespace satchel::cluster
