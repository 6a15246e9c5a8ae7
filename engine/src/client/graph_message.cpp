// From segments of a graph to layers of a message: what is large, as data; what is in the cluster
// already, by its key.
#include "client/graph_message.hpp"

#include <satchel/archive.hpp>
#include <satchel/detail/kept_result.hpp>
#include <satchel/detail/remote_call.hpp>
#include <satchel/error.hpp>

#include "cluster/codec.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace satchel::client {
namespace {

// Tasks that were added alone share a layer only up to so much data in literals, because a worker
// gets all of a layer's.
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

// Gives its input on.
struct GiveOn {
    Value operator()(Arguments& arguments) const { return arguments.share(0); }
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
    GraphWriter(const Graph& graph, const Session& session)
        : graph_(graph),
          session_(session),
          literals_(graph.literals_.size()),
          token_(Token::unique()),
          tokens_(graph.tokens_.begin(), graph.tokens_.end()) {}

    /// Whether no task refers to a later one, which is possible for inputs that were named by key.
    [[nodiscard]] static bool is_sorted(const Graph& graph) {
        std::vector<std::uint32_t> inputs;
        for (std::size_t k = 0; k < graph.segments_.size(); ++k) {
            if (graph.segments_[k].layer != Graph::alone) continue;  // these cannot
            for (auto task = graph.segments_[k].first; task < end_of(graph, k); ++task) {
                inputs.clear();
                graph.inputs_of(task, inputs);
                const auto is_before = [task](auto input) {
                    return detail::is_literal(input) || input < task;
                };
                if (!std::ranges::all_of(inputs, is_before)) return false;
            }
        }
        return true;
    }

    void write() {
        for (std::size_t k = 0; k < graph_.segments_.size(); ++k) find_known(k);
        next_number_ = static_cast<std::uint32_t>(known_.size());
        std::uint32_t known = 0;
        for (std::size_t k = 0; k < graph_.segments_.size(); ++k) {
            const auto& segment = graph_.segments_[k];
            if (is_known(segment)) {
                runs_.push_back({segment.first, known});
                known += end_of(k) - segment.first;
                is_open_ = false;  // what follows is no more of a layer before it
            } else if (segment.layer != Graph::alone) {
                write_layer(segment);
            } else {
                write_alone(segment, end_of(k));
            }
        }
    }

    [[nodiscard]] Key key_of(TaskIndex task) const {
        const auto number = number_of(task);
        if (number < known_.size()) return known_[number];
        const auto after = std::ranges::upper_bound(numbers_, number);
        const auto layer = static_cast<std::size_t>(after - numbers_.begin()) - 1;
        return {layers_[layer].token, number - numbers_[layer]};
    }
    [[nodiscard]] const std::vector<Key>& known() const { return known_; }
    std::vector<LayerSpec> take_layers() { return std::move(layers_); }
    std::vector<Offer> take_offers() { return std::move(offers_); }
    TaskNames take_names() { return std::move(names_); }

  private:
    using Segment = Graph::Segment;

    // Tasks that follow each other in the graph and in the message.
    struct Run {
        TaskIndex first;
        std::uint32_t number;
    };
    // How a literal of the graph is sent: along with each layer, or as data.
    struct Literal {
        std::optional<Bytes> packed;
        std::uint32_t number = none;
    };

    static TaskIndex end_of(const Graph& graph, std::size_t segment) {
        const auto& all = graph.segments_;
        return segment + 1 < all.size() ? all[segment + 1].first : graph.size_;
    }
    [[nodiscard]] TaskIndex end_of(std::size_t segment) const { return end_of(graph_, segment); }
    [[nodiscard]] const detail::KeptResults* kept_by(const Segment& segment) const {
        return graph_.functions_[segment.function].target<detail::KeptResults>();
    }
    [[nodiscard]] const FutureState* known_state(const detail::KeptResultPtr& result) const {
        const auto* state = dynamic_cast<const FutureState*>(result.get());
        return state != nullptr && state->session.get() == &session_ ? state : nullptr;
    }
    // Whether the tasks stand for results that this client keeps in the cluster.
    [[nodiscard]] bool is_known(const Segment& segment) const {
        const auto* kept = kept_by(segment);
        return kept != nullptr && known_state(kept->results.front()) != nullptr;
    }

