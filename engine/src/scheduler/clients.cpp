// Clients: what they want, what they are told of it, and what happens when they change their minds.
#include "scheduler/scheduler.hpp"

#include <unordered_set>
#include <utility>

namespace satchel::scheduler {
namespace {

// How many holders a client is told of.
constexpr std::size_t holders_max = 4;

}  // namespace

ClientId Scheduler::add_client(bool is_task) {
    const auto id = next_client_++;
    auto& client = clients_[id];
    client.is_task = is_task;
    client.outbox.emplace_back(ClientWelcome{id});
    PeersChanged peers;
    for (WorkerId k = 0; k < workers_.size(); ++k) {
        const auto& worker = workers_[k];
        if (!worker.alive) continue;
        peers.joined.push_back({{k, worker.incarnation}, worker.name, worker.address});
    }
    if (!peers.joined.empty()) client.outbox.emplace_back(std::move(peers));
    return id;
}

void Scheduler::remove_client(ClientId id) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    auto& client = found->second;
    for (TaskId task = 0; task < client.wanted.size() && client.wants > 0; ++task) {
        unwant(client, task);
    }
    // What nobody else needs is forgotten while there is somebody to be told of it.
    finish_event();
    clients_.erase(found);
    orphan_data_of(id);
}

void Scheduler::handle(ClientId from, FromClient&& message, Nanoseconds) {
    if (!clients_.contains(from)) return;
    std::visit([&](auto& event) { on(from, std::move(event)); }, message);
    finish_event();
}

void Scheduler::watch(ClientId client, std::uint64_t number, Layer& layer) {
    layer.watcher = client;
    layer.watch = number;
    ++clients_.at(client).watched[number].layers;
}

Client::Watched* Scheduler::watched_graph_of(const Layer& layer) {
    if (layer.watcher == none) return nullptr;
    const auto client = clients_.find(layer.watcher);
    if (client == clients_.end()) return nullptr;
    const auto graph = client->second.watched.find(layer.watch);
    return graph == client->second.watched.end() ? nullptr : &graph->second;
}

void Scheduler::tell_progress() {
    for (auto& [id, client] : clients_) {
        for (auto& [number, graph] : client.watched) {
            if (std::exchange(graph.told, graph.finished) == graph.finished) continue;
            client.outbox.emplace_back(Progress{number, graph.finished});
        }
    }
}

void Scheduler::want(Client& client, TaskId id) {
    if (client.wants_task(id)) return;
    if (id >= client.wanted.size()) client.wanted.resize(tasks_.size());
    client.wanted[id] = true;
    ++client.wants;
    auto& task = tasks_[id];
    if (task.wants++ == 0) tasks_.pin(task.layer);
    if (task.state == TaskState::memory) {
        last_in<KeysInMemory>(client.outbox).keys.push_back(describe(id));
    } else if (task.state == TaskState::erred) {
        const auto& reason = *reasons_.at(id);
        client.outbox.emplace_back(KeyErred{tasks_.key_of(id), reason.cause, reason.failure});
    } else {
        touch(id);
    }
}

void Scheduler::unwant(Client& client, TaskId id) {
    if (!client.wants_task(id)) return;
    client.wanted[id] = false;
    --client.wants;
    auto& task = tasks_[id];
    if (--task.wants > 0) return;
    if (tasks_.unpin(task.layer)) idle_.push_back(task.layer);
    touch(id);
}

void Scheduler::on(ClientId from, ReleaseKeys&& release) {
    auto& client = clients_.at(from);
    for (const auto& keys : release.keys) {
        const auto span = tasks_.find(keys).value_or(TaskSpan{});
        for (std::uint32_t k = 0; k < span.count; ++k) unwant(client, span.first + k);
    }
}

