// Graph: adding tasks and layers, and looking at them one by one.
#include <satchel/error.hpp>
#include <satchel/graph.hpp>

#include "graph/compiled.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

namespace satchel {

namespace detail {

struct KeyTable::Map {
    std::unordered_map<Key, TaskIndex, KeyHash> tasks;
};

KeyTable::KeyTable() noexcept = default;
KeyTable::KeyTable(const KeyTable& other)
    : map_(other.map_ ? std::make_unique<Map>(*other.map_) : nullptr) {}
KeyTable::KeyTable(KeyTable&& other) noexcept = default;
KeyTable& KeyTable::operator=(KeyTable other) noexcept {
    map_ = std::move(other.map_);
    return *this;
}
KeyTable::~KeyTable() = default;

TaskIndex KeyTable::add(const Key& key, TaskIndex task) {
    if (!map_) map_ = std::make_unique<Map>();
    return map_->tasks.emplace(key, task).first->second;
}

const TaskIndex* KeyTable::find(const Key& key) const {
    if (!map_) return nullptr;
    const auto found = map_->tasks.find(key);
    return found == map_->tasks.end() ? nullptr : &found->second;
}

}  // namespace detail

Graph::Graph() = default;
Graph::Graph(const Graph& other) = default;
Graph::Graph(Graph&& other) noexcept = default;
Graph& Graph::operator=(const Graph& other) = default;
Graph& Graph::operator=(Graph&& other) noexcept = default;
Graph::~Graph() = default;

namespace {

// Numbers of tasks and of literals differ by one bit; see literal_bit.
constexpr std::uint64_t tasks_max = std::uint64_t{1} << 31;

[[noreturn]] void refuse_size(std::uint32_t size, std::uint32_t more, std::string_view name) {
    throw GraphError(
        fmt::format("adding {} tasks '{}' to a graph of {}: a graph has at most {} tasks; make "
                    "fewer partitions, or several graphs",
                    more, name, size, tasks_max));
}

[[noreturn]] void refuse_missing_function(std::string_view name) {
    throw GraphError(fmt::format("adding '{}' to a graph: it has no function to call", name));
}

inline void require_function(const Function& function, std::string_view name) {
    if (!function) refuse_missing_function(name);
}

inline void check_room(std::uint32_t size, std::uint32_t more, std::string_view name) {
    if (size + std::uint64_t{more} > tasks_max) refuse_size(size, more, name);
}

// Whether what an input of a layer refers to is there, so that no cycle can come about: earlier
// tasks, or those before each in the layer itself, whose first will be number `size`.
bool is_valid(const Input& input, std::uint32_t size, std::size_t literals) {
    using Kind = Input::Kind;
    const bool has_step = input.kind == Kind::block || input.kind == Kind::cross_left ||
                          input.kind == Kind::cross_right;
    if (has_step && input.step < 1) return false;
    if (input.kind == Kind::literal) return input.first < literals;
    if (input.kind == Kind::shift && input.first == size) return input.step >= 1;
    return input.first + std::uint64_t{input.count} <= size;
}

}  // namespace

void Input::expand(std::uint32_t i, std::vector<std::uint32_t>& references) const {
    const auto push = [&](std::int64_t k) {
        if (k >= 0 && k < count) references.push_back(first + static_cast<std::uint32_t>(k));
    };
    const std::int64_t index = i;
    switch (kind) {
        case Kind::literal:
            references.push_back(first | detail::literal_bit);
            break;
        case Kind::one:
            references.push_back(first);
            break;
        case Kind::same:
            push(index);
            break;
        case Kind::shift:
            push(index - step);
            break;
        case Kind::cross_left:
            push(index / step);
            break;
        case Kind::cross_right:
            push(index % step);
            break;
        case Kind::block:
            for (std::int64_t k = index * step; k < (index + 1) * step; ++k) push(k);
            break;
        case Kind::all:
            for (std::int64_t k = 0; k < count; ++k) push(k);
            break;
    }
}

Graph::Segment& Graph::begin_segment(const Function& function, std::string_view name) {
    if (names_.empty() || names_.back() != name) names_.emplace_back(name);
    if (functions_.empty() || !functions_.back().same_as(function)) functions_.push_back(function);
    return segments_.emplace_back(Segment{size_, static_cast<std::uint32_t>(names_.size() - 1),
                                          static_cast<std::uint32_t>(functions_.size() - 1), alone,
                                          static_cast<std::uint32_t>(input_begin_.size()), 0, 0});
}

// Whether a task added now would belong to the last segment. Most tasks do: this is the fast path.
inline bool Graph::continues(const Function& function, std::string_view name, std::uint32_t index,
                             std::uint32_t step) const {
    if (segments_.empty()) return false;
    const auto& last = segments_.back();
    return last.layer == alone && last.index_step == step &&
           last.first_index + step * (size_ - last.first) == index &&
           functions_[last.function].same_as(function) && names_[last.name] == name;
}

inline TaskIndex Graph::append_alone(const Function& function, std::string_view name,
                                     std::uint32_t index, std::uint32_t step) {
    if (!continues(function, name, index, step)) {
        auto& segment = begin_segment(function, name);
        segment.first_index = index;
        segment.index_step = step;
    }
    input_begin_.push_back(static_cast<std::uint32_t>(inputs_.size()));
    return size_++;
}

TaskIndex Graph::append_copy(const Graph& graph, TaskIndex task) {
    const auto& segment = graph.segment_of(task);
    return append_alone(graph.functions_[segment.function], graph.names_[segment.name],
                        graph.index_in_layer(task), segment.index_step);
}

TaskIndex Graph::add(const Function& function, std::span<const std::uint32_t> inputs,
                     std::string_view name) {
    check_room(size_, 1, name);
    require_function(function, name);
    for (const auto input : inputs) {
        const bool is_literal = detail::is_literal(input);
        if (is_literal ? detail::literal_number(input) >= literals_.size() : input >= size_) {
            refuse_input(input, name);
        }
    }
    const auto task = append_alone(function, name, 0, 0);
    for (const auto input : inputs) inputs_.push_back(input);
    return task;
}

void Graph::refuse_input(std::uint32_t input, std::string_view name) const {
    throw GraphError(
        fmt::format("adding task '{}' to a graph of {} tasks: {} {} is not in the graph; add the "
                    "tasks that it depends on first, or name them by key",
                    name, size_, !detail::is_literal(input) ? "input" : "literal",
                    detail::literal_number(input)));
}

TaskIndex Graph::add(const Key& key, const Function& function, std::span<const Key> inputs,
                     std::string_view name) {
    check_room(size_, 1, name);
    require_function(function, name);
    if (const auto earlier = keys_.add(key, size_); earlier != size_) {
        throw GraphError(
            fmt::format("adding task '{}' to a graph: its key {}:{} is there already, as '{}'; "
                        "keys name one task",
                        name, key.token.text(), key.index, label(earlier)));
    }
    const auto task = append_alone(function, name, 0, 0);
    for (const auto& input : inputs) {
        unresolved_.push_back({static_cast<std::uint32_t>(inputs_.size()), task, input});
        inputs_.push_back(task);
    }
    return task;
}

TaskIndex Graph::add(Layer layer) {
    const auto first = size_;
    check_room(size_, layer.count, layer.name);
    require_function(layer.function, layer.name);
    for (std::size_t k = 0; k < layer.inputs.size(); ++k) {
        if (is_valid(layer.inputs[k], size_, literals_.size())) continue;
        throw GraphError(fmt::format(
            "adding layer '{}' to a graph of {} tasks: its input number {} refers to what is not "
            "in the graph, or has a step below 1; add what it depends on first",
            layer.name, size_, k));
    }
    auto& segment = begin_segment(layer.function, layer.name);
    segment.layer = static_cast<std::uint32_t>(layers_.size());
    segment.index_step = 1;
    size_ += layer.count;
    layers_.push_back(std::move(layer));
    return first;
}

void Graph::set_token(TaskIndex task, const Token& token) { tokens_.emplace_back(task, token); }

std::uint32_t Graph::literal(Value value) {
    literals_.push_back(std::move(value));
    return static_cast<std::uint32_t>(literals_.size() - 1) | detail::literal_bit;
}

const Graph::Segment& Graph::segment_of(TaskIndex task) const {
    const auto after = std::ranges::upper_bound(segments_, task, {}, &Segment::first);
    return *std::prev(after);
}

std::string Graph::label(TaskIndex task) const {
    const auto& segment = segment_of(task);
    return detail::task_label(names_[segment.name], segment.index_step != 0, index_in_layer(task));
}

std::string detail::task_label(const std::string& name, bool is_in_layer, std::uint32_t index) {
    const std::string shown = name.empty() ? "task" : name;
    return is_in_layer ? fmt::format("{}:{}", shown, index) : shown;
}

void Graph::inputs_of(TaskIndex task, std::vector<std::uint32_t>& references) const {
    const auto& segment = segment_of(task);
    const auto offset = task - segment.first;
    if (segment.layer != alone) {
        for (const auto& input : layers_[segment.layer].inputs) input.expand(offset, references);
        return;
    }
    const auto k = segment.first_explicit + offset;
    const auto end = k + 1 < input_begin_.size() ? input_begin_[k + 1] : inputs_.size();
    for (auto i = input_begin_[k]; i < end; ++i) references.push_back(inputs_[i]);
}

const Function& Graph::function_of(TaskIndex task) const {
    return functions_[segment_of(task).function];
}

std::uint32_t Graph::index_in_layer(TaskIndex task) const {
    const auto& segment = segment_of(task);
    return segment.first_index + segment.index_step * (task - segment.first);
}

void Graph::resolve_keys() {
    for (const auto& input : unresolved_) {
        const auto* const found = keys_.find(input.key);
        if (found == nullptr) {
            throw GraphError(
                fmt::format("task '{}' depends on the key {}:{}, which no task of the graph has",
                            label(input.task), input.key.token.text(), input.key.index));
        }
        inputs_[input.position] = *found;
    }
    unresolved_.clear();
}

}  // namespace satchel