    void find_known(std::size_t number) {
        const auto& segment = graph_.segments_[number];
        if (!is_known(segment)) return;
        for (auto task = segment.first; task < end_of(number); ++task) {
            const auto& result = kept_by(segment)->results[graph_.index_in_layer(task)];
            known_.push_back(known_state(result)->key);
        }
    }

    [[nodiscard]] std::uint32_t number_of(TaskIndex task) const {
        const auto after = std::ranges::upper_bound(runs_, task, {}, &Run::first);
        const auto& run = *std::prev(after);
        return run.number + (task - run.first);
    }

    LayerSpec& add(LayerSpec spec) {
        names_.layers.push_back({spec.token, spec.name, 0, spec.count == 1});
        numbers_.push_back(next_number_);
        next_number_ += spec.count;
        local_.clear();
        literal_bytes_ = 0;
        is_open_ = false;
        return layers_.emplace_back(std::move(spec));
    }
    [[nodiscard]] Token next_token() const { return token_.then(layers_.size() + 1); }

    LayerSpec& begin(TaskIndex first, const std::string& name, std::uint32_t count) {
        runs_.push_back({first, next_number_});
        LayerSpec spec;
        spec.token = next_token();
        spec.name = name.empty() ? "task" : name;
        spec.count = count;
        return add(std::move(spec));
    }

    // Values that this client sends to workers itself; the number of the first of them.
    std::uint32_t write_data(const std::string& name, std::vector<Encoded> values) {
        const auto number = next_number_;
        offers_.push_back({next_token(), std::move(values)});
        add(data_layer(offers_.back(), name + "-data"));
        return number;
    }

    // Literals have to be known before the layer that uses them is begun.
    void prepare(std::uint32_t literal, const std::string& name) {
        auto& [packed, number] = literals_[literal];
        if (packed || number != none) return;
        auto encoded = encode_for(graph_.literals_[literal], name);
        if (encoded.size() <= detail::shared_bytes_max) {
            packed = cluster::pack(encoded);
        } else {
            std::vector<Encoded> values;
            values.push_back(std::move(encoded));
            number = write_data(name, std::move(values));
        }
    }

    // How the last layer refers to a literal of the graph.
    std::uint32_t local(std::uint32_t literal) {
        const auto& [packed, number] = literals_[literal];
        if (number != none) return number;
        auto& spec = layers_.back();
        const auto [place, is_new] =
            local_.emplace(literal, static_cast<std::uint32_t>(spec.literals.size()));
        if (is_new) {
            spec.literals.push_back(*packed);
            literal_bytes_ += packed->size();
        }
        return place->second | detail::literal_bit;
    }

    void prepare_inputs(TaskIndex task, const std::string& name) {
        inputs_.clear();
        graph_.inputs_of(task, inputs_);
        for (const auto input : inputs_) {
            if (detail::is_literal(input)) prepare(detail::literal_number(input), name);
        }
    }

    void append_inputs() {
        auto& references = layers_.back().references;
        for (const auto input : inputs_) {
            references.push_back(detail::is_literal(input) ? local(detail::literal_number(input))
                                                           : number_of(input));
        }
        layers_.back().ends.push_back(static_cast<std::uint32_t>(references.size()));
    }

    void write_one(TaskIndex task, const std::string& name, const Function& function) {
        prepare_inputs(task, name);
        auto encoded = encode_for(function, name);
        std::optional<std::uint32_t> code;
        if (encoded.size() > detail::shared_bytes_max) {
            code = write_data(name, {encode_for(Value::of(function), name)});
            encoded = encode_for(Function(detail::CallInput{}), name);
        }
        begin(task, name, 1).function = cluster::pack(encoded);
        names_.layers.back().first = graph_.index_in_layer(task);
        if (code) layers_.back().references.push_back(*code);
        append_inputs();
    }

