// Clients that change their minds, ask for nonsense, and vanish.
#include "simulation/world.hpp"

#include <iterator>
#include <utility>

namespace satchel::simulation {

// Releases, cancels, tries again, vanishes.
void World::be_fickle(std::size_t id) {
    auto& client = clients_[id];
    if (client.vanished || calm_) return;
    agenda_.after(random_(1, 50) * millisecond, [this, id] { be_fickle(id); });
    if (random_.chance(faults_.vanish)) return vanish(id);
    if (!client.wanted.empty() && random_.chance(100)) ask_who_has(id);
    if (random_.chance(50)) submit_wrong(id);
    if (client.wanted.empty() || !random_.chance(faults_.fickle)) return;
    if (random_.chance(300)) return release_ready(id);
    auto chosen = client.wanted.begin();
    std::advance(chosen, random_.below(client.wanted.size()));
    auto& [key, wanted] = *chosen;
    const KeyRange range{key.token, key.index, 1};
    if (wanted.progress == Progress::erred) {
        wanted.progress = Progress::pending;
        send(id, RetryKeys{{range}});
    } else if (wanted.progress != Progress::given_up) {
        wanted.progress = Progress::given_up;
        if (random_.chance(500)) return send(id, ReleaseKeys{{range}});
        client.has_cancelled = true;
        client.cancelled.insert(key);
        send(id, CancelKeys{{range}});
    }
}

void World::vanish(std::size_t id) {
    auto& client = clients_[id];
    note("client vanishes", id);
    client.vanished = somebody_vanished_ = true;
    client.link->open_here = false;
    agenda_.at(client.link->last_to + random_(0, 20 * millisecond), [this, link = client.link] {
        link->open_there = false;
        client_links_.erase(link->client);
        scheduler_.remove_client(link->client);
        after_scheduler_event();
    });
}

void World::ask_who_has(std::size_t id) {
    auto& client = clients_[id];
    WhoHas question{++client.gathers, {}};
    for (const auto& [key, wanted] : client.wanted) {
        question.keys.push_back({key.token, key.index, 1});
    }
    client.questions.insert(question.request);
    send(id, std::move(question));
}

void World::submit_wrong(std::size_t id) {
    auto graph = workload_.wrong();
    clients_[id].wrong.insert(graph.wanted.at(0).token);
    send(id, std::move(graph));
}

// Gives back all results that have come, so that numbers of tasks are soon used again.
void World::release_ready(std::size_t id) {
    ReleaseKeys release;
    for (auto& [key, wanted] : clients_[id].wanted) {
        if (wanted.progress != Progress::ready) continue;
        wanted.progress = Progress::given_up;
        release.keys.push_back({key.token, key.index, 1});
    }
    send(id, std::move(release));
}

}  // namespace satchel::simulation
