// What follows from events: what is to be remembered of each, and what is to be compared after it.
#include "simulation/checked_scheduler.hpp"

#include "simulation/require.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace satchel::simulation {
namespace {

using scheduler::TaskState;

// So often the scheduler asks for data that the client cannot send.
constexpr std::uint32_t data_attempts_max = 8;

}  // namespace

std::uint32_t CheckedScheduler::exceptions(const Key& key) const {
    const auto found = exceptions_.find(key);
    return found == exceptions_.end() ? 0 : found->second;
}

WorkerRef CheckedScheduler::add_worker(const RegisterWorker& message, Time now) {
    now_ = now;
    const auto alive = count_alive();
    const auto ref = machine_.add_worker(message, now);
    note_deaths(alive + 1 - count_alive());
    const auto namesakes = std::ranges::count_if(workers(), [&](const scheduler::Worker& other) {
        return other.alive && other.name == message.name;
    });
    require(namesakes == 1, "two workers have one name");
    // Where there is somebody to take it, what paused workers have not begun is handed back.
    for (WorkerId k = 0; k < workers().size(); ++k) {
        if (workers()[k].alive && workers()[k].paused) require_begun(k);
    }
    require_all_copied();
    return ref;
}

void CheckedScheduler::remove_worker(WorkerRef ref, const scheduler::WorkerDeath& death, Time now) {
    now_ = now;
    if (!knows(ref)) return;
    if (!death.planned) {
        suspects_.died(ref, suspects_of(workers()[ref.worker], death), death.executing.has_value());
        note_deaths(1);
    }
    machine_.remove_worker(ref, death);
    require_all_copied();
}

// What was executing for certain; and what waited for the cluster, for it may have made what was.
std::vector<Key> CheckedScheduler::suspects_of(const scheduler::Worker& dead,
                                               const scheduler::WorkerDeath& death) const {
    const auto& executing = death.executing ? *death.executing : dead.executing;
    std::vector<Key> suspects;
    for (const auto& record : dead.processing) {
        const bool executed = std::ranges::count(executing, tasks().ref(record.task)) > 0;
        if (executed || (record.seceded && !executing.empty())) {
            suspects.push_back(tasks().key_of(record.task));
        }
    }
    for (const auto ref : executing) {
        if (tasks().is(ref, TaskState::following)) suspects.push_back(tasks().key_of(ref.task));
    }
    return suspects;
}

void CheckedScheduler::retire_worker(WorkerRef ref) {
    // Told again, it hands nothing more back, not even what a call that waits made it put off.
    if (!knows(ref) || workers()[ref.worker].retiring) return machine_.retire_worker(ref);
    const auto seceded = workers()[ref.worker].seceded;
    machine_.retire_worker(ref);
    require(seceded == workers()[ref.worker].seceded, "what has begun is left alone");
    require_begun(ref.worker);
}

ClientId CheckedScheduler::add_client(bool is_task) {
    const auto client = machine_.add_client(is_task);
    if (is_task) tasks_clients_.insert(client);
    return client;
}

void CheckedScheduler::remove_client(ClientId client) {
    machine_.remove_client(client);
    promises_.leaves(client);
}

void CheckedScheduler::handle(WorkerRef from, const FromWorker& report, Time now) {
    now_ = now;
    std::visit([&](const auto& message) { deliver(from, message); }, report);
}

void CheckedScheduler::deliver(WorkerRef from, const TasksFinished& message) {
    std::vector<TaskRef> accepted;
    for (const auto& result : message.tasks) {
        if (computes(from, result.task)) accepted.push_back(result.task);
    }
    machine_.handle(from, message, now_);
    for (const auto task : accepted) finish(from, task);
}

void CheckedScheduler::deliver(WorkerRef from, const TaskErred& message) {
    if (computes(from, message.task)) {
        ++exceptions_[tasks().key_of(message.task.task)];
        return machine_.handle(from, message, now_);
    }
    const auto before = standing_of(message.task.task);
    machine_.handle(from, message, now_);
    require(standing_of(message.task.task) == before, "an earlier attempt counts for nothing");
}

void CheckedScheduler::deliver(WorkerRef from, const MissingData& message) {
    const auto now = current(message.input);
    const auto holders = holders_of(now);
    machine_.handle(from, message, now_);
    const bool counts = knows(from) && now == message.input;
    require_dropped(now, holders, counts ? message.tried : std::vector<WorkerRef>());
}

void CheckedScheduler::deliver(WorkerRef from, const Paused& message) {
    machine_.handle(from, message, now_);
    if (message.is_paused && knows(from)) require_begun(from.worker);
}

// The scheduler has accepted a result.
void CheckedScheduler::finish(WorkerRef from, TaskRef ref) {
    if (tasks()[ref.task].state == TaskState::forgotten) return;
    const auto key = tasks().key_of(ref.task);
    suspects_.finishes(from, key);
    exceptions_.erase(key);
    if (!tasks().is(ref, TaskState::memory)) return;
    require_copied(ref.task);
    if (tasks().layer_of(ref.task).everywhere) require_everywhere(ref.task);
}

void CheckedScheduler::handle(ClientId from, FromClient&& request, Time now) {
    now_ = now;
    std::visit([&](auto& message) { deliver(from, std::move(message)); }, request);
}

void CheckedScheduler::deliver(ClientId from, ReleaseKeys&& message) {
    promises_.released(from, message);
    machine_.handle(from, std::move(message), now_);
}

void CheckedScheduler::deliver(ClientId from, UpdateGraph&& message) {
    const auto layers = note_new_layers(from, message);
    const auto before = priorities();
    machine_.handle(from, std::move(message), now_);
    require_order(from, layers, before);
}

