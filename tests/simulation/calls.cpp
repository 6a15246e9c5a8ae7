// Calls on simulated workers: what a thread does with what the machine gives it.
#include <satchel/function.hpp>

#include "simulation/world.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace satchel::simulation {

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

// The machine gives calls to a thread.
void World::begin(std::size_t id, Execute&& work) {
    auto& node = nodes_[id];
    for (const auto& call : work.calls) {
        const auto key = workload_.key_of(*call.layer, call.index);
        node.calls[call.task] = key;
        node.layers.push_back(call.layer);
        scheduler_.begins(node.machine->self(), key);
    }
    execute(id, std::make_shared<const Execute>(std::move(work)), 0);
}

// Nothing is called that was to be stopped; and calls are made together with others only if that
// delays none of them by much.
void World::require_right(const Node& node, const Execute& work) const {
    Time together = 0;
    for (const auto& call : work.calls) {
        require(!node.stopped.contains(call.task), "what was told to stop is called");
        if (work.calls.size() == 1) return;
        const auto expected = node.expected.at(call.task);
        require(expected > 0, "what may take long is called together with others");
        together += expected;
    }
    require(together <= 200 * microsecond, "calls that take long are made together");
}

// Makes call number k of an Execute, and then the others; not what was told to stop before.
void World::execute(std::size_t id, const ExecutePtr& work, std::size_t k) {
    if (k == work->calls.size()) return;
    const auto ref = work->calls[k].task;
    if (!nodes_[id].stopped.contains(ref)) return begin_call(id, work, k);
    on_node(id, 0, [this, id, work, k, ref] {
        auto& node = nodes_[id];
        const auto life = node.life;
        note("not called", ref.task, ref.attempt);
        node.calls.erase(ref);
        node.machine->erred(ref, {.text = "it was stopped before it began"});
        drain(id);
        if (node.life == life) execute(id, work, k + 1);
    });
}

void World::begin_call(std::size_t id, const ExecutePtr& work, std::size_t k) {
    const auto& call = work->calls[k];
    const auto key = nodes_[id].calls.at(call.task);
    const auto& layer = workload_.layer(key.token);
    const auto behaviour = layer.behaviour_of(key.index);
    ++executions_[key];
    nodes_[id].running.insert(call.task);
    note("call", call.task.task, call.task.attempt);
    if (scheduler_.tasks().is(call.task, scheduler::TaskState::following)) note("follows");
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
        on_node(id, duration / 2, [this, id, work, k, duration] { secede(id, work, k, duration); });
        return;
    }
    on_node(id, duration, [this, id, work, k, key] {
        const auto life = nodes_[id].life;
        end_call(id, work->calls[k], key);
        if (nodes_[id].life == life) execute(id, work, k + 1);
    });
}

// Call number k of an Execute waits for the cluster, perhaps for what it has asked a client's graph
// for; its thread makes no others.
void World::secede(std::size_t id, const ExecutePtr& work, std::size_t k, Time rest) {
    auto& node = nodes_[id];
    const auto ref = work->calls[k].task;
    note("secedes", ref.task, ref.attempt);
    node.waiting[ref] = rest;
    node.running.erase(ref);
    std::vector<TaskRef> not_begun;
    for (auto other = k + 1; other < work->calls.size(); ++other) {
        not_begun.push_back(work->calls[other].task);
        node.calls.erase(not_begun.back());
    }
    node.machine->seceded(ref, not_begun);
    drain(id);
    const auto client = random_.below(clients_.size());
    const bool asks = random_.chance(500) && clients_[client].link && !is_over_;
    const auto keys = asks ? submit_nested(client) : std::vector<Key>();
    on_node(id, random_(0, 30 * millisecond),
            [this, id, ref, client, keys] { wait_for(id, ref, client, keys); });
}

// A call that has seceded wants its thread again when what it waits for is there.
void World::wait_for(std::size_t id, TaskRef ref, std::size_t by, const std::vector<Key>& keys) {
    auto& client = clients_[by];
    const bool waits = !client.vanished && std::ranges::any_of(keys, [&](const Key& key) {
        return client.wanted.at(key).progress == Progress::pending;
    });
    if (waits) {
        return on_node(id, 1 * millisecond,
                       [this, id, ref, by, keys] { wait_for(id, ref, by, keys); });
    }
    nodes_[id].machine->rejoin(ref);
    drain(id);
}

// A call that had seceded has a thread again. It goes on where it had stopped; its inputs are still
// here.
void World::resume(std::size_t id, TaskRef ref) {
    auto& node = nodes_[id];
    note("resumes", ref.task, ref.attempt);
    node.running.insert(ref);
    const auto rest = node.waiting.at(ref);
    node.waiting.erase(ref);
    on_node(id, rest, [this, id, ref] {
        worker::Call call;
        call.task = ref;
        const auto key = nodes_[id].calls.at(ref);
        end_call(id, call, key);
    });
}

void World::end_call(std::size_t id, const worker::Call& call, const Key& key) {
    auto& node = nodes_[id];
    const auto& layer = workload_.layer(key.token);
    const auto behaviour = layer.behaviour_of(key.index);
    node.calls.erase(call.task);
    node.running.erase(call.task);
    const bool throws =
        behaviour == Behaviour::throws ||
        (behaviour == Behaviour::flaky && scheduler_.exceptions(key) < layer.throws_before);
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
        require(node.machine->holds(call.task) || node.stopped.contains(call.task),
                "a call that nobody needs was not told to stop");
    }
    drain(id);
}

}  // namespace satchel::simulation
