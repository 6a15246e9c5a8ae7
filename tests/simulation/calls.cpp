// Calls on simulated workers: what a thread does with what the machine gives it.
#include <satchel/function.hpp>

#include "simulation/world.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace satchel::simulation {

std::vector<std::uint64_t> World::inputs_of(std::size_t id, const Work& work, std::size_t k) {
    const auto& call = work.calls[k];
    std::vector<std::uint64_t> inputs;
    for (const auto& argument : call.arguments) {
        if (detail::is_literal(argument.reference)) {
            const auto& literal = call.layer->literals[detail::literal_number(argument.reference)];
            std::memcpy(&inputs.emplace_back(), literal.data(), sizeof(std::uint64_t));
            continue;
        }
        const TaskRef input{argument.reference, argument.attempt};
        if (call.follows && input == work.calls[k - 1].task) {
            inputs.push_back(work.last.value());
            continue;
        }
        const auto value = nodes_[id].values.find(input);
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
    execute(id, std::make_shared<Work>(Work{std::move(work.calls)}), 0);
}

// Nothing is called that was to be stopped, nor what follows nothing; and calls are made together
// with others only if that delays none of them by much.
void World::require_right(const Node& node, const Execute& work) const {
    require(!work.calls.front().follows, "a call follows one that is not made");
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

// What shall be alone is: but for calls that wait without a thread.
void World::require_alone(const Node& node, const worker::Instructions& out) const {
    std::vector<TaskRef> calls;
    for (const auto& [task, key] : node.calls) {
        if (!node.waiting.contains(task)) calls.push_back(task);
    }
    for (const auto& work : out.executes) {
        for (const auto& call : work.calls) calls.push_back(call.task);
    }
    calls.insert(calls.end(), out.resumes.begin(), out.resumes.end());
    std::erase_if(calls, [&](TaskRef task) { return node.stopped.contains(task); });
    const bool one_is_alone =
        std::ranges::any_of(calls, [&](TaskRef task) { return node.alone.contains(task); });
    require(!one_is_alone || calls.size() == 1, "what shall be alone has company");
}

// Call number k takes so long that others are to make what comes behind it.
void World::relieve(std::size_t id, const WorkPtr& work, std::size_t k) {
    if (work->at != k || work->calls.size() == k + 1) return;
    note("thread relieved", work->calls[k].task.task);
    const auto life = nodes_[id].life;
    if (!work->untold.empty()) tell(id, std::exchange(work->untold, {}));
    if (nodes_[id].life != life) return;
    nodes_[id].machine->not_begun(give_up_after(id, *work, k));
    drain(id);
}

// The thread will make no calls behind number k.
std::vector<TaskRef> World::give_up_after(std::size_t id, Work& work, std::size_t k) {
    std::vector<TaskRef> not_begun;
    for (auto other = k + 1; other < work.calls.size(); ++other) {
        not_begun.push_back(work.calls[other].task);
        nodes_[id].calls.erase(not_begun.back());
    }
    work.calls.resize(k + 1);
    return not_begun;
}

// Makes call number k of an Execute, and then the others; not what was told to stop before, nor
// what follows one that gave nothing.
void World::execute(std::size_t id, const WorkPtr& work, std::size_t k) {
    work->at = k;
    if (k == work->calls.size()) return;
    const auto& call = work->calls[k];
    const bool is_made = !nodes_[id].stopped.contains(call.task) && (!call.follows || work->last);
    if (is_made) return begin_call(id, work, k);
    on_node(id, 0, [this, id, work, k] {
        const auto ref = work->calls[k].task;
        note("not called", ref.task, ref.attempt);
        go_on(id, work, k, {.task = ref, .failure = "it was stopped before it began"});
    });
}

void World::begin_call(std::size_t id, const WorkPtr& work, std::size_t k) {
    const auto& call = work->calls[k];
    const auto key = nodes_[id].calls.at(call.task);
    const auto& layer = workload_.layer(key.token);
    const auto behaviour = layer.behaviour_of(key.index);
    ++executions_[key];
    nodes_[id].running.insert(call.task);
    note("call", call.task.task, call.task.attempt);
    if (scheduler_.tasks().is(call.task, scheduler::TaskState::following)) note("follows");
    if (call.follows) note("follows at once");
    const auto expected = Workload::compute(key, inputs_of(id, *work, k));
    require(expected == workload_.task(key).value, "a call has wrong inputs");
    const auto duration = layer.duration * random_(50, 150) / 100 * nodes_[id].slowness;
    if (work->calls.size() > k + 1 && random_.chance(200)) {
        on_node(id, random_(0, duration), [this, id, work, k] { relieve(id, work, k); });
    }
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
    on_node(id, duration, [this, id, work, k] {
        const auto& ended = work->calls[k];
        go_on(id, work, k, end_call(id, ended.task, ended.wanted));
    });
}

// Call number k has ended. The thread may tell that at once, or later with others: it makes the
// next one first.
void World::go_on(std::size_t id, const WorkPtr& work, std::size_t k, Outcome outcome) {
    const auto life = nodes_[id].life;
    work->last = outcome.value;
    work->untold.push_back(std::move(outcome));
    const bool is_last = k + 1 == work->calls.size();
    if (is_last || random_.chance(300)) tell(id, std::exchange(work->untold, {}));
    if (nodes_[id].life == life) execute(id, work, k + 1);
}

// Call number k of an Execute waits for the cluster, perhaps for what it has asked a client's graph
// for; its thread makes no others.
void World::secede(std::size_t id, const WorkPtr& work, std::size_t k, Time rest) {
    const auto life = nodes_[id].life;
    if (!work->untold.empty()) tell(id, std::exchange(work->untold, {}));
    if (nodes_[id].life != life) return;
    auto& node = nodes_[id];
    const auto ref = work->calls[k].task;
    note("secedes", ref.task, ref.attempt);
    node.waiting[ref] = rest;
    node.running.erase(ref);
    node.machine->seceded(ref, give_up_after(id, *work, k));
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
    on_node(id, rest, [this, id, ref] { tell(id, {end_call(id, ref, false)}); });
}

World::Outcome World::end_call(std::size_t id, TaskRef task, bool wanted) {
    auto& node = nodes_[id];
    const auto key = node.calls.at(task);
    const auto& layer = workload_.layer(key.token);
    const auto behaviour = layer.behaviour_of(key.index);
    node.running.erase(task);
    const bool throws =
        behaviour == Behaviour::throws ||
        (behaviour == Behaviour::flaky && scheduler_.exceptions(key) < layer.throws_before);
    if (throws) {
        note("throws", task.task, task.attempt);
        return {.task = task, .wanted = wanted, .failure = "thrown"};
    }
    return {.task = task, .wanted = wanted, .value = workload_.task(key).value};
}

// A thread tells the machine what its calls have given.
void World::tell(std::size_t id, const std::vector<Outcome>& outcomes) {
    auto& node = nodes_[id];
    for (const auto& outcome : outcomes) {
        const auto& layer = workload_.layer(node.calls.at(outcome.task).token);
        node.calls.erase(outcome.task);
        if (!outcome.value) {
            node.machine->erred(outcome.task,
                                {.text = outcome.failure, .worker = fmt::format("node-{}", id)});
            continue;
        }
        node.values[outcome.task] = *outcome.value;
        FinishedTask result{outcome.task, layer.nbytes, layer.duration, outcome.wanted, {}};
        result.inlined = outcome.wanted && layer.nbytes <= inline_bytes_max;
        if (result.inlined) {
            result.value = Bytes(
                std::string(reinterpret_cast<const char*>(&*outcome.value), sizeof *outcome.value));
        }
        node.machine->finished(result);
        require(node.machine->holds(outcome.task) || node.stopped.contains(outcome.task),
                "a call that nobody needs was not told to stop");
    }
    drain(id);
}

}  // namespace satchel::simulation
