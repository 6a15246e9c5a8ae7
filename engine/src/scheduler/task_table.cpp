// The table of tasks: numbers, edges and holders, each out of a pool with a list of free places.
#include "scheduler/task_table.hpp"

#include <algorithm>
#include <utility>

namespace satchel::scheduler {
namespace {

// A number whose attempts have come this far is not used again, so that attempts never wrap around.
constexpr std::uint32_t attempts_max = 1U << 31;

// How many free spans to look at for a layer of many tasks, before taking new numbers.
constexpr int spans_looked_at = 32;

// Makes room for so many more, a quarter at a time: the tables are most of the scheduler's memory.
template <class Pool>
void reserve_more(Pool& pool, std::size_t count) {
    const auto size = pool.size() + count;
    if (size > pool.capacity()) pool.reserve(size + size / 4);
}

template <class Pool, class Element>
std::uint32_t take_from(Pool& pool, std::uint32_t& first_free, std::uint32_t Element::*next,
                        const Element& element) {
    if (first_free == none) {
        reserve_more(pool, 1);
        pool.push_back(element);
        return static_cast<std::uint32_t>(pool.size() - 1);
    }
    const auto place = std::exchange(first_free, pool[first_free].*next);
    pool[place] = element;
    return place;
}

}  // namespace

LayerId TaskTable::find(const Token& token) const {
    return by_token_.find(token, [this](LayerId id) -> const Token& { return layers_[id].token; });
}

std::optional<TaskSpan> TaskTable::find(const KeyRange& keys) const {
    const auto id = find(keys.token);
    if (id == none) return {};
    const auto& layer = layers_[id];
    if (keys.first > layer.count || keys.count > layer.count - keys.first) return {};
    return TaskSpan{layer.first + static_cast<std::uint32_t>(keys.first),
                    static_cast<std::uint32_t>(keys.count)};
}

Key TaskTable::key_of(TaskId task) const {
    const auto& layer = layer_of(task);
    return {layer.token, task - layer.first};
}

TaskId TaskTable::allocate(std::uint32_t count) {
    auto span = free_tasks_.begin();
    for (int k = 0; span != free_tasks_.end() && span->second < count; ++span) {
        if (++k == spans_looked_at) span = std::prev(free_tasks_.end());
    }
    if (span == free_tasks_.end()) {
        reserve_more(tasks_, count);
        tasks_.resize(tasks_.size() + count);
        return size() - count;
    }
    const auto [first, length] = *span;
    free_tasks_.erase(span);
    if (length > count) free_tasks_.emplace(first + count, length - count);
    return first;
}

void TaskTable::free(TaskSpan span) {
    auto after = free_tasks_.lower_bound(span.first);
    if (after != free_tasks_.end() && span.first + span.count == after->first) {
        span.count += after->second;
        after = free_tasks_.erase(after);
    }
    if (after != free_tasks_.begin()) {
        const auto before = std::prev(after);
        if (before->first + before->second == span.first) {
            before->second += span.count;
            return;
        }
    }
    free_tasks_.emplace_hint(after, span.first, span.count);
}

LayerId TaskTable::add(Layer layer) {
    layer.first = allocate(layer.count);
    LayerId id = layer_count();
    if (free_layers_.empty()) {
        reserve_more(layers_, 1);
        layers_.emplace_back();
    } else {
        id = free_layers_.back();
        free_layers_.pop_back();
    }
    for (std::uint32_t k = 0; k < layer.count; ++k) {
        auto& task = tasks_[layer.first + k];
        const auto attempt = task.attempt;
        task = Task{};
        task.attempt = attempt;
        task.layer = id;
        task.state = TaskState::released;
    }
    by_token_.insert(layer.token, id);
    layers_[id] = std::move(layer);
    return id;
}

void TaskTable::link(TaskId dependent, TaskId input) {
    auto& from = tasks_[input];
    const Edge edge{dependent, input, none, from.first_dependent, none};
    const auto place = take_from(edges_, free_edge_, &Edge::next_input, edge);
    if (from.first_dependent != none) edges_[from.first_dependent].previous_dependent = place;
    from.first_dependent = place;
    edges_[place].next_input = std::exchange(tasks_[dependent].first_input, place);
    if (from.layer != tasks_[dependent].layer) pin(from.layer);
}

void TaskTable::link_all(LayerId layer, TaskSpan inputs) {
    const auto producer = tasks_[inputs.first].layer;
    const auto rules_of = [this](LayerId id) -> Layer::Rules& {
        auto& rules = layers_[id].rules;
        if (!rules) rules = std::make_unique<Layer::Rules>();
        return *rules;
    };
    rules_of(layer).everything.push_back(inputs);
    rules_of(producer).broadcasts.push_back({inputs, layer});
    pin(producer);
}

void TaskTable::unlink_inputs(TaskId task, std::vector<LayerId>& idle) {
    for (auto place = std::exchange(tasks_[task].first_input, none); place != none;) {
        const auto edge = edges_[place];
        if (edge.previous_dependent != none) {
            edges_[edge.previous_dependent].next_dependent = edge.next_dependent;
        } else {
            tasks_[edge.input].first_dependent = edge.next_dependent;
        }
        if (edge.next_dependent != none) {
            edges_[edge.next_dependent].previous_dependent = edge.previous_dependent;
        }
        edges_[place].next_input = std::exchange(free_edge_, place);
        const auto layer = tasks_[edge.input].layer;
        if (layer != tasks_[task].layer && unpin(layer)) idle.push_back(layer);
        place = edge.next_input;
    }
}

void TaskTable::unlink_everything(LayerId layer, std::vector<LayerId>& idle) {
    if (!layers_[layer].rules) return;
    for (const auto& span : layers_[layer].rules->everything) {
        const auto producer = tasks_[span.first].layer;
        auto& broadcasts = layers_[producer].rules->broadcasts;
        const auto ours =
            std::ranges::find_if(broadcasts, [&](const auto& b) { return b.consumer == layer; });
        broadcasts.erase(ours);
        if (unpin(producer)) idle.push_back(producer);
    }
}

void TaskTable::remove(LayerId id, std::vector<LayerId>& idle) {
    const auto span = layers_[id].tasks();
    unlink_everything(id, idle);
    bool worn_out = false;
    for (TaskId task = span.first; task < span.first + span.count; ++task) {
        unlink_inputs(task, idle);
        tasks_[task].state = TaskState::forgotten;
        worn_out = worn_out || tasks_[task].attempt >= attempts_max;
    }
    if (!worn_out) free(span);
    by_token_.erase(layers_[id].token, id);
    layers_[id] = Layer{};
    free_layers_.push_back(id);
}

void TaskTable::arguments_of(TaskId task, std::vector<std::uint32_t>& references) const {
    const auto& layer = layer_of(task);
    const auto index = task - layer.first;
    auto begin = layer.references.begin(), end = layer.references.end();
    if (layer.rules) {
        for (const auto& input : layer.rules->inputs) input.expand(index, references);
        const auto& ends = layer.rules->ends;
        if (!ends.empty()) {
            end = begin + ends[index];
            begin += index == 0 ? 0 : ends[index - 1];
        }
    }
    references.insert(references.end(), begin, end);
}

bool TaskTable::has_holder(TaskId task, WorkerId worker) const {
    bool found = false;
    for_each_holder(task, [&](WorkerId holder) { found = found || holder == worker; });
    return found;
}

void TaskTable::add_holder(TaskId id, WorkerId worker) {
    auto& task = tasks_[id];
    if (task.worker == none) {
        task.worker = worker;
        return;
    }
    const Holder holder{worker, task.more_holders};
    task.more_holders = take_from(holders_, free_holder_, &Holder::next, holder);
}

void TaskTable::remove_holder(TaskId id, WorkerId worker) {
    auto& task = tasks_[id];
    // The list is searched for the worker, or for another that can take its place as the first.
    auto* link = &task.more_holders;
    if (task.worker == worker) {
        task.worker = *link == none ? none : holders_[*link].worker;
    } else {
        while (holders_[*link].worker != worker) link = &holders_[*link].next;
    }
    if (*link == none) return;
    const auto place = *link;
    *link = holders_[place].next;
    holders_[place].next = std::exchange(free_holder_, place);
}

void TaskTable::clear_holders(TaskId id) {
    auto& task = tasks_[id];
    task.worker = none;
    while (task.more_holders != none) {
        const auto place = task.more_holders;
        task.more_holders = holders_[place].next;
        holders_[place].next = std::exchange(free_holder_, place);
    }
}

}  // namespace satchel::scheduler
