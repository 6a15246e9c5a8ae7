/// Graph: tasks and what they depend on, as data. Bags and delayed calls build one; an Executor
/// runs it.
///
///     satchel::Graph graph;
///     auto a = graph.add(make_one);
///     auto b = graph.add(increment, {a});                       // a task that depends on `a`
///     auto c = graph.add({.name = "double", .count = 8, .function = twice,
///                         .inputs = {satchel::Input::one(b)}}); // a layer: 8 tasks at once
///
/// Tasks are numbered 0, 1, … in the order in which they are added. Keys give names to tasks and
/// let a task refer to one that is added later; `compile` finds unknown and duplicate keys and
/// cycles.
///
/// Thread safety: none; a graph belongs to one thread until it is handed to an executor.
#pragma once

#include <satchel/detail/pooled_allocator.hpp>
#include <satchel/function.hpp>
#include <satchel/value.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel {

/// 128 bits that name an operation: equal tokens mean equal results.
struct Token {
    std::uint64_t high = 0, low = 0;

    /// A token that no other has.
    [[nodiscard]] static Token unique();
    /// The token of a text.
    [[nodiscard]] static Token of(std::string_view text) noexcept;
    /// The token of a function, or of what else the program has at a fixed address: equal in all
    /// processes that run the same build.
    [[nodiscard]] static Token of_place(const void* address);
    /// The token of this one followed by another, or by a number.
    [[nodiscard]] Token then(Token next) const noexcept;
    [[nodiscard]] Token then(std::uint64_t next) const noexcept;
    /// 32 hexadecimal digits.
    [[nodiscard]] std::string text() const;

    friend auto operator<=>(const Token&, const Token&) = default;
};

/// The name of a task: the token of its operation and its place in it.
struct Key {
    Token token;
    std::uint64_t index = 0;

    friend auto operator<=>(const Key&, const Key&) = default;
};

struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
        return static_cast<std::size_t>(key.token.low ^ (key.index * 0x9E37'79B9'7F4A'7C15));
    }
};

/// The number of a task in its graph.
using TaskIndex = std::uint32_t;

namespace detail {
/// The tasks that have keys. Out of line, as every user's compilation would pay for a hash map.
class KeyTable {
  public:
    KeyTable() noexcept;
    KeyTable(const KeyTable& other);
    KeyTable(KeyTable&& other) noexcept;
    KeyTable& operator=(KeyTable other) noexcept;
    ~KeyTable();

    [[nodiscard]] bool empty() const noexcept { return map_ == nullptr; }
    /// Notes the task of `key`; gives the one that has it already, or `task`.
    TaskIndex add(const Key& key, TaskIndex task);
    /// The task of `key`; null if there is none.
    [[nodiscard]] const TaskIndex* find(const Key& key) const;

  private:
    struct Map;
    std::unique_ptr<Map> map_;
};
}  // namespace detail

/// What the tasks of a layer depend on, as a rule: input(s) of task i.
struct Input {
    enum class Kind : std::uint8_t {
        literal,
        one,
        same,
        shift,
        block,
        cross_left,
        cross_right,
        all
    };

    Kind kind{};
    TaskIndex first = 0;  ///< the first task of the layer it depends on, or the literal's number
    std::uint32_t count = 0;  ///< how many tasks that layer has
    std::int64_t step = 0;    ///< shift: d; block: k; cross_left, cross_right: width of a row

    /// The same value for every task: what Graph::literal() gave, or how many were before it.
    [[nodiscard]] static Input literal(std::uint32_t number) {
        return {Kind::literal, detail::literal_number(number), 1, 0};
    }
    /// Every task depends on `task`.
    [[nodiscard]] static Input one(TaskIndex task) { return {Kind::one, task, 1, 0}; }
    /// Task i depends on task i of the layer.
    [[nodiscard]] static Input same(TaskIndex first, std::uint32_t count) {
        return {Kind::same, first, count, 0};
    }
    /// Task i depends on task i - d, where there is one.
    [[nodiscard]] static Input shift(TaskIndex first, std::uint32_t count, std::int64_t d) {
        return {Kind::shift, first, count, d};
    }
    /// Task i depends on tasks i * k … i * k + k - 1, as far as there are any.
    [[nodiscard]] static Input block(TaskIndex first, std::uint32_t count, std::int64_t k) {
        return {Kind::block, first, count, k};
    }
    /// Task i depends on task i / width: the left side of a Cartesian product.
    [[nodiscard]] static Input cross_left(TaskIndex first, std::uint32_t count,
                                          std::int64_t width) {
        return {Kind::cross_left, first, count, width};
    }
    /// Task i depends on task i % width: the right side of a Cartesian product.
    [[nodiscard]] static Input cross_right(TaskIndex first, std::uint32_t count,
                                           std::int64_t width) {
        return {Kind::cross_right, first, count, width};
    }
    /// Every task depends on all tasks of the layer.
    [[nodiscard]] static Input all(TaskIndex first, std::uint32_t count) {
        return {Kind::all, first, count, 0};
    }

    /// Appends what task `i` gets from this input: indices of tasks, or a literal's with its bit
    /// set.
    void expand(std::uint32_t i, std::vector<std::uint32_t>& references) const;
};

/// Many tasks that differ only by their index.
struct Layer {
    std::string name;
    std::uint32_t count = 1;
    Function function;
    std::vector<Input> inputs;
};

