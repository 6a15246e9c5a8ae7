// How a life ends: whether all that was wanted has come, whether anything was done in vain, and
// whether anything is left over.
#include "simulation/world.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace satchel::simulation {

bool World::is_satisfied() const {
    const bool somebody_leaves =
        std::ranges::any_of(nodes_, [](const Node& node) { return node.up && node.retiring; });
    if (somebody_leaves) return false;
    return std::ranges::all_of(clients_, [](const ClientNode& client) {
        if (client.vanished) return true;
        if (client.graphs > 0 || !client.link) return false;
        return std::ranges::none_of(client.wanted, [](const auto& wanted) {
            return wanted.second.progress == Progress::pending;
        });
    });
}

// What was called: nothing that nobody wanted and, where nothing was lost, nothing twice.
void World::check_executions() const {
    std::set<Key> needed;
    std::vector<Key> open;
    for (const auto& client : clients_) {
        for (const auto& [key, wanted] : client.wanted) open.push_back(key);
    }
    while (!open.empty()) {
        const auto key = open.back();
        open.pop_back();
        if (!needed.insert(key).second) continue;
        for (const auto& input : workload_.task(key).inputs) open.push_back(input);
    }
    for (const auto& [key, times] : executions_) {
        require(needed.contains(key), "a task was called that nobody has wanted");
        const auto tries = 1 + workload_.layer(key.token).retries_of(key.index);
        require(!faults_.are_none() || times <= tries,
                fmt::format("a task was called {} times, and nothing had gone wrong", times));
    }
}

void World::report_pending() const {
    std::string text = "not everything that is wanted has come:";
    for (std::size_t k = 0; k < clients_.size(); ++k) {
        for (const auto& [key, wanted] : clients_[k].wanted) {
            if (clients_[k].vanished || wanted.progress != Progress::pending) continue;
            const auto task = scheduler_.tasks().find(KeyRange{key.token, key.index, 1});
            text += fmt::format("\nclient {} waits for {:x}:{}", k, key.token.low, key.index);
            if (!task) continue;
            const auto& state = scheduler_.tasks()[task->first];
            text += fmt::format(": task {} is in state {}, attempt {}, with {} missing, on {}",
                                task->first, static_cast<int>(state.state), state.attempt,
                                state.missing, state.worker);
        }
    }
    for (std::size_t k = 0; k < nodes_.size(); ++k) {
        text += fmt::format("\nnode {} is {}, calls {} and has {} waiting", k,
                            nodes_[k].up ? "up" : "down", nodes_[k].calls.size(),
                            nodes_[k].waiting.size());
    }
    throw std::logic_error(text);
}

// No client wants anything any more.
void World::release_everything() {
    is_over_ = true;
    for (std::size_t id = 0; id < clients_.size(); ++id) {
        if (clients_[id].vanished) continue;
        ReleaseKeys release;
        for (auto& [key, wanted] : clients_[id].wanted) {
            if (wanted.progress == Progress::given_up) continue;
            wanted.progress = Progress::given_up;
            release.keys.push_back({key.token, key.index, 1});
        }
        send(id, std::move(release));
    }
}

void World::require_empty() const {
    scheduler_.require_empty();
    for (std::size_t k = 0; k < nodes_.size(); ++k) {
        const auto& node = nodes_[k];
        if (!node.up) continue;
        require(node.calls.empty(), fmt::format("node {} still executes", k));
        const bool keeps_layers =
            std::ranges::any_of(node.layers, [](const auto& layer) { return !layer.expired(); });
        require(!keeps_layers, "a worker keeps a layer that nobody needs");
        require(node.machine->managed_bytes() == 0 && node.values.empty(),
                fmt::format("node {} keeps {} values that nobody needs", k, node.values.size()));
    }
    for (const auto& client : clients_) {
        if (!client.vanished) require_answered(client);
    }
}

// A client knows all that it has to know.
void World::require_answered(const ClientNode& client) const {
    require(client.questions.empty(), "a question was not answered");
    require(client.wrong.empty(), "a graph that cannot run was not refused");
    std::set<WorkerRef> alive;
    for (WorkerId k = 0; k < scheduler_.workers().size(); ++k) {
        const auto& worker = scheduler_.workers()[k];
        if (worker.alive) alive.insert({k, worker.incarnation});
    }
    require(client.peers == alive, "a client does not know who is there");
}

}  // namespace satchel::simulation
