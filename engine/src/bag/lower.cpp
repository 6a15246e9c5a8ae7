// Lowering: from nodes to a graph. Decides what is fused and what is stored.
#include <satchel/detail/node.hpp>
#include <satchel/detail/pooled_allocator.hpp>
#include <satchel/error.hpp>

#include "bag/pipeline.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

using Kind = NodeInput::Kind;
using Role = Node::Role;

// A pull through a pipeline recurses over its stages, with some hundred bytes of stack each; a
// longer chain is cut by storing its elements.
constexpr std::uint32_t fused_stages_max = 1000;

bool makes_stream(const Node& node) {
    return node.description.role == Role::source || node.description.role == Role::stage;
}

}  // namespace

// Nodes keep their place in `known_` in themselves, which a hash table would be too slow for;
// therefore one thread lowers at a time.
class Lowering {
  public:
    Lowering(bool consumed, bool drawing)
        : lock_(mutex()), consumed_(consumed), drawing_(drawing) {}

    void add_roots(const std::vector<NodePtr>& roots) {
        for (const auto& root : roots) discover(*root);
        for (const auto& root : roots) known(*root).is_root = true;
        for (auto& one : known_) decide(one);
        if (consumed_) find_given_up();
    }

    void emit_all() {
        for (const auto& one : known_) {
            if (one.stored && !one.is_spliced) emit(*one.node);
        }
    }

    [[nodiscard]] TaskIndex first_task(const Node& node) { return known(node).first; }
    [[nodiscard]] Graph take_graph() { return std::move(graph_); }
    [[nodiscard]] bool has_surplus() const { return has_surplus_; }

    /// The pipeline that makes the elements of `node`, and what its tasks get as inputs. The
    /// upstreams that it does not fuse are told in `inputs` by their nodes.
    std::shared_ptr<const Pipeline> flatten(const Node& node, std::vector<NodeInput>& inputs) {
        auto pipeline = std::make_shared<Pipeline>();
        const auto& made = node.description;
        if (made.role == Role::sink) {
            const auto chain = chain_before(node);
            const bool owned = chain.empty() ? append_upstreams(node, *pipeline, inputs)
                                             : append_chain(chain, *pipeline, inputs);
            check_ownership(made.needs_owned, owned, node);
            pipeline->sink = made.sink;
            if (!chain.empty()) {
                auto states = states_of(chain);
                states.push_back(made.sink.state);
                pipeline->sink = {node.fused_sink()->code, Value::of(std::move(states))};
            }
            pipeline->sink_step.first_slot = static_cast<std::uint32_t>(inputs.size());
            const auto& culprit = culprit_of(chain, node);
            pipeline->sink_step.name = culprit.description.name;
            pipeline->sink_step.location = culprit.location();
            append_slots(node, inputs);
        } else {
            const bool owned = append(node, *pipeline, inputs);
            check_ownership(!made.elements->copyable, owned, node);
            pipeline->sink = {made.elements->collect, {}};
            pipeline->sink_step.name = made.name;
            pipeline->sink_step.result = made.elements->partition;
        }
        return pipeline;
    }

  private:
    struct Known {
        const Node* node;
        std::uint32_t stream_uses = 0;
        std::uint32_t value_uses = 0;
        std::uint32_t fused_stages = 0;
        TaskIndex first = 0;  // its first task, once there are any
        bool is_root = false;
        bool stored = false;
        bool shares_parts = false;  // concat: others use what it is made of
        bool is_spliced = false;    // concat: its parts are parts of the only one that uses it
        bool user_given_up = false;
        bool given_up = false;  // nobody will compute it again
    };

    static std::mutex& mutex() {
        static std::mutex instance;
        return instance;
    }

    [[nodiscard]] bool is_known(const Node& node) const {
        if (node.place_ >= known_.size()) return false;
        const auto& other = *known_[node.place_].node;
        return &other == &node || are_twins(node, other);
    }
    Known& known(const Node& node) { return known_[node.place_]; }

    // Depth first, inputs before the node itself.
    void discover(const Node& root) {
        if (is_known(root)) return;
        std::vector<std::pair<const Node*, std::size_t>> open{{&root, 0}};
        while (!open.empty()) {
            auto& [node, next] = open.back();
            const auto& inputs = node->description.inputs;
            while (next < inputs.size() && (!inputs[next].node || is_known(*inputs[next].node)))
                ++next;
            if (next < inputs.size()) {
                open.emplace_back(inputs[next].node.get(), 0);
                continue;
            }
            if (!is_known(*node) && !is_twin_of_known(*node)) {
                node->place_ = static_cast<std::uint32_t>(known_.size());
                known_.push_back({.node = node});
                for (const auto& input : inputs) {
                    if (!input.node) continue;
                    auto& used = known(*input.node);
                    ++(input.kind == Kind::stream ? used.stream_uses : used.value_uses);
                }
            }
            open.pop_back();
        }
    }

