// Inputs that other workers have: asked for in batches, one batch a worker at a time, from any of
// the workers that have them; and what happens when none of these can give them. The scheduler is
// told of that and decides: a worker does not try again by itself.
#include "worker/worker.hpp"

#include <algorithm>
#include <utility>

namespace satchel::worker {
namespace {

constexpr std::size_t fetch_tasks_max = 1024;

}  // namespace

void Worker::add_holder(Place place, WorkerRef holder) {
    auto& value = entries_[place];
    if (std::ranges::count(value.holders, holder) + std::ranges::count(value.tried, holder) > 0) {
        return;
    }
    value.holders.push_back(holder);
}

// Puts a value on the list of the least busy worker that has it. REQUIRES: it is `wanted`.
void Worker::request(Place place) {
    auto& value = entries_[place];
    PeerState* best = nullptr;
    for (const auto holder : value.holders) {
        const auto peer = peers_.find(holder.worker);
        if (peer == peers_.end() || peer->second.incarnation != holder.incarnation) continue;
        const auto load = [](const PeerState& p) { return p.queue.size() + (p.fetch != 0); };
        if (best == nullptr || load(peer->second) < load(*best)) best = &peer->second;
    }
    if (best == nullptr) {
        report_missing(place);
    } else {
        best->queue.push_back(value.ref);
    }
}

// A worker could not give a value; another may.
void Worker::fail(TaskRef ref, WorkerRef holder) {
    const auto place = index_.find(ref);
    if (place == none) return;
    auto& value = entries_[place];
    if (value.state != State::wanted && value.state != State::fetching) return;
    std::erase(value.holders, holder);
    value.tried.push_back(holder);
    value.state = State::wanted;
    if (value.users == 0 && !value.keep) {
        remove_entry(place);
    } else {
        request(place);
    }
}

// Nobody can give a value: the tasks that wait for it are handed back.
void Worker::report_missing(Place place) {
    auto& value = entries_[place];
    const auto ref = value.ref;
    auto tried = std::exchange(value.tried, {});
    tried.insert(tried.end(), value.holders.begin(), value.holders.end());
    const auto tasks = std::exchange(value.waiting, {});
    // Kept until the last task has let it go.
    value.keep = true;
    for (const auto task : tasks) {
        const auto waiting = index_.find(task);
        if (waiting == none || entries_[waiting].state != State::waiting) continue;
        out_.messages.emplace_back(MissingData{task, ref, tried});
        give_up(waiting);
    }
    remove_entry(index_.find(ref));
}

void Worker::lose_peer(WorkerRef ref) {
    const auto found = peers_.find(ref.worker);
    if (found == peers_.end() || found->second.incarnation != ref.incarnation) return;
    const auto peer = std::move(found->second);
    peers_.erase(found);
    std::vector<TaskRef> failed(peer.queue.begin(), peer.queue.end());
    if (peer.fetch != 0) {
        const auto under_way = under_way_.extract(peer.fetch);
        const auto& tasks = under_way.mapped().tasks;
        failed.insert(failed.end(), tasks.begin(), tasks.end());
    }
    for (const auto task : failed) fail(task, ref);
}

void Worker::start_fetches() {
    for (auto& [id, peer] : peers_) {
        if (under_way_.size() >= options_.fetches_max) return;
        if (peer.fetch == 0 && !peer.queue.empty()) start_fetch(id, peer);
    }
}

void Worker::start_fetch(WorkerId id, PeerState& peer) {
    Instructions::Fetch fetch{fetches_ + 1, {id, peer.incarnation}, peer.address, {}};
    std::int64_t nbytes = 0;
    while (!peer.queue.empty() && fetch.tasks.size() < fetch_tasks_max) {
        const auto place = index_.find(peer.queue.front());
        if (place != none && entries_[place].state == State::wanted) {
            auto& value = entries_[place];
            nbytes += value.nbytes;
            if (!fetch.tasks.empty() && nbytes > options_.fetch_bytes_max) break;
            value.state = State::fetching;
            fetch.tasks.push_back(value.ref);
        }
        peer.queue.pop_front();
    }
    if (fetch.tasks.empty()) return;
    peer.fetch = ++fetches_;
    under_way_[fetches_] = {fetch.peer, fetch.tasks};
    out_.fetches.push_back(std::move(fetch));
}

void Worker::end_fetch(std::uint64_t number) {
    const auto peer = peers_.find(under_way_.at(number).peer.worker);
    if (peer != peers_.end() && peer->second.fetch == number) peer->second.fetch = 0;
    under_way_.erase(number);
}

void Worker::fetched(std::uint64_t number, std::span<const Fetched> items) {
    const auto found = under_way_.find(number);
    const auto holder = found == under_way_.end() ? WorkerRef{} : found->second.peer;
    KeysAdded added;
    for (const auto& item : items) {
        const auto place = index_.find(item.task);
        const bool expected =
            found != under_way_.end() && place != none && entries_[place].state == State::fetching;
        if (!expected) {
            if (item.present && !holds(item.task)) out_.drops.push_back(item.task);
        } else if (!item.present) {
            fail(item.task, holder);
        } else if (entries_[place].users == 0 && !entries_[place].keep) {
            out_.drops.push_back(item.task);
            remove_entry(place);
        } else {
            store(place, item.nbytes);
            added.tasks.push_back(item.task);
        }
    }
    if (!added.tasks.empty()) out_.messages.emplace_back(std::move(added));
    // What was asked for and not answered counts as not there.
    if (found != under_way_.end()) {
        fetch_failed(number);
        return;
    }
    start_fetches();
    start();
}

bool Worker::put(TaskRef ref, std::int64_t nbytes) {
    // What is known already is here, or comes from another worker.
    if (self_.worker == none || index_.find(ref) != none) return false;
    store(add_entry(ref, State::wanted), nbytes);
    out_.messages.emplace_back(TasksFinished{{{ref, nbytes, 0, false, {}}}});
    return true;
}

void Worker::fetch_failed(std::uint64_t number) {
    const auto found = under_way_.find(number);
    if (found == under_way_.end()) return;
    const auto [peer, tasks] = found->second;
    end_fetch(number);
    for (const auto task : tasks) {
        const auto place = index_.find(task);
        if (place != none && entries_[place].state == State::fetching) fail(task, peer);
    }
    start_fetches();
    start();
}

}  // namespace satchel::worker
