// The tasks that the scheduler knows, in one array, and the layers that they belong to. A task is
// found by its number; keys are looked up when a client speaks of them and never while tasks run.
//
// Layers come and go as wholes: the tasks of one have consecutive numbers, and they are forgotten
// together, when nothing in the layer is wanted, being computed, or an input of a living layer.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/graph.hpp>

#include "messages/names.hpp"
#include "scheduler/layer_index.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace satchel::scheduler {

enum class TaskState : std::uint8_t {
    forgotten,   ///< the number stands for nothing
    released,    ///< known, but nobody needs it now
    waiting,     ///< needed; not all inputs are in memory
    queued,      ///< could run; held back until a thread is free
    no_worker,   ///< could run; there is no worker
    following,   ///< the worker that computes its last input was told to go on with it
    processing,  ///< a worker was told to compute it
    memory,      ///< one worker or more have the result
    erred        ///< it failed, or depends on one that did
};
inline constexpr std::size_t task_states = 9;

/// "no-worker".
[[nodiscard]] constexpr const char* name_of(TaskState state) {
    constexpr std::array<const char*, task_states> names{"forgotten",  "released",  "waiting",
                                                         "queued",     "no-worker", "following",
                                                         "processing", "memory",    "erred"};
    return names.at(static_cast<std::size_t>(state));
}

/// What the scheduler keeps for one task.
struct Task {
    LayerId layer = none;
    std::uint32_t attempt = 0;  ///< of the newest assignment; never goes back
    std::uint32_t missing = 0;  ///< waiting: inputs that are not in memory
    std::uint32_t waiters = 0;  ///< dependents that are between waiting and processing
    std::uint32_t wants = 0;    ///< clients that want it
    /// Following, processing: who computes it, or will. Memory: the first that has it.
    WorkerId worker = none;
    std::uint32_t position = 0;  ///< processing: place in that worker's list
    std::uint32_t more_holders = none;
    std::uint32_t first_input = none;
    std::uint32_t first_dependent = none;
    std::uint32_t exceptions = 0;
    TaskState state = TaskState::forgotten;
    bool touched = false;     ///< is to be looked at before the event ends
    std::int64_t nbytes = 0;  ///< of the result; of data that is not there yet, too
};

/// Consecutive tasks.
struct TaskSpan {
    TaskId first = 0;
    std::uint32_t count = 0;

    [[nodiscard]] bool contains(TaskId task) const noexcept { return task - first < count; }
};

/// What workers get of a layer; often the same for many, and then shared by them.
struct LayerCode {
    Bytes function;
    std::vector<Bytes> literals;
};

/// Tasks that differ only by their index.
struct Layer {
    /// A layer each task of which has all of these tasks as inputs.
    struct Broadcast {
        TaskSpan inputs;
        LayerId consumer;
    };
    /// What the layers of bags have, and single tasks do not.
    struct Rules {
        std::vector<Input> inputs;
        std::vector<std::uint32_t> ends;    // of each task's references
        std::vector<TaskSpan> everything;   // inputs of every task, for which there are no edges
        std::vector<Broadcast> broadcasts;  // the same, from the other side
    };

    Token token;
    std::shared_ptr<const LayerCode> code;  // of data: none
    std::vector<std::uint32_t> references;  // tasks and literals, in the order of arguments
    std::unique_ptr<Rules> rules;
    std::uint64_t priority = 0;  // of the first task; the others follow
    TaskId first = none;
    std::uint32_t count = 0;  // 0: this number of a layer is free
    std::uint32_t retries = 0;
    std::uint32_t operation = 0;
    std::uint32_t pins = 0;    // reasons not to forget it: see TaskTable::pin
    ClientId owner = none;     // data: the client that has it, while it is there
    ClientId watcher = none;   // who wants to know how far its graph has come …
    std::uint64_t watch = 0;   // … and under which number
    bool source_like = false;  // has no inputs of its own, so that any worker will do
    bool is_data = false;      // a client has the values and sends them when it is asked to
    bool everywhere = false;   // data: each worker gets a copy

    [[nodiscard]] TaskSpan tasks() const noexcept { return {first, count}; }
};