    // Pure calls that are equal are one task. So are their inputs: those are part of the token.
    static bool are_twins(const Node& one, const Node& other) {
        return one.description.pure && other.description.pure &&
               one.description.token == other.description.token &&
               one.description.name == other.description.name;
    }

    // Looks for the twin of a node that is not known yet. Throws GraphError if what is known has
    // the key that a user gave to the node.
    bool is_twin_of_known(const Node& node) {
        const auto& made = node.description;
        if (!made.named && !made.pure) return false;
        const auto place = static_cast<std::uint32_t>(known_.size());
        const Key key{made.named ? Token::of(made.name) : made.token, made.named ? 1U : 0U};
        const auto [found, is_new] = shared_.emplace(key, place);
        if (is_new) return false;
        node.place_ = found->second;
        if (are_twins(node, *known_[node.place_].node)) return true;
        throw GraphError(fmt::format(
            "two different calls have the key '{}', so they cannot be computed together; give each "
            "a key of its own, or none",
            made.name));
    }

    void decide(Known& one) {
        const auto& node = *one.node;
        if (!makes_stream(node)) {
            // The parts of a concat are emitted with it, one after another.
            one.stored = true;
            if (node.description.role == Role::concat) look_at_parts(one);
            return;
        }
        one.fused_stages = 1;
        for (const auto& input : node.description.inputs) {
            if (input.kind != Kind::stream) continue;
            const auto& upstream = known(*input.node);
            if (!upstream.stored) {
                one.fused_stages = std::max(one.fused_stages, upstream.fused_stages + 1);
            }
        }
        one.stored = one.is_root || one.value_uses > 0 ||
                     (one.stream_uses > 1 && !node.description.cheap) ||
                     one.fused_stages >= fused_stages_max;
    }

    // Whether anybody else uses what is stored of a node.
    static bool has_other_users(const Known& one) {
        return one.is_root || one.stream_uses + one.value_uses != 1 || one.shares_parts;
    }
    void look_at_parts(Known& concat) {
        for (const auto& input : concat.node->description.inputs) {
            auto& part = known(*input.node);
            concat.shares_parts |= part.stored && has_other_users(part);
            part.is_spliced = input.node->description.role == Role::concat && !part.is_root &&
                              part.stream_uses + part.value_uses == 1;
        }
    }

    void emit(const Node& node) {
        auto& one = known(node);
        check_moves(node);
        switch (node.description.role) {
            case Role::concat:
                emit_concat(node);
                break;
            case Role::task:
                emit_task(node);
                break;
            default:
                one.first = emit_pipeline(node);
                break;
        }
    }

    void emit_task(const Node& node) {
        const auto& made = node.description;
        if (made.count == 1) {
            emit_call(node);
            return;
        }
        std::vector<Input> inputs;
        inputs.reserve(made.inputs.size());
        for (const auto& input : made.inputs) inputs.push_back(input_of(input));
        known(node).first = graph_.add(Layer{made.name, made.count, made.function, inputs});
    }

    // One task, as most nodes of programs with many are.
    void emit_call(const Node& node) {
        const auto& made = node.description;
        references_.clear();
        for (const auto& input : made.inputs) input_of(input).expand(0, references_);
        const auto task = graph_.add(made.function, references_, made.name);
        known(node).first = task;
        if (made.pure) graph_.set_token(task, made.token);
    }

    TaskIndex emit_pipeline(const Node& node) {
        std::vector<NodeInput> node_inputs;
        auto pipeline = flatten(node, node_inputs);
        std::vector<Input> inputs;
        inputs.reserve(node_inputs.size());
        for (const auto& input : node_inputs) inputs.push_back(input_of(input));
        return graph_.add(Layer{drawing_ ? fused_names(node) : node.description.name,
                                node.description.count, Function(PipelineCall{std::move(pipeline)}),
                                std::move(inputs)});
    }

    // The operations that the tasks of `node` do, a line each.
    std::string fused_names(const Node& node) {
        std::string names;
        for (const auto& input : node.description.inputs) {
            if (input.kind != Kind::stream || known(*input.node).stored) continue;
            names += fused_names(*input.node) + '\n';
        }
        return names + node.description.name;
    }

