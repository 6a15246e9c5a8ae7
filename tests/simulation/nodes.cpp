// Simulated workers: computers that store and send, and that die in several ways.
#include "simulation/world.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace satchel::simulation {

void World::boot(std::size_t node, Time after) {
    agenda_.after(after, [this, node] {
        if (!nodes_[node].up) start_life(node);
    });
}

void World::start_life(std::size_t id) {
    auto& node = nodes_[id];
    const auto life = node.life + 1;
    node = Node{};
    node.life = life;
    node.up = true;
    node.slowness = !calm_ && random_.chance(100) ? random_(5, 30) : 1;
    const auto threads = static_cast<std::uint32_t>(random_(1, 3));
    node.fetches_max = static_cast<std::uint32_t>(random_(1, 4));
    node.fetch_bytes_max = random_(1, 64) << 20;
    node.machine =
        std::make_unique<worker::Worker>(worker::Options{.threads = threads,
                                                         .fetches_max = node.fetches_max,
                                                         .fetch_bytes_max = node.fetch_bytes_max});
    node.link = std::make_shared<Link>();
    node.link->owner = id;
    note("worker starts", id, node.life);
    RegisterWorker message{fmt::format("node-{}", id), fmt::format("address-{}", id), threads, 0};
    to_scheduler(node.link, [this, link = node.link, message] {
        link->worker = scheduler_.add_worker(message, agenda_.now());
        worker_links_[link->worker] = link;
        note("worker joins", link->worker.worker, link->worker.incarnation);
    });
    on_node(id, 20 * millisecond, [this, id] { heartbeat(id); });
    on_node(id, random_(1, 20) * millisecond, [this, id] { misfortune(id); });
}

// The process has ended; the computer starts it again, unless it was told to leave.
void World::end_life(std::size_t id, bool crashed) {
    auto& node = nodes_[id];
    note(crashed ? "worker crashes" : "worker ends", id, node.life);
    if (crashed && faults_.nannies) {
        node.link->running.emplace(node.running.begin(), node.running.end());
    }
    node.up = false;
    ++node.life;
    node.machine.reset();
    node.values.clear();
    node.calls.clear();
    node.waiting.clear();
    node.link->open_here = false;
    if (node.link->open_there) {
        // What was sent before is on its way, or part of it.
        if (crashed && random_.chance(500)) node.link->last_to = agenda_.now();
        const auto notice =
            node.link->silent ? random_(50, 500) * millisecond : random_(0, 5) * millisecond;
        finish_link(node.link, !crashed, notice);
    }
    if (!node.gone || calm_) boot(id, random_(0, 15 * millisecond));
}

// Does something on a node, unless that life has ended; later, if the node stands still.
void World::on_node(std::size_t id, Time after, std::function<void()> action) {
    const auto life = nodes_[id].life;
    agenda_.after(after, [this, id, life, action = std::move(action)]() mutable {
        auto& node = nodes_[id];
        if (node.life != life || !node.up) return;
        if (node.frozen_until > agenda_.now()) {
            return on_node(id, node.frozen_until - agenda_.now(), std::move(action));
        }
        action();
    });
}

void World::heartbeat(std::size_t id) {
    nodes_[id].machine->heartbeat(0);
    drain(id);
    on_node(id, 20 * millisecond, [this, id] { heartbeat(id); });
}

void World::send_report(std::size_t id, FromWorker message) {
    const bool may_lose = std::holds_alternative<TasksFinished>(message) ||
                          std::holds_alternative<KeysAdded>(message) ||
                          std::holds_alternative<TaskErred>(message) ||
                          std::holds_alternative<MissingData>(message);
    if (may_lose && !calm_ && random_.chance(faults_.lose)) return note("lost a report");
    const auto& node = nodes_[id];
    const auto from = node.machine->self();
    const auto seceded = std::ranges::count_if(
        node.waiting, [&](const auto& item) { return !node.stopped.contains(item.first); });
    to_scheduler(node.link, [this, from, seceded, message = std::move(message)] {
        note("report", from.worker, message.index());
        if (const auto* beat = std::get_if<Heartbeat>(&message)) {
            scheduler_.require_agreement(from, *beat, static_cast<std::uint32_t>(seceded));
        }
        scheduler_.handle(from, message, agenda_.now());
    });
}

// Does what the machine says, in the order that it asks for.
void World::drain(std::size_t id) {
    auto& node = nodes_[id];
    auto out = node.machine->take();
    for (const auto& message : out.messages) {
        if (std::holds_alternative<HandedBack>(message)) note("hands back");
    }
    node.machine->check();
    require(!node.paused || out.executes.empty(), "a paused worker begins something");
    for (const auto& work : out.executes) require_right(node, work);
    node.stopped.insert(out.stops.begin(), out.stops.end());
    require_alone(node, out);
    require_reported(node, out);
    for (const auto ref : out.drops) node.values.erase(ref);
    for (auto& message : out.messages) send_report(id, std::move(message));
    for (const auto& request : out.fetches) fetch(id, request);
    for (auto& work : out.executes) begin(id, std::move(work));
    for (const auto ref : out.resumes) resume(id, ref);
    if (out.close) {
        note("worker retires", id);
        node.gone = true;
        end_life(id, false);
    }
}