    void write_layer(const Segment& segment) {
        const auto& layer = graph_.layers_[segment.layer];
        if (layer.count == 0) return;  // as good as not there
        if (const auto* kept = kept_by(segment)) {
            return write_kept(segment.first, layer.name, kept->results);
        }
        auto function = encode_for(layer.function, layer.name);
        std::optional<Input> code;
        if (function.size() > detail::shared_bytes_max) {
            code = write_code(layer, function);
            function = encode_for(Function(detail::CallInput{}), layer.name);
        }
        std::vector<std::uint32_t> firsts(layer.inputs.size());
        for (std::size_t k = 0; k < layer.inputs.size(); ++k) {
            const auto& input = layer.inputs[k];
            if (input.kind == Input::Kind::literal) {
                prepare(input.first, layer.name);
            } else if (input.count > 0 && input.first != segment.first) {
                firsts[k] = write_row(input, layer.name);
            }
        }
        auto& spec = begin(segment.first, layer.name, layer.count);
        spec.function = cluster::pack(function);
        names_.layers.back().is_one = false;
        if (code) spec.inputs.push_back(*code);
        for (std::size_t k = 0; k < layer.inputs.size(); ++k) {
            auto input = layer.inputs[k];
            if (input.kind != Input::Kind::literal) {
                input.first = input.first == segment.first ? number_of(input.first) : firsts[k];
            } else if (const auto place = local(input.first); detail::is_literal(place)) {
                input.first = detail::literal_number(place);
            } else {
                input = Input::one(place);
            }
            spec.inputs.push_back(input);
        }
    }

    // The tasks of a layer's input follow each other in the graph, and have to in the message: the
    // number of the first. Where data or known results lie between them, other tasks give theirs
    // on.
    std::uint32_t write_row(const Input& input, const std::string& name) {
        const auto first = number_of(input.first);
        const auto end = input.first + input.count;
        bool follow = true;
        for (auto run = std::ranges::upper_bound(runs_, input.first, {}, &Run::first);
             run != runs_.end() && run->first < end; ++run) {
            follow &= run->number == first + (run->first - input.first);
        }
        if (follow) return first;
        const auto number = next_number_;
        LayerSpec spec;
        spec.token = next_token();
        spec.name = name + "-inputs";
        spec.count = input.count;
        spec.function = cluster::pack(encode_for(Function(GiveOn{}), name));
        for (auto task = input.first; task < end; ++task) {
            spec.references.push_back(number_of(task));
            spec.ends.push_back(static_cast<std::uint32_t>(spec.references.size()));
        }
        add(std::move(spec));
        return number;
    }

    // A function that holds much data becomes data: each task's own part, if it has one.
    Input write_code(const Layer& layer, const Encoded& whole) {
        const auto part_of = [&](std::uint32_t index) {
            return encode_for(Value::of(layer.function.narrowed(index)), layer.name);
        };
        if (layer.count == 1 || part_of(0).size() >= whole.size() / 2) {
            return Input::one(
                write_data(layer.name, {encode_for(Value::of(layer.function), layer.name)}));
        }
        std::vector<Encoded> parts;
        parts.reserve(layer.count);
        for (std::uint32_t k = 0; k < layer.count; ++k) parts.push_back(part_of(k));
        return Input::same(write_data(layer.name, std::move(parts)), layer.count);
    }

    // Results that another executor keeps are brought here, to be sent.
    void write_kept(TaskIndex first, const std::string& name,
                    const std::vector<detail::KeptResultPtr>& results) {
        std::vector<Encoded> values;
        values.reserve(results.size());
        for (const auto& result : results) values.push_back(encode_for(result->fetch(), name));
        runs_.push_back({first, write_data(name, std::move(values))});
    }