    // With the parts of the concats among its parts, or bags that are appended one by one in a loop
    // would pass on all that is there each time.
    void emit_concat(const Node& node) {
        const Function pass_on(PassOn{});
        known(node).first = graph_.size();
        std::vector<const Node*> open{&node};
        while (!open.empty()) {
            const auto& part = *open.back();
            const auto& found = known(part);
            open.pop_back();
            if (&part == &node || found.is_spliced) {
                const auto& inputs = part.description.inputs;
                for (auto input = inputs.rbegin(); input != inputs.rend(); ++input) {
                    open.push_back(input->node.get());
                }
            } else if (found.stored) {
                const auto count = part.description.count;
                (void)graph_.add(Layer{
                    node.description.name, count, pass_on, {Input::same(found.first, count)}});
            } else {
                (void)emit_pipeline(part);
            }
        }
    }

    [[nodiscard]] Input input_of(const NodeInput& input) {
        if (input.kind == Kind::literal) {
            return Input::literal(graph_.literal(input.value));
        }
        if (input.kind == Kind::self) return Input::shift(graph_.size(), UINT32_MAX, 1);
        const auto first = known(*input.node).first;
        const auto count = input.node->description.count;
        switch (input.kind) {
            case Kind::at:
                has_surplus_ |= count > 1;
                return Input::one(first + static_cast<std::uint32_t>(input.step));
            case Kind::block:
                return Input::block(first, count, input.step);
            case Kind::cross_left:
                return Input::cross_left(first, count, input.step);
            case Kind::cross_right:
                return Input::cross_right(first, count, input.step);
            case Kind::all:
                return Input::all(first, count);
            default:
                return Input::same(first, count);
        }
    }

    // The last `depth` stages up to `last`, in order; none if what one of them makes is stored for
    // others too, or if all have names: other builds know those by themselves.
    std::vector<const Node*> chain_of(const Node* last, std::uint32_t depth) {
        std::vector<const Node*> chain(depth);
        for (auto place = chain.rbegin();;) {
            *place = last;
            if (++place == chain.rend()) break;
            last = last->description.inputs.front().node.get();
            if (known(*last).stored) return {};
        }
        const auto has_name = [](const Node* stage) {
            return is_named(*stage->description.stream.code);
        };
        if (std::ranges::all_of(chain, has_name)) chain.clear();
        return chain;
    }

    // What messages call the fused form of some stages: the operation that keeps it from
    // travelling, or its last.
    static const Node& culprit_of(const std::vector<const Node*>& chain, const Node& last) {
        for (const auto* stage : chain) {
            const auto& state = stage->description.stream.state;
            if (state.has_value() && state.operations().save == nullptr) {
                return *stage;
            }
        }
        return last;
    }

    // The stages that the fused form of a reduction takes in.
    std::vector<const Node*> chain_before(const Node& sink) {
        if (sink.fused_sink() == nullptr) return {};
        const auto& last = *sink.description.inputs.front().node;
        if (known(last).stored) return {};
        return chain_of(&last, sink.fused_sink()->depth);
    }

    // Appends what a chain starts from; tells whether the elements that come out of it will belong
    // to the task.
    bool append_chain(const std::vector<const Node*>& chain, Pipeline& pipeline,
                      std::vector<NodeInput>& inputs) {
        bool owned = append_upstreams(*chain.front(), pipeline, inputs);
        for (const auto* stage : chain) {
            check_ownership(stage->description.needs_owned, owned, *stage);
            owned |= !stage->description.passes;
        }
        return owned;
    }

    static std::vector<Value> states_of(const std::vector<const Node*>& chain) {
        std::vector<Value> states;
        states.reserve(chain.size() + 1);
        for (const auto* stage : chain) states.push_back(stage->description.stream.state);
        return states;
    }

