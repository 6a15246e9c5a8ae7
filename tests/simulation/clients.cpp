// Simulated clients: they ask for graphs and gather results, and compare what they get with what
// the model says.
#include "simulation/world.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace satchel::simulation {

void World::connect_client(std::size_t id) {
    auto& client = clients_[id];
    client.link = std::make_shared<Link>();
    client.link->owner = id;
    client.graphs = static_cast<int>(random_(1, 10));
    client.forgets = random_.chance(300);
    to_scheduler(client.link, [this, link = client.link, is_task = random_.chance(200)] {
        link->client = scheduler_.add_client(is_task);
        client_links_[link->client] = link;
        note("client joins", link->client);
    });
    agenda_.after(random_(0, 20 * millisecond), [this, id] { submit(id); });
    agenda_.after(random_(1, 50) * millisecond, [this, id] { be_fickle(id); });
}

void World::send(std::size_t id, FromClient message) {
    const auto& link = clients_[id].link;
    to_scheduler(link, [this, link, message = std::move(message)]() mutable {
        note("request", link->client, message.index());
        // What was not sent yet is about what was before.
        const bool takes_back = std::holds_alternative<ReleaseKeys>(message) ||
                                std::holds_alternative<RetryKeys>(message);
        if (takes_back) flush_scheduler();
        scheduler_.handle(link->client, FromClient(message), agenda_.now());
    });
}

void World::submit(std::size_t id) {
    auto& client = clients_[id];
    if (client.vanished) return;
    std::vector<Key> known;
    // What was given up may be forgotten by now; then the graph is refused.
    const bool dares = !calm_ && random_.chance(faults_.fickle / 4);
    client.has_cancelled = client.has_cancelled || dares;
    for (const auto& [key, wanted] : client.wanted) {
        if (wanted.progress != Progress::given_up || dares) known.push_back(key);
    }
    auto graph = workload_.graph(known);
    for (const auto& keys : graph.wanted) {
        for (std::uint64_t k = 0; k < keys.count; ++k) {
            auto& wanted = client.wanted[{keys.token, keys.first + k}];
            if (wanted.progress == Progress::given_up) wanted.progress = Progress::pending;
        }
    }
    client.cancelled.clear();
    send(id, std::move(graph));
    if (--client.graphs == 0) return;
    agenda_.after(random_(0, 90) * millisecond, [this, id] { submit(id); });
}

// What a task asks for while it runs.
std::vector<Key> World::submit_nested(std::size_t id) {
    auto graph = workload_.nested();
    std::vector<Key> keys;
    for (std::uint64_t k = 0; k < graph.wanted.at(0).count; ++k) {
        keys.push_back({graph.wanted[0].token, k});
        clients_[id].wanted[keys.back()] = {};
    }
    send(id, std::move(graph));
    return keys;
}

void World::on_client(std::size_t id, const ToClient& message) {
    if (clients_[id].vanished) return;
    std::visit([&](const auto& said) { hear(id, said); }, message);
}

void World::hear(std::size_t id, const KeysInMemory& message) {
    for (const auto& key : message.keys) {
        clients_[id].delivered.insert(key.key);
        gather(id, key);
    }
}

void World::hear(std::size_t id, const SendData& message) {
    for (const auto& item : message.items) send_data(id, item);
}

void World::hear(std::size_t id, const KeysLost& message) {
    for (const auto& key : message.keys) {
        note("key lost", key.token.low, key.index);
        require(!faults_.are_planned() || calm_ || left_.contains(key),
                "a result was lost, and no worker had failed");
        auto& wanted = clients_[id].wanted[key];
        if (wanted.progress == Progress::ready) wanted.progress = Progress::pending;
    }
}

void World::hear(std::size_t id, const PeersChanged& message) {
    auto& peers = clients_[id].peers;
    for (const auto& peer : message.joined) peers.insert(peer.worker);
    for (const auto& peer : message.lost) peers.erase(peer);
}

void World::hear(std::size_t id, const Holders& message) {
    require(clients_[id].questions.erase(message.request) == 1, "an answer to no question");
    for (const auto& key : message.keys) {
        require(!key.holders.empty(), "what is in memory is somewhere");
    }
}

// Whatever of it was asked for again in the meantime is given up as well.
void World::hear(std::size_t id, const KeysCancelled& message) {
    ReleaseKeys release;
    for (const auto& key : message.keys) {
        note("cancelled", key.token.low, key.index);
        clients_[id].wanted[key].progress = Progress::given_up;
        release.keys.push_back({key.token, key.index, 1});
    }
    require_no_dependents(id, {message.keys.begin(), message.keys.end()});
    send(id, std::move(release));
}

// It may depend on what was given up by a cancellation that is being answered.
void World::hear(std::size_t id, const GraphRefused& message) {
    auto& client = clients_[id];
    note("refused", client.link->client);
    if (client.wrong.erase(message.wanted.at(0).token) == 1) return;
    require(client.has_cancelled, "a graph was refused: " + message.reason);
    for (const auto& keys : message.wanted) {
        for (std::uint64_t k = 0; k < keys.count; ++k) {
            client.wanted[{keys.token, keys.first + k}].progress = Progress::given_up;
        }
    }
    send(id, ReleaseKeys{message.wanted});
}

