// Random graphs and the model of what they give.
#include "simulation/workload.hpp"

#include <satchel/function.hpp>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace satchel::simulation {
namespace {

Bytes bytes_of(std::uint64_t number) {
    return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}

std::uint64_t number_in(const Bytes& bytes) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
}

}  // namespace

std::uint64_t Workload::compute(const Key& key, const std::vector<std::uint64_t>& inputs) {
    auto value = mix(key.token.low, key.index);
    for (const auto input : inputs) value = mix(value, input);
    return value;
}

// A function is shared by layers of one name; literals are not, and tell which layer it is.
Key Workload::key_of(const LayerDefinition& layer, std::uint64_t index) {
    const auto& name = layer.literals.empty() ? layer.function : layer.literals.front();
    return {{1, number_in(name)}, index};
}

UpdateGraph Workload::graph(const std::vector<Key>& known) {
    // Now and then the same graph is asked for again, by this client or by another.
    if (!whole_.empty() && random_.chance(150)) return whole_[random_.below(whole_.size())];
    UpdateGraph graph;
    std::vector<Key> keys;
    std::vector<Numbered> blocks;
    if (!known.empty() && random_.chance(500)) {
        for (auto k = random_(1, 3); k > 0; --k) {
            const auto key = known[random_.below(known.size())];
            graph.known.push_back({key.token, key.index, 1});
            keys.push_back(key);
            blocks.push_back({static_cast<std::uint32_t>(keys.size() - 1), 1});
        }
    }
    for (auto layers = random_(1, 6); layers > 0; --layers) add_layer(graph, keys, blocks);
    for (std::size_t k = 0; k < graph.layers.size(); ++k) {
        const auto& spec = graph.layers[k];
        if (k + 1 == graph.layers.size() || random_.chance(200)) {
            graph.wanted.push_back({spec.token, 0, spec.count});
        } else if (random_.chance(200)) {
            graph.wanted.push_back({spec.token, random_.below(spec.count), 1});
        }
    }
    if (graph.known.empty()) whole_.push_back(graph);
    return graph;
}

UpdateGraph Workload::nested() {
    UpdateGraph graph;
    std::vector<Key> keys;
    std::vector<Numbered> blocks;
    LayerSpec spec;
    spec.token = {1, mix(++next_token_, 77)};
    spec.name = "nested";
    spec.count = static_cast<std::uint32_t>(random_(1, 3));
    spec.function = bytes_of(spec.token.low);
    graph.wanted.push_back({spec.token, 0, spec.count});
    const LayerModel model{.token = spec.token, .duration = 300 * microsecond, .nbytes = 100};
    finish_layer(graph, std::move(spec), model, keys, blocks);
    return graph;
}

UpdateGraph Workload::wrong() {
    LayerSpec data;
    data.token = {2, ++next_token_};
    data.name = "wrong";
    data.count = 1;
    data.data = {100};
    LayerSpec spec;
    spec.token = {2, ++next_token_};
    spec.name = "wrong";
    spec.count = 1;
    spec.function = bytes_of(spec.token.low);
    spec.references = {1};
    spec.ends = {1};
    UpdateGraph graph;
    graph.wanted.push_back({spec.token, 0, 1});
    graph.layers = {std::move(data), std::move(spec)};
    return graph;
}

