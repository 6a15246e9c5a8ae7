// From segments of a graph to layers of a message. Tasks keep their numbers.
#include "client/graph_message.hpp"

#include <satchel/archive.hpp>
#include <satchel/detail/remote_call.hpp>
#include <satchel/error.hpp>

#include "cluster/codec.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace satchel::client {
namespace {

// A layer whose function holds more data than this is sent task by task, if each needs only a part;
// and tasks that were added alone share a layer only up to so much data in literals, because a
// worker gets all of a layer's.
constexpr std::uint64_t shared_bytes_max = 64 * 1024;
constexpr std::uint32_t shared_tasks_max = 4096;

// Calls the function of a task of a larger layer.
struct AtIndex {
    Function function;
    std::uint32_t index = 0;

    Value operator()(Arguments& arguments) const {
        auto inputs = arguments.at_index(index);
        Value result;
        function(inputs, result);
        return result;
    }
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& function& index;
    }
};

template <class T>
Encoded encode_for(const T& object, const std::string& operation) {
    try {
        return encode(object);
    } catch (const TravelError& error) {
        throw TravelError(fmt::format("running '{}' on a cluster: {}", operation, error.what()));
    }
}

}  // namespace

class GraphWriter {
  public:
    explicit GraphWriter(const Graph& graph)
        : graph_(graph), literals_(graph.literals_.size()), token_(Token::unique()) {}

    /// Whether no task refers to a later one, which is possible for inputs that were named by key.
    [[nodiscard]] static bool is_sorted(const Graph& graph) { return graph.keys_.empty(); }

    void write() {
        const auto& segments = graph_.segments_;
        for (std::size_t k = 0; k < segments.size(); ++k) {
            const auto end = k + 1 < segments.size() ? segments[k + 1].first : graph_.size_;
            if (segments[k].layer != Graph::alone) {
                write_layer(segments[k]);
            } else {
                write_alone(segments[k], end);
            }
        }
    }

    [[nodiscard]] Key key_of(TaskIndex task) const {
        const auto after = std::ranges::upper_bound(firsts_, task);
        const auto layer = static_cast<std::size_t>(after - firsts_.begin()) - 1;
        return {layers_[layer].token, task - firsts_[layer]};
    }
    std::vector<LayerSpec> take_layers() { return std::move(layers_); }
    TaskNames take_names() { return std::move(names_); }

  private:
    using Segment = Graph::Segment;

    LayerSpec& begin(TaskIndex first, const std::string& name, std::uint32_t count) {
        auto& spec = layers_.emplace_back();
        spec.token = token_.then(layers_.size());
        spec.name = name.empty() ? "task" : name;
        spec.count = count;
        firsts_.push_back(first);
        names_.layers.push_back({spec.token, spec.name, 0, true});
        local_.clear();
        literal_bytes_ = 0;
        is_open_ = false;
        return spec;
    }

    // What the last layer calls a literal of the graph.
    std::uint32_t local(std::uint32_t literal) {
        auto& spec = layers_.back();
        const auto [place, is_new] =
            local_.emplace(literal, static_cast<std::uint32_t>(spec.literals.size()));
        if (is_new) {
            auto& encoded = literals_[literal];
            if (!encoded) {
                encoded = cluster::pack(encode_for(graph_.literals_[literal], spec.name));
            }
            spec.literals.push_back(*encoded);
            literal_bytes_ += encoded->size();
        }
        return place->second;
    }

    void append_inputs(TaskIndex task) {
        inputs_.clear();
        graph_.inputs_of(task, inputs_);
        for (const auto input : inputs_) {
            const bool is_literal = (input & detail::literal_bit) != 0;
            const auto reference =
                is_literal ? local(input & ~detail::literal_bit) | detail::literal_bit : input;
            layers_.back().references.push_back(reference);
        }
        layers_.back().ends.push_back(static_cast<std::uint32_t>(layers_.back().references.size()));
    }

