// Data: values that a client has and puts into workers when it is asked to. They are tasks like
// others, which a worker "computes" by receiving them; only a client that still has a value can
// make up for its loss. The worker is not told to wait: what comes in the end, if it is still
// wanted, is reported like any result.
#include "scheduler/scheduler.hpp"

#include <utility>

#include <fmt/format.h>

namespace satchel::scheduler {
namespace {

// So often in a row a client may fail to reach the workers that it is to send a value to.
constexpr std::uint32_t attempts_max = 8;

}  // namespace

void Scheduler::ask_for_data(TaskId task, WorkerId worker) {
    auto& owner = clients_.at(tasks_.layer_of(task).owner);
    last_in<SendData>(owner.outbox)
        .items.push_back(
            {tasks_.key_of(task), tasks_.ref(task), {worker, workers_[worker].incarnation}});
}

// Has all workers that do not have the result copy it from the one that does.
void Scheduler::copy_everywhere(TaskId task) {
    const auto from = tasks_[task].worker;
    const WorkerRef holder{from, workers_[from].incarnation};
    for (WorkerId k = 0; k < workers_.size(); ++k) {
        if (k != from && workers_[k].takes_tasks()) replicate(task, holder, workers_[k]);
    }
}

void Scheduler::on(ClientId from, DataNotSent&& message) {
    const auto id = message.task.task;
    if (!tasks_.is(message.task, TaskState::processing)) return;
    const auto& layer = tasks_.layer_of(id);
    if (!layer.is_data || layer.owner != from) return;
    if (message.is_gone) {
        return fail_data(id, "all workers that had it have died, or have lost it");
    }
    if (++tasks_[id].exceptions >= attempts_max) {
        return fail_data(id,
                         "the client cannot reach the workers; they listen on addresses that "
                         "it must be able to connect to");
    }
    (void)unassign(id);
    take_back(id);
}

void Scheduler::fail_data(TaskId id, const std::string& why) {
    Failure failure;
    failure.kind = Failure::Kind::lost;
    failure.type = "DataLost";
    failure.text = fmt::format(
        "the data '{}' of {} bytes, which a client had put into the cluster, is lost and cannot be "
        "computed again: {}",
        label(id), tasks_[id].nbytes, why);
    err(id, std::make_shared<const Reason>(Reason{tasks_.key_of(id), std::move(failure)}));
}

// A client need not keep data that it will not be asked for: that of a graph that was refused, and
// what is had from another client.
void Scheduler::decline_data(ClientId from, const LayerSpec& spec) {
    if (spec.data.empty()) return;
    const auto layer = tasks_.find(spec.token);
    if (layer != none && tasks_.layer(layer).owner == from) return;
    last_in<ForgetData>(clients_.at(from).outbox).layers.push_back(spec.token);
}

// A client has gone. What workers have of its data stays; what is still to come never will.
void Scheduler::orphan_data_of(ClientId client) {
    for (LayerId id = 0; id < tasks_.layer_count(); ++id) {
        auto& layer = tasks_.layer(id);
        if (layer.count == 0 || !layer.is_data || layer.owner != client) continue;
        layer.owner = none;
        const auto span = layer.tasks();
        for (auto task = span.first; task < span.first + span.count; ++task) {
            const auto state = tasks_[task].state;
            if (state == TaskState::queued || state == TaskState::no_worker) {
                move(task, TaskState::waiting);
            } else if (state != TaskState::processing) {
                continue;
            }
            fail_data(task, "the client has gone");
        }
    }
    finish_event();
}

}  // namespace satchel::scheduler
