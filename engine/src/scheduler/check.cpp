// What always holds between two events, checked by computing everything anew: a test calls this
// after each event, and whatever redundant number went wrong is found when it does, not when it
// matters. The names of the invariants are those of docs/scheduler.md.
#include "scheduler/scheduler.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace satchel::scheduler {

class Checker {
  public:
    explicit Checker(const Scheduler& scheduler) : s_(scheduler), pins_(s_.tasks_.layer_count()) {}

    void check_everything() {
        in_queue_.resize(s_.tasks_.size());
        s_.queue_.for_each([&](TaskId task) { in_queue_[task] = true; });
        for (TaskId task = 0; task < s_.tasks_.size(); ++task) {
            if (s_.tasks_[task].state != TaskState::forgotten) {
                check_task(task);
            } else {
                require(!s_.suspicions_.contains(task), "nobody suspects what is forgotten", task);
            }
        }
        check_layers();
        check_counts();
        check_workers();
        check_clients();
        check_progress();
    }

  private:
    using enum TaskState;

    void require(bool holds, const char* invariant, TaskId task = none) const {
        if (holds) return;
        throw std::logic_error(fmt::format("scheduler: broken invariant: {}; task {} ({})",
                                           invariant, task,
                                           task == none ? "none" : s_.label(task)));
    }

    static bool is_active(TaskState state) {
        return state == waiting || state == queued || state == no_worker || state == following ||
               state == processing;
    }

    void check_task(TaskId id) {
        const auto& task = s_.tasks_[id];
        ++counts_[static_cast<std::size_t>(task.state)];
        if (task.wants > 0) ++pins_[task.layer];
        if (task.state != released && task.state != erred) ++pins_[task.layer];
        require(!task.touched, "nothing is left to settle", id);
        const bool needed = task.wants > 0 || task.waiters > 0;
        if (is_active(task.state) || task.state == memory) {
            require(needed, "what nobody needs is released", id);
        }
        require(task.state != released || !needed, "what is needed is not released", id);
        check_inputs(id);
        check_place(id);
        if (task.state == following) check_following(id);
        check_dependents(id);
        check_wants(id);
    }

    void check_inputs(TaskId id) {
        const auto& task = s_.tasks_[id];
        std::uint32_t missing = 0;
        s_.tasks_.for_each_input(id, [&](TaskId input) {
            ++inputs_[{id, input}];
            const auto state = s_.tasks_[input].state;
            require(state != forgotten, "inputs are known", id);
            if (state == memory) return;
            ++missing;
            if (is_active(task.state)) {
                require(is_active(state) || (task.state == processing && state == erred),
                        "what is missing will come", id);
            }
        });
        if (task.state == waiting) {
            require(missing == task.missing && missing > 0, "who waits knows for how many", id);
        }
        if (task.state == queued || task.state == no_worker) {
            require(missing == 0, "what could run has its inputs", id);
        }
    }

    void check_place(TaskId id) {
        const auto& task = s_.tasks_[id];
        require((task.state == erred) == s_.reasons_.contains(id), "the erred have reasons", id);
        require(task.state != queued || in_queue_[id], "the queued are in the queue", id);
        if (task.state == processing) {
            const auto& worker = s_.workers_[task.worker];
            require(worker.alive && task.position < worker.processing.size() &&
                        worker.processing[task.position].task == id,
                    "a worker that lives computes it", id);
            require(s_.suspicions_.deaths(id) <= s_.options_.allowed_failures + Suspicions::window,
                    "the poisonous are erred", id);
        } else if (task.state != memory && task.state != following) {
            require(task.worker == none && task.more_holders == none, "no copy is left over", id);
        }
        if (task.state != memory) return;
        require(task.worker != none, "what is in memory is somewhere", id);
        s_.tasks_.for_each_holder(id, [&](WorkerId holder) {
            require(s_.workers_[holder].alive, "holders live", id);
            auto& held = held_[holder];
            ++held.count;
            held.bytes += task.nbytes;
            held.digest ^= digest_of(s_.tasks_.ref(id));
            require(held.last != id, "a holder is listed once", id);
            held.last = id;
        });
    }

    void check_following(TaskId id) {
        const auto& task = s_.tasks_[id];
        require(task.worker != none && s_.workers_[task.worker].takes_tasks(),
                "a worker that takes tasks goes on with it", id);
        require(task.missing == 1, "who follows waits for one", id);
        s_.tasks_.for_each_input(id, [&](TaskId input) {
            const auto& other = s_.tasks_[input];
            const bool is_here = other.state == memory ? s_.tasks_.has_holder(input, task.worker)
                                                       : other.worker == task.worker;
            require(is_here, "who follows is where its inputs are", id);
            const bool is_before = other.state == processing || other.state == following;
            require(other.state == memory || is_before, "who follows has somebody before it", id);
        });
        auto& ahead = ahead_[task.worker];
        ++ahead.count;
        ahead.digest ^= digest_of(s_.tasks_.ref(id));
    }

    void check_dependents(TaskId id) {
        std::uint32_t waiters = 0;
        s_.tasks_.for_each_dependent(id, [&](TaskId dependent) {
            --inputs_[{dependent, id}];
            if (is_active(s_.tasks_[dependent].state)) ++waiters;
        });
        require(waiters == s_.tasks_[id].waiters, "waiters are counted", id);
    }

    void check_wants(TaskId id) const {
        std::uint32_t wants = 0;
        for (const auto& [client, state] : s_.clients_) wants += state.wants_task(id) ? 1 : 0;
        require(wants == s_.tasks_[id].wants, "wants are counted", id);
    }