class Graph;

namespace client {
class GraphWriter;
}

namespace detail {
class CompiledGraph;
Graph select(const Graph& graph, std::span<const TaskIndex> tasks,
             std::span<const TaskIndex> new_index);
}  // namespace detail

/// A directed acyclic graph of tasks.
class Graph {
  public:
    // Out of line, as every user's compilation would pay for what its members need.
    Graph();
    Graph(const Graph& other);
    Graph(Graph&& other) noexcept;
    Graph& operator=(const Graph& other);
    Graph& operator=(Graph&& other) noexcept;
    ~Graph();

    /// Adds a task. An input is an earlier task's index, or `literal(…)`. `name` is for people;
    /// without one it is "task".
    TaskIndex add(const Function& function, std::span<const std::uint32_t> inputs,
                  std::string_view name = {});
    TaskIndex add(const Function& function, std::initializer_list<std::uint32_t> inputs = {},
                  std::string_view name = {}) {
        return add(function, std::span(inputs.begin(), inputs.size()), name);
    }

    /// Adds a task named `key` whose inputs are named too; they may be added later.
    TaskIndex add(const Key& key, const Function& function, std::span<const Key> inputs,
                  std::string_view name);

    /// Adds `layer.count` tasks and returns the index of the first; the others follow.
    TaskIndex add(Layer layer);

    /// Adds a constant and returns how a task's inputs refer to it.
    std::uint32_t literal(Value value);

    /// Tells that `task`, which was added alone, gives the same as tasks of other graphs that have
    /// this token: executors that know of several graphs compute it once.
    void set_token(TaskIndex task, const Token& token);

    /// How many tasks there are.
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

    /// What people call the task: "map", or "map:17" in a layer of several.
    [[nodiscard]] std::string label(TaskIndex task) const;

    /// The tasks and literals that `task` gets as inputs, in order.
    void inputs_of(TaskIndex task, std::vector<std::uint32_t>& references) const;
    /// What `task` calls.
    [[nodiscard]] const Function& function_of(TaskIndex task) const;
    /// The place of `task` in its layer; 0 for a task that was added alone.
    [[nodiscard]] std::uint32_t index_in_layer(TaskIndex task) const;

    [[nodiscard]] std::span<const Value> literals() const noexcept { return literals_; }

    /// Looks up the inputs that were given by key. Throws GraphError that names a key without a
    /// task. Executors call it; after it, inputs_of() is complete.
    void resolve_keys();

  private:
    friend class client::GraphWriter;
    friend class detail::CompiledGraph;
    friend Graph detail::select(const Graph&, std::span<const TaskIndex>,
                                std::span<const TaskIndex>);

    /// A run of consecutive tasks that call one function: a layer, or tasks that were added alone.
    struct Segment {
        TaskIndex first;
        std::uint32_t name;      // index into names_
        std::uint32_t function;  // index into functions_
        std::uint32_t layer;     // index into layers_, or alone
        std::uint32_t
            first_explicit;         // where input_begin_ has these tasks, if they were added alone
        std::uint32_t first_index;  // index_in_layer of the first task …
        std::uint32_t index_step;   // … and of the next ones: 1 in a layer, else 0
    };
    static constexpr std::uint32_t alone = UINT32_MAX;

    struct UnresolvedInput {
        std::uint32_t position;  // in inputs_
        TaskIndex task;
        Key key;
    };

    [[nodiscard]] const Segment& segment_of(TaskIndex task) const;
    [[nodiscard]] bool continues(const Function& function, std::string_view name,
                                 std::uint32_t index, std::uint32_t step) const;
    [[noreturn]] void refuse_input(std::uint32_t input, std::string_view name) const;
    Segment& begin_segment(const Function& function, std::string_view name);
    TaskIndex append_alone(const Function& function, std::string_view name, std::uint32_t index,
                           std::uint32_t step);
    /// Adds what `task` of another graph is, without its inputs.
    TaskIndex append_copy(const Graph& graph, TaskIndex task);

    std::uint32_t size_ = 0;
    std::vector<Segment> segments_;
    std::vector<Function> functions_;
    std::vector<std::string> names_;
    std::vector<Layer> layers_;
    std::vector<Value> literals_;
    detail::PooledVector<std::uint32_t> input_begin_;  // of the tasks added alone
    detail::PooledVector<std::uint32_t> inputs_;
    std::vector<UnresolvedInput> unresolved_;
    detail::KeyTable keys_;
    std::vector<std::pair<TaskIndex, Token>> tokens_;
};

/// A graph that was rewritten, and where the outputs have gone.
struct Rewritten {
    Graph graph;
    std::vector<TaskIndex> outputs;
};

/// Leaves out the tasks that no output depends on.
[[nodiscard]] Rewritten cull(Graph graph, std::span<const TaskIndex> outputs);

/// Renumbers the tasks: every task after its inputs, depth first, so that few results wait for
/// their last use at any time. Throws GraphError that names the tasks of a cycle.
[[nodiscard]] Rewritten order(Graph graph, std::span<const TaskIndex> outputs);

/// Makes one task of each chain in which a task has a single dependent that depends on it alone.
[[nodiscard]] Rewritten fuse(Graph graph, std::span<const TaskIndex> outputs);

}  // namespace satchel
