// Node: one lazy operation. Bags and delayed calls are handles on nodes; lower() makes a graph of
// them.
//
// A node stands for `count` tasks. Its role says what is known of their work:
//   task    a function of whole values: what a Delayed calls, a step of a reduction tree
//   source  makes a stream of elements: the start of a bag
//   stage   makes a stream from streams: map, filter, …
//   sink    makes a value from a stream: the first step of a reduction
//   concat  the tasks of its inputs, one after another
// Sources and stages are fused into the tasks that use them, unless their elements are used twice.
//
// A node never changes after it was made; references are counted. Nodes form chains as long as
// users make them, so nothing here recurses over them, destruction included.
#pragma once

#include <satchel/executor.hpp>
#include <satchel/graph.hpp>
#include <satchel/value.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace satchel::detail {

/// A stream of elements whose type is not known here; see stream.hpp.
class StreamBase {
  public:
    StreamBase() = default;
    StreamBase(const StreamBase&) = delete;
    StreamBase& operator=(const StreamBase&) = delete;
    virtual ~StreamBase() = default;

    /// Tells that no more than so many elements may be wanted. Sources then begin with batches that
    /// are no larger, so that what comes after them is not done in vain; stages pass it on.
    virtual void expect(std::size_t elements) { (void)elements; }
};

/// What a part of a pipeline gets when a task sets it up.
class Binding {
  public:
    Binding(Arguments& arguments, std::uint32_t index, std::uint32_t first_slot, bool owned,
            std::unique_ptr<StreamBase>* upstreams)
        : arguments_(arguments),
          index_(index),
          first_slot_(first_slot),
          owned_(owned),
          upstreams_(upstreams) {}