    void check_layers() {
        for (const auto& [edge, difference] : inputs_) {
            require(difference == 0, "inputs and dependents agree", edge.first);
        }
        for (LayerId id = 0; id < s_.tasks_.layer_count(); ++id) {
            const auto& layer = s_.tasks_.layer(id);
            if (layer.count == 0) continue;
            require(s_.tasks_.find(layer.token) == id, "layers are found", layer.first);
            require(layer.owner == none || (layer.is_data && s_.clients_.contains(layer.owner)),
                    "the owners of data are there", layer.first);
            for (std::uint32_t k = 0; k < layer.count; ++k) {
                const auto& task = s_.tasks_[layer.first + k];
                require(task.layer == id && task.state != forgotten, "layers are whole",
                        layer.first + k);
            }
            count_edges(layer);
        }
        for (LayerId id = 0; id < s_.tasks_.layer_count(); ++id) {
            const auto& layer = s_.tasks_.layer(id);
            if (layer.count == 0) continue;
            require(pins_[id] == layer.pins && layer.pins > 0, "pins are counted", layer.first);
        }
    }

    // An edge pins the layer of its input, and so does a rule that has no edges.
    void count_edges(const Layer& layer) {
        for (std::uint32_t k = 0; k < layer.count; ++k) {
            s_.tasks_.for_each_input(layer.first + k, [&](TaskId input) {
                const auto other = s_.tasks_[input].layer;
                if (other != s_.tasks_[layer.first].layer) ++pins_[other];
            });
        }
        if (!layer.rules) return;
        for (const auto& span : layer.rules->everything) {
            pins_[s_.tasks_[span.first].layer] -= span.count * layer.count - 1;
        }
    }

    void check_counts() const {
        for (std::size_t state = 1; state < task_states; ++state) {
            require(counts_[state] == s_.counts_[state], "states are counted");
        }
        require(std::cmp_equal(s_.reasons_.size(), counts_[static_cast<std::size_t>(erred)]),
                "reasons are of the erred");
    }

    void check_workers() {
        std::int64_t computed = 0;
        for (WorkerId id = 0; id < s_.workers_.size(); ++id) {
            const auto& worker = s_.workers_[id];
            require(worker.alive || (worker.processing.empty() && worker.held == 0),
                    "the dead have nothing");
            Worker sum;
            sum.assigned_digest = ahead_[id].digest;
            for (const auto& record : worker.processing) {
                require(s_.tasks_[record.task].worker == id, "tasks know their worker",
                        record.task);
                const auto& layer = s_.tasks_.layer_of(record.task);
                if (!layer.is_data) sum.assigned_digest ^= digest_of(s_.tasks_.ref(record.task));
                require(!layer.is_data || layer.owner != none, "data has somebody to come from",
                        record.task);
                sum.expected_bytes += record.expected_bytes;
                sum.seceded += record.seceded ? 1 : 0;
                if (record.seceded) continue;
                sum.occupancy += record.expected;
                sum.alone += record.alone ? 1 : 0;
                if (!s_.is_of_a_task(s_.priority_of(record.task))) continue;
                ++sum.of_tasks;
                sum.of_tasks_occupancy += record.expected;
            }
            computed += static_cast<std::int64_t>(worker.processing.size());
            require(sum.assigned_digest == worker.assigned_digest &&
                        sum.expected_bytes == worker.expected_bytes &&
                        sum.seceded == worker.seceded && sum.occupancy == worker.occupancy &&
                        sum.alone == worker.alone && sum.of_tasks == worker.of_tasks &&
                        sum.of_tasks_occupancy == worker.of_tasks_occupancy &&
                        ahead_[id].count == worker.following,
                    "a worker's load is counted");
            const auto& held = held_[id];
            require(held.count == worker.held && held.bytes == worker.held_bytes &&
                        held.digest == worker.held_digest,
                    "what a worker has is counted");
        }
        require(computed == s_.count(processing), "what is processing is with a worker");
    }

    void check_clients() const {
        for (const auto& [id, client] : s_.clients_) {
            std::uint64_t wants = 0;
            for (TaskId task = 0; task < client.wanted.size(); ++task) {
                if (!client.wanted[task]) continue;
                ++wants;
                require(s_.tasks_[task].state != forgotten, "what is wanted is known", task);
            }
            require(wants == client.wants, "a client's wants are counted");
        }
    }

    void check_progress() const {
        std::uint32_t retiring = 0;
        for (const auto& worker : s_.workers_) {
            retiring += worker.retiring ? 1 : 0;
            require(s_.count(queued) == 0 || !s_.has_room(worker), "no thread idles in vain");
            require(s_.count(no_worker) == 0 || !worker.takes_tasks(), "workers are noticed");
        }
        require(retiring == s_.retiring_, "the retiring are counted");
        require(s_.count(queued) > 0 || s_.queue_.empty(), "what left the queue is cleared");
        require(s_.count(no_worker) > 0 || s_.no_worker_.empty(), "what left the list is cleared");
    }

    struct Held {
        std::int64_t count = 0, bytes = 0;
        std::uint64_t digest = 0;
        TaskId last = none;
    };

    struct Ahead {
        std::uint32_t count = 0;
        std::uint64_t digest = 0;
    };

    const Scheduler& s_;
    std::array<std::int64_t, task_states> counts_{};
    std::vector<std::uint32_t> pins_;
    std::vector<bool> in_queue_;
    std::map<std::pair<TaskId, TaskId>, std::int64_t> inputs_;
    std::map<WorkerId, Held> held_;
    std::map<WorkerId, Ahead> ahead_;
};

void Scheduler::check() const { Checker(*this).check_everything(); }

}  // namespace satchel::scheduler