    void write_one(TaskIndex task, const std::string& name, Bytes function, bool is_one) {
        begin(task, name, 1).function = std::move(function);
        names_.layers.back().first = graph_.index_in_layer(task);
        names_.layers.back().is_one = is_one;
        append_inputs(task);
    }

    void write_layer(const Segment& segment) {
        const auto& layer = graph_.layers_[segment.layer];
        const auto function = encode_for(layer.function, layer.name);
        if (layer.count > 1 && function.size() > shared_bytes_max) {
            const auto part = encode_for(layer.function.narrowed(0), layer.name);
            if (part.size() < function.size() / 2) return write_parts(segment);
        }
        auto& spec = begin(segment.first, layer.name, layer.count);
        spec.function = cluster::pack(function);
        names_.layers.back().is_one = false;
        for (auto input : layer.inputs) {
            if (input.kind == Input::Kind::literal) input.first = local(input.first);
            layers_.back().inputs.push_back(input);
        }
    }

    void write_parts(const Segment& segment) {
        const auto& layer = graph_.layers_[segment.layer];
        for (std::uint32_t k = 0; k < layer.count; ++k) {
            const Function part(AtIndex{layer.function.narrowed(k), k});
            write_one(segment.first + k, layer.name, cluster::pack(encode_for(part, layer.name)),
                      false);
        }
    }

    void write_alone(const Segment& segment, TaskIndex end) {
        const auto& name = graph_.names_[segment.name];
        const auto& function = graph_.functions_[segment.function];
        const auto packed = cluster::pack(encode_for(function, name));
        for (auto task = segment.first; task < end; ++task) {
            const auto index = graph_.index_in_layer(task);
            if (index != 0) {
                const Function one(AtIndex{function.narrowed(index), index});
                write_one(task, name, cluster::pack(encode_for(one, name)), false);
            } else if (continues(packed, name)) {
                ++layers_.back().count;
                names_.layers.back().is_one = false;
                append_inputs(task);
            } else {
                write_one(task, name, packed, true);
                is_open_ = true;
            }
        }
    }

    // Whether a task that calls `function` may be one more of the last layer.
    [[nodiscard]] bool continues(const Bytes& function, const std::string& name) const {
        if (layers_.empty() || !is_open_) return false;
        const auto& last = layers_.back();
        return last.count < shared_tasks_max && literal_bytes_ < shared_bytes_max &&
               last.name == (name.empty() ? "task" : name) && last.function == function;
    }

    const Graph& graph_;
    std::vector<std::optional<Bytes>> literals_;  // encoded, as far as they were needed
    Token token_;
    std::vector<LayerSpec> layers_;
    std::vector<TaskIndex> firsts_;  // the first task of each
    TaskNames names_;
    bool is_open_ = false;  // the last layer is of tasks that were added alone …
    std::unordered_map<std::uint32_t, std::uint32_t> local_;  // … and has these literals
    std::uint64_t literal_bytes_ = 0;
    std::vector<std::uint32_t> inputs_;
};

GraphMessage make_graph_message(Graph graph, std::vector<TaskIndex> outputs) {
    graph.resolve_keys();
    for (const auto output : outputs) {
        if (output < graph.size()) continue;
        throw GraphError(
            fmt::format("output {} is not in the graph, which has {} tasks", output, graph.size()));
    }
    if (!GraphWriter::is_sorted(graph)) {
        auto sorted = order(std::move(graph), outputs);
        graph = std::move(sorted.graph);
        outputs = std::move(sorted.outputs);
    }
    GraphWriter writer(graph);
    writer.write();
    GraphMessage message;
    for (const auto output : outputs) message.outputs.push_back(writer.key_of(output));
    message.update.layers = writer.take_layers();
    message.names = std::make_shared<const TaskNames>(writer.take_names());
    return message;
}

}  // namespace satchel::client