// If it is said what the threads do, it is all that they do and is still needed.
void World::require_reported(const Node& node, const worker::Instructions& out) const {
    std::set<TaskRef> executing;
    for (const auto& [task, key] : node.calls) {
        if (!node.waiting.contains(task)) executing.insert(task);
    }
    for (const auto& work : out.executes) {
        for (const auto& call : work.calls) executing.insert(call.task);
    }
    executing.insert(out.resumes.begin(), out.resumes.end());
    std::erase_if(executing, [&](TaskRef task) { return node.stopped.contains(task); });
    for (const auto& message : out.messages) {
        const auto* report = std::get_if<Executing>(&message);
        require(report == nullptr ||
                    std::set<TaskRef>(report->tasks.begin(), report->tasks.end()) == executing,
                "a worker does not say what it executes");
    }
}

// Asks another node for values: there and back, or a failure some time later.
void World::fetch(std::size_t id, const worker::Instructions::Fetch& request) {
    const auto life = nodes_[id].life;
    require_small(nodes_[id], request);
    nodes_[id].fetches.insert(request.number);
    require(!faults_.are_none() || nodes_[id].fetches.size() <= nodes_[id].fetches_max,
            "too much is asked for at the same time");
    agenda_.after(delay(), [this, id, life, request] {
        if (nodes_[id].life != life) return;
        const auto peer = std::ranges::find_if(nodes_, [&](const Node& node) {
            return node.up && node.machine->self() == request.peer;
        });
        const auto number = static_cast<std::size_t>(peer - nodes_.begin());
        const bool reachable = peer != nodes_.end() && peer->frozen_until <= agenda_.now() &&
                               !cuts_.contains({id, number}) && !cuts_.contains({number, id});
        if (!reachable) {
            note("fetch fails", id, request.number);
            on_node(id, random_(0, 20 * millisecond), [this, id, number = request.number] {
                nodes_[id].fetches.erase(number);
                nodes_[id].machine->fetch_failed(number);
                drain(id);
            });
            return;
        }
        std::vector<worker::Worker::Fetched> items;
        std::map<TaskRef, std::uint64_t> values;
        for (const auto ref : request.tasks) {
            const bool present = peer->machine->holds(ref);
            if (present) values[ref] = peer->values.at(ref);
            const auto nbytes = present ? static_cast<std::int64_t>(values[ref] % 1000) : 0;
            items.push_back({ref, present, nbytes});
        }
        // An answer may be about a part of what was asked for.
        if (!calm_ && random_.chance(faults_.lose)) items.pop_back();
        on_node(id, delay(), [this, id, number = request.number, items, values] {
            note("fetched", id, number);
            auto& node = nodes_[id];
            for (const auto& item : items) {
                if (item.present) node.values.emplace(item.task, values.at(item.task));
            }
            node.fetches.erase(number);
            node.machine->fetched(number, items);
            drain(id);
        });
    });
}

// At once a worker asks for no more than it has room for, unless it is one result.
void World::require_small(const Node& node, const worker::Instructions::Fetch& request) const {
    std::int64_t nbytes = 0;
    for (const auto ref : request.tasks) {
        const bool is_current = scheduler_.tasks().is(ref, scheduler::TaskState::memory);
        nbytes += is_current ? scheduler_.tasks()[ref.task].nbytes : 0;
    }
    require(request.tasks.size() == 1 || nbytes <= node.fetch_bytes_max,
            "a fetch is larger than it may be");
}

// From time to time something bad may happen to a node.
void World::misfortune(std::size_t id) {
    on_node(id, random_(5, 25) * millisecond, [this, id] { misfortune(id); });
    if (calm_) return;
    auto& node = nodes_[id];
    if (random_.chance(faults_.crash)) return end_life(id, true);
    if (random_.chance(faults_.hang)) {
        note("hangs", id);
        node.frozen_until = agenda_.now() + random_(1, 400) * millisecond;
    }
    if (random_.chance(faults_.half_open)) {
        note("half open", id);
        node.link->silent = true;
        // This side notices at its own time.
        on_node(id, random_(10, 400) * millisecond, [this, id] { end_life(id, false); });
    }
    if (random_.chance(faults_.cut)) {
        const auto other = random_.below(nodes_.size());
        cuts_.insert({id, other});
        note("cut", id, other);
        agenda_.after(random_(1, 150) * millisecond, [this, id, other] {
            cuts_.erase({id, other});
        });
    }
    if (random_.chance(faults_.pause)) {
        note("pauses", id);
        node.machine->pause(true);
        node.paused = true;
        drain(id);
        on_node(id, random_(1, 100) * millisecond, [this, id] {
            nodes_[id].paused = false;
            nodes_[id].machine->pause(false);
            drain(id);
        });
    }
    if (random_.chance(faults_.retire)) {
        note("told to retire", id);
        node.retiring = true;
        to_scheduler(node.link,
                     [this, link = node.link] { scheduler_.retire_worker(link->worker); });
    }
}

}  // namespace satchel::simulation