// Gives up what is named and, as it will never come, what the client wants of its dependents.
void Scheduler::on(ClientId from, CancelKeys&& cancel) {
    auto& client = clients_.at(from);
    std::vector<TaskId> open;
    for (const auto& keys : cancel.keys) {
        const auto span = tasks_.find(keys).value_or(TaskSpan{});
        for (std::uint32_t k = 0; k < span.count; ++k) open.push_back(span.first + k);
    }
    KeysCancelled cancelled{{}, cancel.number};
    std::unordered_set<TaskId> seen;
    while (!open.empty()) {
        const auto task = open.back();
        open.pop_back();
        if (!seen.insert(task).second) continue;
        if (client.wants_task(task)) {
            cancelled.keys.push_back(tasks_.key_of(task));
            unwant(client, task);
        }
        tasks_.for_each_dependent(task, [&](TaskId dependent) { open.push_back(dependent); });
    }
    if (!cancelled.keys.empty()) client.outbox.emplace_back(std::move(cancelled));
}

// What is erred, and the erred tasks that it depends on, are as if they had never been tried. Some
// of them may be behind a task that had succeeded and whose result was dropped: it will be computed
// again, from them.
void Scheduler::on(ClientId, RetryKeys&& retry) {
    std::vector<TaskId> open;
    for (const auto& keys : retry.keys) {
        const auto span = tasks_.find(keys).value_or(TaskSpan{});
        for (std::uint32_t k = 0; k < span.count; ++k) open.push_back(span.first + k);
    }
    std::unordered_set<TaskId> seen;
    while (!open.empty()) {
        const auto id = open.back();
        open.pop_back();
        if (!seen.insert(id).second) continue;
        auto& task = tasks_[id];
        if (task.state == TaskState::erred) {
            move(id, TaskState::released);
            reasons_.erase(id);
            task.exceptions = 0;
            touch(id);
        }
        if (task.state != TaskState::released) continue;
        tasks_.for_each_input(id, [&](TaskId input) { open.push_back(input); });
    }
}

void Scheduler::on(ClientId from, GatherFailed&& failed) {
    const auto id = failed.task.task;
    const bool is_current = tasks_.is(failed.task, TaskState::memory);
    const auto* holder = find(failed.holder);
    if (is_current && holder != nullptr && tasks_.has_holder(id, failed.holder.worker)) {
        last_in<ReleaseTasks>(workers_[failed.holder.worker].outbox).tasks.push_back(failed.task);
        drop_holder(id, failed.holder.worker);
    }
    // If it is still somewhere, the client does not know where; else it was told that it is lost.
    auto& client = clients_.at(from);
    const auto span = tasks_.find(KeyRange{failed.key.token, failed.key.index, 1});
    if (!span || !client.wants_task(span->first)) return;
    if (tasks_[span->first].state != TaskState::memory) return;
    last_in<KeysInMemory>(client.outbox).keys.push_back(describe(span->first));
}

void Scheduler::on(ClientId from, WhoHas&& question) {
    Holders answer{question.request, {}};
    for (const auto& keys : question.keys) {
        const auto span = tasks_.find(keys).value_or(TaskSpan{});
        for (TaskId task = span.first; task < span.first + span.count; ++task) {
            if (tasks_[task].state != TaskState::memory) continue;
            answer.keys.push_back(describe(task));
        }
    }
    clients_.at(from).outbox.emplace_back(std::move(answer));
}

ReadyKey Scheduler::describe(TaskId task) const {
    ReadyKey ready;
    ready.key = tasks_.key_of(task);
    ready.task = tasks_.ref(task);
    ready.nbytes = tasks_[task].nbytes;
    tasks_.for_each_holder(task, [&](WorkerId holder) {
        if (ready.holders.size() == holders_max) return;
        ready.holders.push_back({holder, workers_[holder].incarnation});
    });
    return ready;
}

void Scheduler::report_ready(TaskId task, const FinishedTask* result) {
    for_each_client_of(task, [&](Client& client) {
        auto& ready = last_in<KeysInMemory>(client.outbox).keys.emplace_back(describe(task));
        if (result == nullptr || !result->inlined) return;
        ready.inlined = true;
        ready.value = result->value;
    });
}

void Scheduler::report_erred(TaskId task, const Reason& reason) {
    for_each_client_of(task, [&](Client& client) {
        client.outbox.emplace_back(KeyErred{tasks_.key_of(task), reason.cause, reason.failure});
    });
}

void Scheduler::report_lost(TaskId task) {
    for_each_client_of(task, [&](Client& client) {
        last_in<KeysLost>(client.outbox).keys.push_back(tasks_.key_of(task));
    });
}

}  // namespace satchel::scheduler