    void write_alone(const Segment& segment, TaskIndex end) {
        const auto& name = graph_.names_[segment.name];
        const auto& function = graph_.functions_[segment.function];
        if (!tokens_.empty() && write_shared(segment, end)) return;
        if (const auto* kept = kept_by(segment)) {
            for (auto task = segment.first; task < end; ++task) {
                write_kept(task, name, {kept->results[graph_.index_in_layer(task)]});
            }
            return;
        }
        if (segment.index_step != 0) {
            for (auto task = segment.first; task < end; ++task) {
                const auto index = graph_.index_in_layer(task);
                write_one(task, name, Function(AtIndex{function.narrowed(index), index}));
            }
            return;
        }
        const auto encoded = encode_for(function, name);
        if (encoded.size() > detail::shared_bytes_max) {
            for (auto task = segment.first; task < end; ++task) write_one(task, name, function);
            return;
        }
        const auto packed = cluster::pack(encoded);
        for (auto task = segment.first; task < end; ++task) {
            prepare_inputs(task, name);
            if (continues(packed, name)) {
                ++layers_.back().count;
                ++next_number_;
                names_.layers.back().is_one = false;
            } else {
                begin(task, name, 1).function = packed;
                is_open_ = true;
            }
            append_inputs();
        }
    }

    // Tasks that other graphs may have as well are layers of their own. False if there are none.
    bool write_shared(const Segment& segment, TaskIndex end) {
        bool found = false;
        for (auto task = segment.first; task < end; ++task) found |= tokens_.contains(task);
        if (!found) return false;
        for (auto task = segment.first; task < end; ++task) {
            write_one(task, graph_.names_[segment.name], graph_.functions_[segment.function]);
            const auto token = tokens_.find(task);
            if (token == tokens_.end()) continue;
            layers_.back().token = names_.layers.back().token = token->second;
        }
        return true;
    }

    // Whether a task that calls `function` may be one more of the last layer.
    [[nodiscard]] bool continues(const Bytes& function, const std::string& name) const {
        if (layers_.empty() || !is_open_) return false;
        const auto& last = layers_.back();
        return last.count < shared_tasks_max && literal_bytes_ < detail::shared_bytes_max &&
               last.name == (name.empty() ? "task" : name) && last.function == function;
    }

    const Graph& graph_;
    const Session& session_;
    std::vector<Literal> literals_;  // as far as they were needed
    Token token_;
    std::unordered_map<TaskIndex, Token> tokens_;
    std::vector<Key> known_;
    std::vector<LayerSpec> layers_;
    std::vector<std::uint32_t> numbers_;  // of the first task of each
    std::uint32_t next_number_ = 0;
    std::vector<Run> runs_;
    std::vector<Offer> offers_;
    TaskNames names_;
    bool is_open_ = false;  // the last layer is of tasks that were added alone …
    std::unordered_map<std::uint32_t, std::uint32_t> local_;  // … and has these literals
    std::uint64_t literal_bytes_ = 0;
    std::vector<std::uint32_t> inputs_;
};

GraphMessage make_graph_message(Graph graph, std::vector<TaskIndex> outputs,
                                const Session& session) {
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
    GraphWriter writer(graph, session);
    writer.write();
    GraphMessage message;
    for (const auto& key : writer.known()) append_key(message.update.known, key);
    for (const auto output : outputs) message.outputs.push_back(writer.key_of(output));
    message.update.layers = writer.take_layers();
    message.names = std::make_shared<const TaskNames>(writer.take_names());
    message.offers = writer.take_offers();
    message.graph = std::move(graph);
    return message;
}

LayerSpec data_layer(const Offer& offer, const std::string& name) {
    LayerSpec spec;
    spec.token = offer.layer;
    spec.name = name;
    spec.count = static_cast<std::uint32_t>(offer.values.size());
    for (const auto& value : offer.values) {
        spec.data.push_back(static_cast<std::int64_t>(value.size()));
    }
    return spec;
}

void append_key(std::vector<KeyRange>& ranges, const Key& key) {
    if (!ranges.empty() && ranges.back().token == key.token &&
        ranges.back().first + ranges.back().count == key.index) {
        ++ranges.back().count;
    } else {
        ranges.push_back({key.token, key.index, 1});
    }
}

}  // namespace satchel::client