    // Appends what makes the stream of `node`; tells whether its elements will belong to the task.
    bool append(const Node& node, Pipeline& pipeline, std::vector<NodeInput>& inputs) {
        const auto& made = node.description;
        if (const auto* fused = node.fused_stages(); fused != nullptr && fused->depth > 1) {
            const auto chain = chain_of(&node, fused->depth);
            if (!chain.empty()) {
                const bool owned = append_chain(chain, pipeline, inputs);
                const auto& culprit = culprit_of(chain, node);
                pipeline.steps.push_back({{fused->code, Value::of(states_of(chain))},
                                          1,
                                          0,
                                          false,
                                          culprit.description.name,
                                          culprit.location()});
                return owned;
            }
        }
        const bool upstream_owned = append_upstreams(node, pipeline, inputs);
        const bool is_source = made.role == Role::source;
        const bool movable = is_source && (made.fresh || known(node).given_up);
        Pipeline::Step step{made.stream, 0,         static_cast<std::uint32_t>(inputs.size()),
                            movable,     made.name, node.location()};
        for (const auto& input : made.inputs) step.upstreams += input.kind == Kind::stream ? 1 : 0;
        append_slots(node, inputs);
        pipeline.steps.push_back(std::move(step));
        if (is_source) return movable;
        check_ownership(made.needs_owned, upstream_owned, node);
        return !made.passes || upstream_owned;
    }

    bool append_upstreams(const Node& node, Pipeline& pipeline, std::vector<NodeInput>& inputs) {
        bool owned = true;
        for (const auto& input : node.description.inputs) {
            if (input.kind != Kind::stream) continue;
            // A node that moves from what cannot be copied copies the rest.
            const bool matters =
                !node.description.needs_owned || !input.node->description.elements->copyable;
            const auto& upstream = known(*input.node);
            if (!upstream.stored) {
                const bool upstream_owned = append(*input.node, pipeline, inputs);
                owned &= upstream_owned || !matters;
                continue;
            }
            owned &= !has_other_users(upstream) || !matters;
            pipeline.steps.push_back({{input.node->description.elements->read, {}},
                                      0,
                                      static_cast<std::uint32_t>(inputs.size()),
                                      false,
                                      input.node->description.name});
            inputs.push_back({.kind = Kind::same, .node = input.node});
        }
        return owned;
    }

    static void append_slots(const Node& node, std::vector<NodeInput>& inputs) {
        for (const auto& input : node.description.inputs) {
            if (input.kind != Kind::stream) inputs.push_back(input);
        }
    }

    // Marks the nodes of which the handles that are being computed, and are going away, are all
    // that is left. Users come after what they use.
    void find_given_up() {
        for (auto one = known_.rbegin(); one != known_.rend(); ++one) {
            one->given_up = one->node->unique() && (one->is_root || one->user_given_up);
            if (!one->given_up) continue;
            for (const auto& input : one->node->description.inputs) {
                if (input.node) known(*input.node).user_given_up = true;
            }
        }
    }

    static void check_ownership(bool needs, bool owned, const Node& node) {
        if (!needs || owned) return;
        throw InvalidArgument(fmt::format(
            "{}: its elements are of a move-only type and belong to a bag that can be computed "
            "again, "
            "so they cannot be moved out of it; take them by const reference, or give the bag up: "
            "std::move(bag).compute()",
            node.description.name));
    }

    // A task may move from a result only if it is the only one that uses it.
    void check_moves(const Node& node) {
        for (const auto& input : node.description.inputs) {
            if (!input.moves || !input.node) continue;
            const auto& used = known(*input.node);
            if (!used.is_root && used.stream_uses + used.value_uses == 1) continue;
            throw InvalidArgument(fmt::format(
                "{}: an argument is of a move-only type and is used elsewhere too, so it cannot be "
                "moved into the call; take it by const reference",
                node.description.name));
        }
    }

    std::unique_lock<std::mutex> lock_;
    bool consumed_;
    bool drawing_;
    PooledVector<Known> known_;
    std::unordered_map<Key, std::uint32_t, KeyHash> shared_;  // places of named and pure nodes
    std::vector<std::uint32_t> references_;                   // of one task; kept for its memory
    Graph graph_;
    bool has_surplus_ = false;
};

Lowered lower(const std::vector<NodePtr>& roots, bool consumed, bool drawing) {
    Lowering lowering(consumed, drawing);
    lowering.add_roots(roots);
    lowering.emit_all();
    Lowered lowered;
    for (const auto& root : roots) lowered.first.push_back(lowering.first_task(*root));
    lowered.has_surplus = lowering.has_surplus();
    lowered.graph = lowering.take_graph();
    return lowered;
}

std::shared_ptr<const Pipeline> pipeline_of(const NodePtr& bag, std::vector<NodeInput>& inputs) {
    if (!makes_stream(*bag)) return nullptr;
    Lowering lowering(false, false);
    lowering.add_roots({bag});
    return lowering.flatten(*bag, inputs);
}

}  // namespace satchel::detail