void Workload::add_layer(UpdateGraph& graph, std::vector<Key>& keys,
                         std::vector<Numbered>& blocks) {
    LayerSpec spec;
    spec.token = {1, mix(++next_token_, 77)};
    spec.name = fmt::format("operation-{}", random_(1, 5));
    spec.count = static_cast<std::uint32_t>(random_.chance(400) ? 1 : random_(2, 12));
    LayerModel model{.token = spec.token};
    model.special = random_.below(spec.count);
    const Time durations[] = {2 * microsecond, 300 * microsecond, 5 * millisecond};
    model.duration = durations[random_.below(3)];
    model.nbytes = random_.chance(300) ? random_(0, 100) : random_(5'000, 30'000'000);
    if (with_errors && random_.chance(100)) model.behaviour = Behaviour::throws;
    if (with_errors && random_.chance(100)) {
        model.behaviour = Behaviour::flaky;
        model.throws_before = static_cast<std::uint32_t>(random_(1, 2));
    }
    model.retries = model.behaviour == Behaviour::throws ? static_cast<std::uint32_t>(random_(0, 2))
                                                         : model.throws_before;
    spec.retries = model.retries;
    if (with_deadly && random_.chance(50)) model.behaviour = Behaviour::deadly;
    if (random_.chance(80)) model.behaviour = Behaviour::secedes;
    model.is_data = model.behaviour == Behaviour::normal && random_.chance(150);
    if (model.is_data) {
        spec.data.assign(spec.count, model.nbytes);
        spec.everywhere = random_.chance(300);
        spec.retries = 0;
        return finish_layer(graph, std::move(spec), model, keys, blocks);
    }
    spec.function = bytes_of(spec.token.low);
    for (auto k = random_(0, 2); k > 0; --k) {
        spec.literals.push_back(bytes_of(spec.token.low));
    }
    // A function may be called with literals of its own in one layer, and with others in the next.
    if (spec.literals.empty()) {
        functions_[spec.name] = spec.function;
    } else if (const auto shared = functions_.find(spec.name); shared != functions_.end()) {
        spec.function = shared->second;
    }
    const auto own = static_cast<std::uint32_t>(keys.size());
    if (random_.chance(350)) {
        add_references(spec, own);
    } else if (!blocks.empty() && random_.chance(800)) {
        add_inputs(spec, blocks, own);
    }
    finish_layer(graph, std::move(spec), model, keys, blocks);
}

void Workload::finish_layer(UpdateGraph& graph, LayerSpec spec, const LayerModel& model,
                            std::vector<Key>& keys, std::vector<Numbered>& blocks) {
    layers_[spec.token] = model;
    blocks.push_back({static_cast<std::uint32_t>(keys.size()), spec.count});
    for (std::uint32_t k = 0; k < spec.count; ++k) keys.push_back({spec.token, k});
    add_model(spec, keys);
    graph.layers.push_back(std::move(spec));
}

void Workload::add_inputs(LayerSpec& spec, const std::vector<Numbered>& blocks, std::uint32_t own) {
    for (auto k = random_(1, 2); k > 0; --k) {
        auto [first, count] = blocks[random_.below(blocks.size())];
        // Sometimes tasks of several layers that follow each other.
        if (random_.chance(150)) {
            first = 0;
            count = own;
        }
        switch (random_(0, 7)) {
            case 0:
                spec.inputs.push_back(Input::one(first + random_.below(count)));
                break;
            case 1:
                spec.inputs.push_back(Input::shift(first, count, random_(-2, 2)));
                break;
            case 2:
                spec.inputs.push_back(Input::block(first, count, random_(1, 5)));
                break;
            case 3:
                spec.inputs.push_back(Input::cross_left(first, count, random_(1, 4)));
                spec.inputs.push_back(Input::cross_right(first, count, random_(1, 4)));
                break;
            case 4:
                spec.inputs.push_back(Input::all(first, count));
                break;
            case 5:
                spec.inputs.push_back(Input::shift(own, spec.count, 1));
                break;
            default:
                spec.inputs.push_back(Input::same(first, count));
                break;
        }
    }
    for (std::uint32_t k = 0; k < spec.literals.size(); ++k) {
        spec.inputs.push_back(Input::literal(k));
    }
}

void Workload::add_references(LayerSpec& spec, std::uint32_t own) {
    for (std::uint32_t task = 0; task < spec.count; ++task) {
        for (auto k = random_(0, 3); k > 0 && own + task > 0; --k) {
            spec.references.push_back(random_.below(own + task));
        }
        if (!spec.literals.empty() && random_.chance(300)) {
            spec.references.push_back(random_.below(spec.literals.size()) | detail::literal_bit);
        }
        spec.ends.push_back(static_cast<std::uint32_t>(spec.references.size()));
    }
}

void Workload::add_model(const LayerSpec& spec, const std::vector<Key>& keys) {
    for (std::uint32_t index = 0; index < spec.count; ++index) {
        const Key key{spec.token, index};
        std::vector<std::uint32_t> references;
        for (const auto& input : spec.inputs) input.expand(index, references);
        if (!spec.ends.empty()) {
            const auto begin = index == 0 ? 0 : spec.ends[index - 1];
            references.assign(spec.references.begin() + begin,
                              spec.references.begin() + spec.ends[index]);
        }
        auto& task = tasks_[key];
        std::vector<std::uint64_t> values;
        for (const auto reference : references) {
            if (detail::is_literal(reference)) {
                values.push_back(number_in(spec.literals[detail::literal_number(reference)]));
                continue;
            }
            const auto& input = tasks_.at(keys[reference]);
            task.inputs.push_back(keys[reference]);
            task.suspects.insert(input.suspects.begin(), input.suspects.end());
            values.push_back(input.value);
        }
        const auto behaviour = layers_.at(spec.token).behaviour_of(index);
        if (behaviour == Behaviour::throws || behaviour == Behaviour::deadly) {
            task.suspects.insert(key);
        }
        task.value = compute(key, values);
    }
}

}  // namespace satchel::simulation