// With what was cancelled has gone all that depends on it.
void World::require_no_dependents(std::size_t id, const std::set<Key>& gone) const {
    const auto& client = clients_[id];
    for (const auto& [key, wanted] : client.wanted) {
        if (wanted.progress == Progress::given_up) continue;
        for (const auto& input : workload_.task(key).inputs) {
            require(!client.cancelled.contains(input) || !gone.contains(input),
                    "what was cancelled is still waited for");
        }
    }
}

// The value goes to the worker directly, unless the client has it no more, or cannot reach it.
void World::send_data(std::size_t id, const SendData::Item& item) {
    auto& client = clients_[id];
    require(workload_.layer(item.key.token).is_data, "a client is asked for what is no data");
    if (client.forgets && client.delivered.contains(item.key)) {
        note("data is gone", item.key.token.low, item.key.index);
        gone_.insert(item.key);
        return send(id, DataNotSent{item.task, true});
    }
    agenda_.after(delay() + delay(), [this, id, item] {
        if (clients_[id].vanished) return;
        const auto node = std::ranges::find_if(nodes_, [&](const Node& other) {
            return other.up && other.machine->self() == item.to;
        });
        if (node == nodes_.end() || (!calm_ && random_.chance(faults_.lose))) {
            note("data not sent", item.key.token.low, item.key.index);
            ++not_sent_[item.key];
            return send(id, DataNotSent{item.task, false});
        }
        const auto number = static_cast<std::size_t>(node - nodes_.begin());
        on_node(number, 0, [this, number, item] {
            auto& at = nodes_[number];
            const auto nbytes = workload_.layer(item.key.token).nbytes;
            const bool taken = at.machine->put(item.task, nbytes);
            note("data arrives", item.task.task, taken ? 1 : 0);
            if (taken) at.values[item.task] = workload_.task(item.key).value;
            drain(number);
        });
    });
}

void World::gather(std::size_t id, const ReadyKey& ready) {
    auto& wanted = clients_[id].wanted[ready.key];
    if (wanted.progress == Progress::given_up) return;
    if (ready.inlined) {
        std::uint64_t value = 0;
        std::memcpy(&value, ready.value.data(), sizeof value);
        note("inlined", ready.key.token.low, ready.key.index);
        return have_value(id, ready.key, value);
    }
    require(!ready.holders.empty(), "a result in memory is nowhere");
    for (const auto& peer : ready.holders) {
        require(clients_[id].peers.contains(peer), "a client knows who holds what");
    }
    const auto number = wanted.fetching = ++clients_[id].gathers;
    const auto holder = ready.holders[random_.below(ready.holders.size())];
    agenda_.after(delay() + delay(), [this, id, ready, holder, number] {
        const auto& client = clients_[id];
        if (client.vanished || client.wanted.at(ready.key).fetching != number) return;
        const auto node = std::ranges::find_if(
            nodes_, [&](const Node& other) { return other.up && other.machine->self() == holder; });
        const bool present = node != nodes_.end() && node->frozen_until <= agenda_.now() &&
                             node->machine->holds(ready.task);
        if (present) {
            note("gathered", ready.key.token.low, ready.key.index);
            return have_value(id, ready.key, node->values.at(ready.task));
        }
        note("gather fails", ready.key.token.low, ready.key.index);
        agenda_.after(random_(0, 10 * millisecond), [this, id, ready, holder, number] {
            if (clients_[id].vanished || clients_[id].wanted.at(ready.key).fetching != number) {
                return;
            }
            send(id, GatherFailed{ready.key, ready.task, holder});
        });
    });
}

void World::have_value(std::size_t id, const Key& key, std::uint64_t value) {
    auto& wanted = clients_[id].wanted[key];
    if (wanted.progress == Progress::given_up) return;
    require(value == workload_.task(key).value, "a client got a wrong value");
    wanted.progress = Progress::ready;
}

// A task may only fail if something before it does, or if it was there when too many workers died.
void World::hear(std::size_t id, const KeyErred& erred) {
    note("erred", erred.key.token.low, erred.key.index);
    auto& wanted = clients_[id].wanted[erred.key];
    if (wanted.progress == Progress::given_up) return;
    const auto& suspects = workload_.task(erred.key).suspects;
    const auto behaviour = workload_.layer(erred.cause.token).behaviour_of(erred.cause.index);
    if (erred.failure.kind == Failure::Kind::killed_worker) {
        note(behaviour == Behaviour::deadly ? "killed workers" : "was there too often");
        require(behaviour == Behaviour::deadly || !faults_.are_only_deadly() ||
                    behaviour == Behaviour::secedes,
                "who was there by chance is blamed");
    } else if (erred.failure.kind == Failure::Kind::lost) {
        note("data is lost");
        require(workload_.layer(erred.cause.token).is_data, "what is lost was no data");
        require(somebody_vanished_ || gone_.contains(erred.cause) || not_sent_[erred.cause] >= 8,
                "data is lost that somebody has");
    } else {
        require(behaviour == Behaviour::throws || behaviour == Behaviour::flaky,
                "a task failed that does not");
        require(behaviour != Behaviour::flaky, "a task was not tried as often as it should be");
        require(suspects.contains(erred.cause), "the cause of a failure is unrelated");
    }
    wanted.progress = Progress::erred;
}

}  // namespace satchel::simulation