void CheckedScheduler::deliver(ClientId from, GatherFailed&& message) {
    const auto now = current(message.task);
    const auto holders = holders_of(now);
    std::vector<WorkerRef> tried;
    if (now == message.task) tried.push_back(message.holder);
    machine_.handle(from, message, now_);
    require_dropped(now, holders, tried);
}

void CheckedScheduler::deliver(ClientId from, DataNotSent&& message) {
    const auto id = message.task.task;
    const auto before = standing_of(id);
    const bool counts = tasks().is(message.task, TaskState::processing) &&
                        tasks().layer_of(id).is_data && tasks().layer_of(id).owner == from;
    const bool is_lost =
        counts && (++exceptions_[tasks().key_of(id)] == data_attempts_max || message.is_gone);
    machine_.handle(from, message, now_);
    require(counts || standing_of(id) == before, "an earlier request for data counts for nothing");
    require(!counts || is_lost == (tasks()[id].state == TaskState::erred),
            "data is lost when it is gone, or was asked for too often");
}

// What is new has no history, even if something of the same name was there before.
std::vector<Token> CheckedScheduler::note_new_layers(ClientId from, const UpdateGraph& update) {
    std::vector<Token> layers;
    for (const auto& spec : update.layers) {
        if (tasks().find(spec.token) != none) continue;
        layers.push_back(spec.token);
        if (!spec.data.empty()) promises_.lent(from, spec.token);
        for (std::uint32_t k = 0; k < spec.count; ++k) {
            suspects_.acquit({spec.token, k});
            exceptions_.erase({spec.token, k});
        }
    }
    return layers;
}

void CheckedScheduler::deliver(ClientId from, RetryKeys&& message) {
    std::vector<TaskId> named;
    for (const auto& keys : message.keys) {
        const auto span = tasks().find(keys).value_or(scheduler::TaskSpan{});
        for (std::uint32_t k = 0; k < span.count; ++k) named.push_back(span.first + k);
    }
    std::vector<Key> erred;
    for (TaskId task = 0; task < tasks().size(); ++task) {
        if (tasks()[task].state == TaskState::erred) erred.push_back(tasks().key_of(task));
    }
    machine_.handle(from, std::move(message), now_);
    // Data may be lost again at once.
    for (const auto task : named) {
        require(tasks()[task].state != TaskState::erred || needs_data(task),
                "what shall be tried again is not");
    }
    for (const auto& key : erred) {
        if (is_erred(key)) continue;
        suspects_.acquit(key);
        exceptions_.erase(key);
    }
}

void CheckedScheduler::tick(Time now) {
    now_ = now;
    std::vector<bool> was_closing;
    for (const auto& worker : workers()) was_closing.push_back(worker.closing);
    const auto alive = count_alive();
    machine_.tick(now);
    note_deaths(alive - count_alive());
    const bool is_last = std::ranges::none_of(workers(), &scheduler::Worker::stays);
    for (WorkerId k = 0; k < workers().size(); ++k) {
        const auto& worker = workers()[k];
        require(!worker.alive || now - worker.last_seen < time_to_live_,
                "who is silent for too long is taken for dead");
        const bool is_told = worker.closing && !was_closing[k];
        require(!is_told || is_last || worker.processing.empty(),
                "who is closed has done its work");
    }
}

scheduler::Instructions CheckedScheduler::take() {
    auto out = machine_.take();
    for (const auto& disconnect : out.disconnects) suspects_.died(disconnect.worker);
    for (const auto& batch : out.workers) {
        for (const auto& message : batch.messages) {
            std::visit([&](const auto& said) { say(batch.to, said); }, message);
        }
    }
    for (const auto& batch : out.clients) {
        for (const auto& message : batch.messages) {
            promises_.told(batch.client, message);
            if (const auto* erred = std::get_if<KeyErred>(&message)) require_reason(*erred);
        }
    }
    promises_.check(tasks());
    return out;
}

void CheckedScheduler::say(WorkerRef to, const ComputeTasks& message) {
    for (const auto& layer : message.layers) layers_[to].insert(layer.layer);
    for (const auto& task : message.tasks) {
        const bool may_be_combined = task.expected > 0;
        if (!may_be_combined || !tasks().is(task.task, TaskState::processing)) continue;
        require(!suspects_.contains(tasks().key_of(task.task.task)),
                "a suspect is called together with others");
    }
}

void CheckedScheduler::say(WorkerRef to, const ForgetLayers& message) {
    for (const auto layer : message.layers) layers_[to].erase(layer);
}

// Where nobody dies, nothing changes before this is sent.
void CheckedScheduler::say(WorkerRef, const Replicate& message) {
    for (const auto task : message.tasks) {
        const bool is_in_memory = tasks().is(task, TaskState::memory);
        require(!is_in_memory || faults_.retire > 0 || expects_deaths() ||
                    tasks().layer_of(task.task).everywhere,
                "a result is copied for nobody");
        if (!faults_.are_planned() || !knows(message.holder)) continue;
        const auto holders = holders_of(task);
        require(holders.empty() || std::ranges::count(holders, message.holder) > 0,
                "a result is copied from where it is");
    }
}

void CheckedScheduler::say(WorkerRef, const InventoryRequest&) {
    require(!faults_.are_planned() || faults_.slow > 0,
            "an inventory is asked for, and both sides agree");
}

void CheckedScheduler::say(WorkerRef to, const CloseWorker&) {
    require(closed_.insert(to).second, "a worker is closed once");
}

void CheckedScheduler::check() {
    machine_.check();
    require_no_new_tasks();
    // What has failed, and be it for its inputs, is expected to do no more harm.
    suspects_.remove_if([&](const Key& key) { return is_given_up(key); });
}

}  // namespace satchel::simulation