class TaskTable {
  public:
    [[nodiscard]] Task& operator[](TaskId task) noexcept { return tasks_[task]; }
    [[nodiscard]] const Task& operator[](TaskId task) const noexcept { return tasks_[task]; }
    /// Numbers of tasks, forgotten ones included, are less than this.
    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(tasks_.size());
    }
    [[nodiscard]] Layer& layer(LayerId layer) noexcept { return layers_[layer]; }
    [[nodiscard]] const Layer& layer(LayerId layer) const noexcept { return layers_[layer]; }
    [[nodiscard]] const Layer& layer_of(TaskId task) const noexcept {
        return layers_[tasks_[task].layer];
    }
    [[nodiscard]] std::uint32_t layer_count() const noexcept {
        return static_cast<std::uint32_t>(layers_.size());
    }

    [[nodiscard]] LayerId find(const Token& token) const;
    /// The tasks named by the keys; nothing if one of them is unknown.
    [[nodiscard]] std::optional<TaskSpan> find(const KeyRange& keys) const;
    [[nodiscard]] Key key_of(TaskId task) const;
    /// The execution that `task` stands for now.
    [[nodiscard]] TaskRef ref(TaskId task) const noexcept { return {task, tasks_[task].attempt}; }
    /// Whether this is how the task stands: for what comes from outside.
    [[nodiscard]] bool is(TaskRef ref, TaskState state) const noexcept {
        return ref.task < tasks_.size() && tasks_[ref.task].attempt == ref.attempt &&
               tasks_[ref.task].state == state;
    }

    /// Adds a layer of `layer.count` tasks, all released, without inputs.
    LayerId add(Layer layer);
    /// Makes every task of `layer` depend on all of `inputs`.
    void link_all(LayerId layer, TaskSpan inputs);
    void link(TaskId dependent, TaskId input);
    /// Forgets a layer. Layers that it depended on and that nothing keeps now are added to `idle`.
    void remove(LayerId layer, std::vector<LayerId>& idle);

    /// Counts a reason for which a layer must not be forgotten: a task that is wanted, a task that
    /// is neither released nor erred, or an input of a task in another layer.
    void pin(LayerId layer) noexcept { ++layers_[layer].pins; }
    /// Takes one back; true if it was the last.
    [[nodiscard]] bool unpin(LayerId layer) noexcept { return --layers_[layer].pins == 0; }

    /// Calls f(input) for each input of the task that is a task; twice, if it is there twice.
    template <class F>
    void for_each_input(TaskId task, F&& f) const;
    /// Calls f(dependent) for each task of which this one is an input, as often as it is one.
    template <class F>
    void for_each_dependent(TaskId task, F&& f) const;
    /// Appends the task's arguments in order: tasks, and literals with their bit.
    void arguments_of(TaskId task, std::vector<std::uint32_t>& references) const;

    /// Who has the result of a task in memory.
    template <class F>
    void for_each_holder(TaskId task, F&& f) const;
    [[nodiscard]] bool has_holder(TaskId task, WorkerId worker) const;
    void add_holder(TaskId task, WorkerId worker);
    /// REQUIRES: has_holder(task, worker).
    void remove_holder(TaskId task, WorkerId worker);
    void clear_holders(TaskId task);

  private:
    // One input of one task, in two lists: its inputs, and the input's dependents.
    struct Edge {
        TaskId dependent;
        TaskId input;
        std::uint32_t next_input;
        std::uint32_t next_dependent;
        std::uint32_t previous_dependent;
    };
    // A further worker that has a result: few results have more than one.
    struct Holder {
        WorkerId worker;
        std::uint32_t next;
    };

    TaskId allocate(std::uint32_t count);
    void free(TaskSpan span);
    void unlink_inputs(TaskId task, std::vector<LayerId>& idle);
    void unlink_everything(LayerId layer, std::vector<LayerId>& idle);

    std::vector<Task> tasks_;
    std::map<TaskId, std::uint32_t> free_tasks_;  // spans
    std::vector<Layer> layers_;
    std::vector<LayerId> free_layers_;
    LayerIndex by_token_;
    std::vector<Edge> edges_;
    std::uint32_t free_edge_ = none;  // a list through next_input
    std::vector<Holder> holders_;
    std::uint32_t free_holder_ = none;  // a list through next
};

template <class F>
void TaskTable::for_each_input(TaskId task, F&& f) const {
    for (auto e = tasks_[task].first_input; e != none; e = edges_[e].next_input) f(edges_[e].input);
    const auto& layer = layer_of(task);
    if (!layer.rules) return;
    for (const auto& span : layer.rules->everything) {
        for (std::uint32_t k = 0; k < span.count; ++k) f(span.first + k);
    }
}

template <class F>
void TaskTable::for_each_dependent(TaskId task, F&& f) const {
    for (auto e = tasks_[task].first_dependent; e != none;) {
        const auto edge = edges_[e];
        f(edge.dependent);
        e = edge.next_dependent;
    }
    const auto& layer = layer_of(task);
    if (!layer.rules) return;
    for (const auto& broadcast : layer.rules->broadcasts) {
        if (!broadcast.inputs.contains(task)) continue;
        const auto span = layers_[broadcast.consumer].tasks();
        for (std::uint32_t k = 0; k < span.count; ++k) f(span.first + k);
    }
}

template <class F>
void TaskTable::for_each_holder(TaskId task, F&& f) const {
    if (tasks_[task].worker == none) return;
    f(tasks_[task].worker);
    for (auto h = tasks_[task].more_holders; h != none; h = holders_[h].next) {
        f(holders_[h].worker);
    }
}

}  // namespace satchel::scheduler
