// What always holds of a worker between two events, checked by computing everything anew.
#include <satchel/function.hpp>

#include "worker/worker.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

namespace satchel::worker {

class Checker {
  public:
    explicit Checker(const Worker& worker) : w_(worker) {}

    void check_everything() {
        for (const auto& [id, peer] : w_.peers_) {
            queued_.insert(peer.queue.begin(), peer.queue.end());
            require(peer.fetch == 0 || w_.under_way_.contains(peer.fetch), "fetches are known", {});
        }
        for (const auto& [number, fetch] : w_.under_way_) {
            under_way_.insert(fetch.tasks.begin(), fetch.tasks.end());
        }
        for (const auto& entry : w_.ready_) ready_.insert(entry.ref);
        for (const auto& entry : w_.entries_) {
            if (is_task(entry)) check_task(entry);
        }
        for (const auto& entry : w_.entries_) {
            if (entry.state == State::free) continue;
            require(entry.users == users_[entry.ref], "users are counted", entry.ref);
            if (!is_task(entry)) check_value(entry);
        }
        check_totals();
    }

  private:
    using State = Worker::State;
    using Entry = Worker::Entry;

    static bool is_task(const Entry& entry) { return Worker::is_task(entry.state); }
    static void require(bool holds, const char* invariant, TaskRef ref) {
        if (holds) return;
        throw std::logic_error(fmt::format("worker: broken invariant: {}; task {}, attempt {}",
                                           invariant, ref.task, ref.attempt));
    }

    [[nodiscard]] const Entry* find(TaskRef ref) const {
        const auto place = w_.index_.find(ref);
        return place == none ? nullptr : &w_.entries_[place];
    }

    void check_task(const Entry& task) {
        require(find(task.ref) == &task, "entries are found", task.ref);
        if (!task.released) assigned_ ^= digest_of(task.ref);
        std::uint32_t missing = 0;
        for (const auto& argument : task.arguments) {
            if (detail::is_literal(argument.reference)) continue;
            const TaskRef ref{argument.reference, argument.attempt};
            ++users_[ref];
            const auto* value = find(ref);
            require(value != nullptr, "inputs are known", task.ref);
            if (value->state == State::held) continue;
            ++missing;
            require(std::ranges::count(value->waiting, task.ref) > 0, "values know who waits",
                    task.ref);
        }
        require(missing == task.missing, "what is missing is counted", task.ref);
        require((missing > 0) == (task.state == State::waiting) || follows(task),
                "who misses nothing goes on", task.ref);
        const bool released_early = task.released && task.state < State::executing;
        require(!released_early, "what was released does not begin", task.ref);
        if (task.state == State::ready) {
            require(ready_.contains(task.ref), "the ready are in the queue", task.ref);
            require(w_.free_threads_ == 0 || w_.is_paused_ || waits_to_be_alone(),
                    "no thread idles in vain", task.ref);
        }
        if (task.state == State::executing && !task.released) {
            require(!task.alone || w_.alone_ == task.ref, "what shall be alone is", task.ref);
            require(w_.alone_ == TaskRef{} || w_.alone_ == task.ref, "who is alone has no company",
                    task.ref);
        }
    }

    // Whether something executes alone, or waits for the others to end.
    [[nodiscard]] bool waits_to_be_alone() const {
        if (w_.alone_ != TaskRef{}) return true;
        return w_.is_anything_executing() &&
               std::ranges::any_of(w_.entries_, [](const Entry& entry) {
                   return entry.alone &&
                          (entry.state == State::ready || entry.state == State::resuming);
               });
    }

    // Whether it was given to a thread behind a task that is all that it misses.
    [[nodiscard]] bool follows(const Entry& task) const {
        if (task.state != State::executing || task.batch == none) return false;
        const auto& batch = w_.batches_[task.batch].tasks;
        const auto self = std::ranges::find(batch, task.ref);
        if (self == batch.begin() || self == batch.end()) return false;
        const auto* before = find(*(self - 1));
        return before != nullptr && before->state == State::executing &&
               std::ranges::count(before->waiting, task.ref) == task.missing;
    }

    void check_value(const Entry& value) {
        require(find(value.ref) == &value, "entries are found", value.ref);
        if (value.state == State::held) {
            if (!value.released) held_ ^= digest_of(value.ref);
            bytes_ += value.nbytes;
            require(!value.released || value.users > 0, "what nobody needs is dropped", value.ref);
            require(value.waiting.empty(), "nobody waits for what is here", value.ref);
        } else if (value.state == State::wanted) {
            require(queued_.contains(value.ref), "what is wanted will be asked for", value.ref);
            require(value.users > 0 || value.keep, "what is wanted is needed", value.ref);
        } else {
            require(under_way_.contains(value.ref), "what is fetched is under way", value.ref);
        }
    }

    void check_totals() const {
        require(assigned_ == w_.assigned_digest_ && held_ == w_.held_digest_,
                "the digests are right", {});
        require(bytes_ == w_.managed_bytes_, "the bytes are counted", {});
        const auto* alone = find(w_.alone_);
        require(w_.alone_ == TaskRef{} || (alone != nullptr && alone->state == State::executing),
                "what is alone executes", w_.alone_);
        const auto busy = std::ranges::count_if(
            w_.batches_, [](const auto& batch) { return batch.remaining > 0; });
        require(static_cast<std::uint32_t>(busy) + w_.free_threads_ == w_.options_.threads,
                "a thread is free or has work", {});
        const bool idle_peer = std::ranges::any_of(w_.peers_, [&](const auto& peer) {
            return peer.second.fetch == 0 &&
                   std::ranges::any_of(peer.second.queue, [&](TaskRef ref) {
                       const auto* value = find(ref);
                       return value != nullptr && value->state == State::wanted;
                   });
        });
        require(!idle_peer || w_.under_way_.size() >= w_.options_.fetches_max,
                "what can be asked for was", {});
    }

    const Worker& w_;
    std::set<TaskRef> queued_, under_way_, ready_;
    std::map<TaskRef, std::uint32_t> users_;
    std::uint64_t assigned_ = 0, held_ = 0;
    std::int64_t bytes_ = 0;
};

void Worker::check() const { Checker(*this).check_everything(); }

}  // namespace satchel::worker
