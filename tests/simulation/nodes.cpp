// Simulated workers: computers that call, store and send, and that die in several ways.
#include <satchel/function.hpp>

#include "simulation/world.hpp"

#include <algorithm>
#include <cstring>
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
    ++node.life;
    node.up = true;
    node.gone = node.retiring = false;
    node.frozen_until = 0;
    node.slowness = !calm_ && random_.chance(100) ? random_(5, 30) : 1;
    const auto threads = static_cast<std::uint32_t>(random_(1, 3));
    node.machine = std::make_unique<worker::Worker>(
        worker::Options{.threads = threads,
                        .fetches_max = static_cast<std::uint32_t>(random_(1, 4)),
                        .fetch_bytes_max = random_(1, 64) << 20});
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
    blame(id);
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
    if (!node.gone) boot(id, random_(0, 15 * millisecond));
}

// Counts a death for all that the node may have been executing, as far as others can know.
void World::blame(std::size_t id) {
    for (const auto& key : std::exchange(nodes_[id].begun, {})) ++deaths_[key];
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
    const auto from = nodes_[id].machine->self();
    to_scheduler(nodes_[id].link, [this, from, message = std::move(message)] {
        note("report", from.worker, message.index());
        compare_digests(from, message);
        scheduler_.handle(from, message, agenda_.now());
    });
}

// Does what the machine says, in the order that it asks for.
void World::drain(std::size_t id) {
    auto& node = nodes_[id];
    auto out = node.machine->take();
    node.machine->check();
    for (const auto ref : out.drops) node.values.erase(ref);
    for (auto& message : out.messages) send_report(id, std::move(message));
    for (const auto& request : out.fetches) fetch(id, request);
    for (auto& work : out.executes) {
        for (const auto& call : work.calls) {
            std::uint64_t token = 0;
            std::memcpy(&token, call.layer->function.data(), sizeof token);
            node.calls[call.task] = {{1, token}, call.index};
            node.begun.insert(node.calls[call.task]);
        }
        execute(id, std::make_shared<const worker::Instructions::Execute>(std::move(work)), 0);
    }
    for (const auto ref : out.resumes) {
        note("resumes", ref.task, ref.attempt);
        const auto rest = node.waiting.at(ref);
        node.waiting.erase(ref);
        on_node(id, rest, [this, id, ref] {
            // The call went on where it had stopped; its inputs are still here.
            worker::Call call;
            call.task = ref;
            const auto key = nodes_[id].calls.at(ref);
            end_call(id, call, key);
        });
    }
    if (out.close) {
        note("worker retires", id);
        node.gone = true;
        end_life(id, false);
    }
}

std::vector<std::uint64_t> World::inputs_of(std::size_t id, const worker::Call& call) {
    std::vector<std::uint64_t> inputs;
    for (const auto& argument : call.arguments) {
        if ((argument.reference & detail::literal_bit) != 0) {
            const auto& literal = call.layer->literals[argument.reference & ~detail::literal_bit];
            std::memcpy(&inputs.emplace_back(), literal.data(), sizeof(std::uint64_t));
            continue;
        }
        const auto value = nodes_[id].values.find({argument.reference, argument.attempt});
        require(value != nodes_[id].values.end(), "a call was made without its input");
        inputs.push_back(value->second);
    }
    return inputs;
}

// Makes call number k of an Execute, and then the others.
void World::execute(std::size_t id,
                    const std::shared_ptr<const worker::Instructions::Execute>& work,
                    std::size_t k) {
    if (k == work->calls.size()) return;
    begin_call(id, work, k);
}

void World::begin_call(std::size_t id,
                       const std::shared_ptr<const worker::Instructions::Execute>& work,
                       std::size_t k) {
    const auto& call = work->calls[k];
    const auto key = nodes_[id].calls.at(call.task);
    const auto& layer = workload_.layer(key.token);
    const auto behaviour = layer.behaviour_of(key.index);
    ++executions_[key];
    note("call", call.task.task, call.task.attempt);
    const auto expected = Workload::compute(key, inputs_of(id, call));
    require(expected == workload_.task(key).value, "a call has wrong inputs");
    const auto duration = layer.duration * random_(50, 150) / 100 * nodes_[id].slowness;
    if (behaviour == Behaviour::deadly) {
        on_node(id, duration / 2, [this, id] {
            note("deadly task");
            end_life(id, true);
        });
        return;
    }
    if (behaviour == Behaviour::secedes) {
        on_node(id, duration / 2, [this, id, work, k, duration] {
            auto& node = nodes_[id];
            const auto ref = work->calls[k].task;
            note("secedes", ref.task, ref.attempt);
            node.waiting[ref] = duration;
            std::vector<TaskRef> not_begun;
            for (auto other = k + 1; other < work->calls.size(); ++other) {
                not_begun.push_back(work->calls[other].task);
                node.calls.erase(not_begun.back());
            }
            node.machine->seceded(ref, not_begun);
            drain(id);
            on_node(id, random_(0, 30 * millisecond), [this, id, ref] {
                nodes_[id].machine->rejoin(ref);
                drain(id);
            });
        });
        return;
    }
    on_node(id, duration, [this, id, work, k, key] {
        const auto life = nodes_[id].life;
        end_call(id, work->calls[k], key);
        if (nodes_[id].life == life) execute(id, work, k + 1);
    });
}

void World::end_call(std::size_t id, const worker::Call& call, const Key& key) {
    auto& node = nodes_[id];
    const auto& layer = workload_.layer(key.token);
    const auto behaviour = layer.behaviour_of(key.index);
    node.calls.erase(call.task);
    const bool throws = behaviour == Behaviour::throws ||
                        (behaviour == Behaviour::flaky && executions_[key] <= layer.throws_before);
    if (throws) {
        note("throws", call.task.task, call.task.attempt);
        node.machine->erred(call.task, {.text = "thrown", .worker = fmt::format("node-{}", id)});
    } else {
        const auto value = workload_.task(key).value;
        node.values[call.task] = value;
        FinishedTask result{call.task, layer.nbytes, layer.duration, call.wanted, {}};
        result.inlined = call.wanted && layer.nbytes <= inline_bytes_max;
        if (result.inlined) {
            result.value = Bytes(std::string(reinterpret_cast<const char*>(&value), sizeof value));
        }
        node.machine->finished(result);
    }
    drain(id);
}

// Asks another node for values: there and back, or a failure some time later.
void World::fetch(std::size_t id, const worker::Instructions::Fetch& request) {
    const auto life = nodes_[id].life;
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
        on_node(id, delay(), [this, id, number = request.number, items, values] {
            note("fetched", id, number);
            auto& node = nodes_[id];
            node.values.insert(values.begin(), values.end());
            node.machine->fetched(number, items);
            drain(id);
        });
    });
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
        drain(id);
        on_node(id, random_(1, 100) * millisecond, [this, id] {
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
