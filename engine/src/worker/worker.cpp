// What the scheduler tells a worker.
#include "worker/worker.hpp"

#include <satchel/error.hpp>
#include <satchel/function.hpp>

#include <utility>

namespace satchel::worker {

void Worker::handle(const WorkerBatch& batch) {
    const bool is_first = self_.worker == none && !batch.messages.empty() &&
                          std::holds_alternative<Welcome>(batch.messages.front());
    if (!is_first && batch.to != self_) return;
    received_ = batch.sequence;
    for (const auto& message : batch.messages) {
        std::visit([&](const auto& event) { on(event); }, message);
    }
    // Not before: it says that all of the batch has arrived.
    if (std::exchange(is_inventory_due_, false)) report_inventory();
    start_fetches();
    start();
}

Instructions Worker::take() {
    report_executing();
    return std::exchange(out_, {});
}

bool Worker::holds(TaskRef task) const {
    const auto place = index_.find(task);
    return place != none && entries_[place].state == State::held;
}

void Worker::on(const PeersChanged& message) {
    for (const auto& peer : message.joined) {
        const auto old = peers_.find(peer.worker.worker);
        if (old != peers_.end()) lose_peer({old->first, old->second.incarnation});
        peers_[peer.worker.worker] = {peer.worker.incarnation, peer.address, {}, 0};
    }
    for (const auto& peer : message.lost) lose_peer(peer);
}

void Worker::on(const ComputeTasks& message) {
    for (const auto& layer : message.layers) {
        if (layer.layer >= layers_.size()) layers_.resize(layer.layer + 1);
        layers_[layer.layer] = std::make_shared<const LayerDefinition>(layer);
    }
    std::uint64_t arguments = 0, holders = 0;
    for (const auto& task : message.tasks) arguments += task.arguments;
    for (const auto& argument : message.arguments) holders += argument.holders;
    if (arguments != message.arguments.size() || holders != message.holders.size()) {
        throw Error(
            "worker: the scheduler sent tasks whose lists of arguments are not complete; do the "
            "scheduler and this worker run the same version?");
    }
    const auto* next_argument = message.arguments.data();
    const auto* next_holder = message.holders.data();
    for (const auto& task : message.tasks) {
        add_task(task, {next_argument, task.arguments}, next_holder);
        next_argument += task.arguments;
    }
}

void Worker::add_task(const Assignment& assignment, std::span<const Argument> arguments,
                      const WorkerRef*& holders) {
    const bool known_layer = assignment.layer < layers_.size() && layers_[assignment.layer];
    if (!known_layer || index_.find(assignment.task) != none) {
        for (const auto& argument : arguments) holders += argument.holders;
        return;
    }
    const auto place = add_entry(assignment.task, State::waiting);
    auto& task = entries_[place];
    task.layer = assignment.layer;
    task.index = assignment.index;
    task.priority = assignment.priority;
    task.expected = assignment.expected;
    task.alone = assignment.alone;
    task.reports = assignment.wanted;
    task.arguments.assign(arguments.begin(), arguments.end());
    assigned_digest_ ^= digest_of(assignment.task);
    std::vector<TaskRef> to_fetch;
    for (const auto& argument : arguments) {
        if (use(place, argument, {holders, argument.holders})) {
            to_fetch.push_back({argument.reference, argument.attempt});
        }
        holders += argument.holders;
    }
    if (entries_[place].missing == 0) make_ready(place);
    // Where one cannot be had, the task is given up, and then the others need not be asked for.
    for (const auto ref : to_fetch) {
        const auto value = index_.find(ref);
        if (value != none) request(value);
    }
}

void Worker::on(const ReleaseTasks& message) {
    for (const auto ref : message.tasks) {
        const auto place = index_.find(ref);
        if (place != none && !entries_[place].released) release(place);
    }
}

// What has begun, or is gone, is not worth a word: the scheduler will hear of it anyway.
void Worker::on(const HandBack& message) {
    HandedBack handed_back;
    for (const auto ref : message.tasks) {
        const auto place = index_.find(ref);
        if (place == none) continue;
        const auto state = entries_[place].state;
        if (state != State::waiting && state != State::ready) continue;
        give_up(place);
        handed_back.tasks.push_back(ref);
    }
    if (!handed_back.tasks.empty()) out_.messages.emplace_back(std::move(handed_back));
}

void Worker::release(Place place) {
    auto& entry = entries_[place];
    switch (entry.state) {
        case State::free:
            return;
        case State::wanted:
        case State::fetching:
            // Tasks here that still need it will learn from its holder that it is gone.
            entry.keep = false;
            if (entry.users == 0 && entry.state == State::wanted) remove_entry(place);
            return;
        case State::held:
            entry.released = true;
            held_digest_ ^= digest_of(entry.ref);
            if (entry.users == 0) unload(place);
            return;
        case State::waiting:
        case State::ready:
            give_up(place);
            return;
        case State::executing:
        case State::seceded:
        case State::resuming:
            entry.released = true;
            if (entry.ref == alone_) alone_ = {};  // it may ignore that it is to stop
            assigned_digest_ ^= digest_of(entry.ref);
            out_.stops.push_back(entry.ref);
            return;
    }
}

void Worker::on(const ForgetLayers& message) {
    for (const auto layer : message.layers) {
        if (layer < layers_.size()) layers_[layer].reset();
    }
}

void Worker::on(const Replicate& message) {
    for (std::size_t k = 0; k < message.tasks.size() && k < message.nbytes.size(); ++k) {
        auto place = index_.find(message.tasks[k]);
        if (place == none) {
            place = add_entry(message.tasks[k], State::wanted);
            entries_[place].nbytes = message.nbytes[k];
        }
        auto& entry = entries_[place];
        const bool is_new = entry.users == 0 && !entry.keep;
        if (entry.state != State::wanted && entry.state != State::fetching) continue;
        entry.keep = true;
        add_holder(place, message.holder);
        if (is_new && entry.state == State::wanted) request(place);
    }
}

void Worker::report_inventory() {
    Inventory inventory{received_, {}, {}};
    for (const auto& entry : entries_) {
        if (entry.released) continue;
        if (is_task(entry.state)) inventory.assigned.push_back(entry.ref);
        if (entry.state == State::held) inventory.held.push_back(entry.ref);
    }
    out_.messages.emplace_back(std::move(inventory));
}

void Worker::heartbeat(std::int64_t process_bytes) {
    Heartbeat message{received_, assigned_digest_, held_digest_, {}};
    message.metrics.managed_bytes = managed_bytes_;
    message.metrics.process_bytes = process_bytes;
    for (const auto& entry : entries_) {
        if (entry.state == State::executing) ++message.metrics.executing;
        if (entry.state == State::ready) ++message.metrics.ready;
        if (entry.state == State::fetching) ++message.metrics.fetching;
    }
    out_.messages.emplace_back(message);
}

}  // namespace satchel::worker