    /// The number of the partition.
    [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
    /// For a source: whether nobody else will read its elements, so that they may be moved.
    [[nodiscard]] bool owned() const noexcept { return owned_; }
    [[nodiscard]] std::unique_ptr<StreamBase>& upstream(std::size_t k) const {
        return upstreams_[k];
    }
    [[nodiscard]] Arguments& arguments() const noexcept { return arguments_; }
    /// Where slot `k` of this part is among the arguments.
    [[nodiscard]] std::uint32_t slot(std::uint32_t k) const noexcept { return first_slot_ + k; }

  private:
    Arguments& arguments_;
    std::uint32_t index_;
    std::uint32_t first_slot_;
    bool owned_;
    std::unique_ptr<StreamBase>* upstreams_;
};

/// What makes the stream of a part, and how the part's state travels.
struct StreamCode : CodeDescriptor {
    using Make = std::unique_ptr<StreamBase> (*)(const Value& state, Binding& binding);
    using Narrow = Value (*)(const Value& state, std::uint32_t index);
    Make make;
    const TypeOperations* state;  ///< null: there is none
    Narrow narrow;  ///< if set: the state without the data that only other partitions need
};
/// What makes a value of a stream.
struct SinkCode : CodeDescriptor {
    using Run = Value (*)(const Value& state, Binding& binding);
    Run run;
    const TypeOperations* state;
};

/// One part of a pipeline: `state` is the user's function and whatever else it needs, shared by all
/// tasks.
struct StreamPart {
    const StreamCode* code = nullptr;
    Value state;
};
struct SinkPart {
    const SinkCode* code = nullptr;
    Value state;
};

template <class State>
constexpr const TypeOperations* state_operations() {
    if constexpr (std::is_void_v<State>)
        return nullptr;
    else
        return &TypeCode<State>::operations;
}
template <StreamCode::Make make, class State>
struct [[gnu::visibility("hidden")]] StreamCodeOf {
    static constinit inline const StreamCode code{
        {code_magic(CodeKind::stream), &StreamCodeOf::code, &typeid(StreamCodeOf)},
        make,
        state_operations<State>(),
        narrowing<State>()};
};
template <SinkCode::Run run, class State>
struct [[gnu::visibility("hidden")]] SinkCodeOf {
    static constinit inline const SinkCode code{
        {code_magic(CodeKind::sink), &SinkCodeOf::code, &typeid(SinkCodeOf)},
        run,
        state_operations<State>()};
};

/// A part that `make`, or `run`, sets up from its state.
template <StreamCode::Make make, class State>
StreamPart stream_part(State state) {
    return {&StreamCodeOf<make, State>::code, Value::of(std::move(state))};
}
template <SinkCode::Run run, class State>
SinkPart sink_part(State state) {
    return {&SinkCodeOf<run, State>::code, Value::of(std::move(state))};
}

/// What several stages do in one loop; `states` is a vector of theirs, the first stage's first.
struct FusedStages {
    std::uint32_t depth;  ///< how many nodes that is, this one and those it starts from
    const StreamCode* code;
};
/// The same for a reduction, whose state is the last, and `depth` stages before it.
struct FusedSink {
    std::uint32_t depth;
    const SinkCode* code;
};

/// What can be done with the elements of a bag whose type is not known here.
struct ElementOperations {
    const StreamCode* read;           ///< from slot 0
    const SinkCode* collect;          ///< of upstream 0
    const TypeOperations* partition;  ///< what `collect` makes
    bool copyable;
};

class Node;

/// Throws InvalidArgument: a handle is used that was given away.
[[noreturn]] void throw_given_away();

/// A counted reference to a node.
class NodePtr {
  public:
    NodePtr() = default;
    NodePtr(const NodePtr& other) noexcept;
    NodePtr(NodePtr&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    NodePtr& operator=(NodePtr other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~NodePtr();

    /// Takes over the first reference to a new node.
    explicit NodePtr(Node* node) noexcept : node_(node) {}

    [[nodiscard]] const Node& operator*() const { return *checked(); }
    [[nodiscard]] const Node* operator->() const { return checked(); }
    [[nodiscard]] const Node* get() const noexcept { return node_; }
    explicit operator bool() const noexcept { return node_ != nullptr; }

  private:
    friend class Node;

    [[nodiscard]] const Node* checked() const {
        if (node_ == nullptr) throw_given_away();
        return node_;
    }

    Node* node_ = nullptr;
};

/// What a node's tasks take from another node, or a literal.
struct NodeInput {
    enum class Kind : std::uint8_t {
        literal,      ///< `value`, for every task
        stream,       ///< the elements of partition i; fused where possible
        same,         ///< the value of task i
        at,           ///< the value of task `step`, for every task
        self,         ///< the value of this node's own task i - 1
        block,        ///< the values of tasks i * `step` … i * `step` + `step` - 1
        cross_left,   ///< the value of task i / `step`
        cross_right,  ///< the value of task i % `step`
        all           ///< the values of all tasks
    };
    Kind kind = Kind::literal;
    NodePtr node = {};
    std::int64_t step = 0;
    Value value = {};
    bool moves = false;  ///< the function needs the value for itself, and it cannot be copied
};

class Node {
  public:
    enum class Role : std::uint8_t { task, source, stage, sink, concat };

    /// What a node is made from; members that its role does not need stay empty.
    struct Description {
        Role role = Role::task;
        bool cheap = false;        ///< source: reading twice costs no more than storing
        bool passes = false;       ///< stage: gives on the elements that it gets
        bool needs_owned = false;  ///< stage, sink: moves from its elements, which cannot be copied
        bool fresh = false;        ///< source: makes elements that nobody else has
        bool named = false;        ///< task: `name`, which a user gave, is all of its key
        bool pure = false;         ///< task: others with the same token are the same task
        std::uint32_t count = 1;
        std::string name = {};
        Token token = {};
        Function function = {};
        StreamPart stream = {};
        SinkPart sink = {};
        const ElementOperations* elements = nullptr;  ///< of a bag
        std::vector<NodeInput> inputs = {};
    };

    [[nodiscard]] static NodePtr make(Description description) {
        return NodePtr(new Node(std::move(description)));
    }

    const Description description;

    /// Tells of a faster way to do what this node and those it starts from do. To be called before
    /// others have the node; `stages` and `sink` live as long as the program.
    void fuse(const FusedStages& stages) const noexcept { fused_stages_ = &stages; }
    void fuse(const FusedSink& sink) const noexcept { fused_sink_ = &sink; }
    [[nodiscard]] const FusedStages* fused_stages() const noexcept { return fused_stages_; }
    /// Tells where in the user's program it was made, for errors. As with fuse().
    void made_at(const std::source_location& place) const noexcept { location_ = place; }
    /// Without a line if that is not known.
    [[nodiscard]] const std::source_location& location() const noexcept { return location_; }
    [[nodiscard]] const FusedSink* fused_sink() const noexcept { return fused_sink_; }

    /// Whether only one reference exists.
    [[nodiscard]] bool unique() const noexcept {
        return references_.load(std::memory_order_acquire) == 1;
    }

    /// For people: "map-" and the token, or the name that a user gave.
    [[nodiscard]] std::string key() const;

  private:
    friend class NodePtr;
    friend class Lowering;

    explicit Node(Description made) : description(std::move(made)) {}
    static void release(Node* node) noexcept;

    std::atomic<std::uint32_t> references_{1};
    mutable std::uint32_t place_ = 0;  // where lower() keeps what it knows of this node
    mutable const FusedStages* fused_stages_ = nullptr;
    mutable const FusedSink* fused_sink_ = nullptr;
    mutable std::source_location location_;
};

inline NodePtr::NodePtr(const NodePtr& other) noexcept : node_(other.node_) {
    if (node_ != nullptr) node_->references_.fetch_add(1, std::memory_order_relaxed);
}
inline NodePtr::~NodePtr() {
    if (node_ != nullptr && node_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        Node::release(node_);
    }
}

/// The graph that computes some nodes.
struct Lowered {
    Graph graph;
    std::vector<TaskIndex> first;  ///< of each node: its first task; the others follow
    bool has_surplus = false;      ///< there may be tasks that nobody needs
};

/// Makes a graph of all that `roots` need. `consumed`: the roots are the last handles, so that what
/// nobody else holds may be moved from. Throws InvalidArgument where a move-only element would have
/// to be copied. `drawing`: the name of a task has a line for each operation that is fused into it.
/// Thread-safe.
[[nodiscard]] Lowered lower(const std::vector<NodePtr>& roots, bool consumed = false,
                            bool drawing = false);

/// Lowers, runs, and gives the values of all tasks of all roots, in order.
[[nodiscard]] std::vector<Value> compute_nodes(const std::vector<NodePtr>& roots,
                                               const Executor& executor, const RunOptions& options,
                                               bool consumed = false);

/// The same, but the results stay where they are: see Executor::keep.
[[nodiscard]] std::vector<Value> keep_nodes(const std::vector<NodePtr>& roots,
                                            const Executor& executor, const RunOptions& options);

/// The graph of `roots` and, in order, all their tasks.
struct RunnableNodes {
    Graph graph;
    std::vector<TaskIndex> outputs;
};
[[nodiscard]] RunnableNodes runnable(const std::vector<NodePtr>& roots, bool consumed = false,
                                     bool drawing = false);

/// A node for values that stand for results which are kept elsewhere; null if they are none.
[[nodiscard]] NodePtr kept_node(const std::vector<Value>& values, const Node& like);

/// Draws the graph of `roots` into a .dot, .svg or .png file. Throws InvalidArgument for another
/// kind of file, Error if Graphviz is needed and cannot be run, FileError if the file cannot be
/// written.
void draw(const std::vector<NodePtr>& roots, const std::string& path);

/// The same for a text or a std::filesystem::path, whose header costs every user a tenth of a
/// second and is not included for this alone. Returns the path.
template <class Path>
auto visualize(const std::vector<NodePtr>& roots, const Path& path) {
    if constexpr (requires { path.native().c_str(); }) {
        draw(roots, path.native());
        return path;
    } else {
        std::string text(path);
        draw(roots, text);
        return text;
    }
}

/// Makes the partitions of a bag one by one, in order: what they need of other tasks is computed at
/// the start, and stays where it was computed.
class PartitionMaker {
  public:
    PartitionMaker(NodePtr bag, const Executor& executor, const RunOptions& options);

    /// What makes partition `i`, which its last task gives; to be called once for each, in order.
    [[nodiscard]] Graph partition(std::uint32_t i);

  private:
    struct Slot {
        NodeInput::Kind kind;
        std::int64_t step;
        std::vector<Value> values;

        [[nodiscard]] Value of(std::uint32_t i);
    };
    std::shared_ptr<const class Pipeline> pipeline_;
    std::vector<Slot> slots_;
    std::vector<Value> values_;  // of a bag that is no pipeline
};

}  // namespace satchel::detail
