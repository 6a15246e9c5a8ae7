// Graphs as they arrive: checked as a whole before anything is taken, then put into the table layer
// by layer. What a layer depends on is worked out from its rules; the message stays as small as
// they are.
#include <satchel/function.hpp>

#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

namespace satchel::scheduler {
namespace {

constexpr std::uint64_t tasks_max = detail::literal_bit;

// Priorities: graphs in the order in which they come; in each, tasks that have inputs before those
// that make new data. Of the former, later layers go first, as they free more than they fill; of
// the latter, earlier ones.
constexpr std::uint64_t source_step = std::uint64_t{1} << 32;

// What all tasks of a layer share is soon everywhere, so that it does not say where they should go.
bool is_source_like(const LayerSpec& spec) {
    const bool rules = std::ranges::all_of(spec.inputs, [&](const Input& input) {
        return input.kind == Input::Kind::literal ||
               (input.kind == Input::Kind::one && spec.count > 1);
    });
    const bool references =
        std::ranges::all_of(spec.references, [](std::uint32_t r) { return detail::is_literal(r); });
    return rules && references;
}

// Whether `input`, of a layer whose first task has the number `own`, refers to what comes before.
bool is_valid(const Input& input, std::uint64_t own, std::size_t literals) {
    using Kind = Input::Kind;
    const auto end = std::uint64_t{input.first} + input.count;
    switch (input.kind) {
        case Kind::literal:
            return input.first < literals;
        case Kind::shift:
            return end <= own || (input.first == own && input.step >= 1);
        case Kind::block:
        case Kind::cross_left:
        case Kind::cross_right:
            return end <= own && input.step >= 1 && input.step <= std::int64_t{1} << 31;
        case Kind::one:
            return input.first < own;
        case Kind::same:
        case Kind::all:
            return end <= own;
    }
    return false;
}

// What is wrong with a layer, or nothing.
std::string why_wrong(const LayerSpec& spec, std::uint64_t own) {
    if (spec.count == 0) return "it has no tasks";
    if (!spec.data.empty()) {
        const bool is_right = spec.data.size() == spec.count && spec.inputs.empty() &&
                              spec.references.empty() && spec.ends.empty() &&
                              std::ranges::all_of(spec.data, [](auto size) { return size >= 0; });
        return is_right ? "" : "it is data, but not one value of a size for each task";
    }
    for (std::size_t k = 0; k < spec.inputs.size(); ++k) {
        if (!is_valid(spec.inputs[k], own, spec.literals.size())) {
            return fmt::format("its input number {} refers to what does not come before it", k);
        }
    }
    if (spec.ends.empty() && spec.references.empty()) return {};
    if (!spec.inputs.empty()) return "it has both rules and lists of inputs";
    const bool complete = spec.ends.size() == spec.count && std::ranges::is_sorted(spec.ends) &&
                          spec.ends.back() == spec.references.size();
    if (!complete) return "its lists of inputs are not one for each task";
    std::size_t k = 0;
    for (std::uint32_t task = 0; task < spec.count; ++task) {
        for (; k < spec.ends[task]; ++k) {
            const auto reference = spec.references[k];
            const bool is_literal = detail::is_literal(reference);
            if (is_literal ? detail::literal_number(reference) < spec.literals.size()
                           : reference < own + task) {
                continue;
            }
            return fmt::format("its task {} refers to what does not come before it", task);
        }
    }
    return {};
}

// From the numbers of a message to those of the table.
class Numbering {
  public:
    void add(TaskSpan span) {
        if (span.count == 0) return;
        blocks_.push_back({next_, span});
        next_ += span.count;
    }

    [[nodiscard]] std::uint32_t next() const { return next_; }
    [[nodiscard]] TaskId operator()(std::uint32_t number) const {
        const auto& block = block_of(number);
        return block.span.first + (number - block.number);
    }
    [[nodiscard]] std::uint32_t reference(std::uint32_t number) const {
        return detail::is_literal(number) ? number : (*this)(number);
    }
    /// The parts of the table that `count` tasks from `number` on are in.
    [[nodiscard]] std::vector<TaskSpan> spans(std::uint32_t number, std::uint32_t count) const {
        std::vector<TaskSpan> spans;
        while (count > 0) {
            const auto& block = block_of(number);
            const auto offset = number - block.number;
            const auto length = std::min(count, block.span.count - offset);
            spans.push_back({block.span.first + offset, length});
            number += length;
            count -= length;
        }
        return spans;
    }

  private:
    struct Block {
        std::uint32_t number;
        TaskSpan span;
    };

    [[nodiscard]] const Block& block_of(std::uint32_t number) const {
        if (blocks_.back().number <= number) return blocks_.back();
        const auto after = std::ranges::upper_bound(blocks_, number, {}, &Block::number);
        return *std::prev(after);
    }

    std::vector<Block> blocks_;
    std::uint32_t next_ = 0;
};

// Makes lists of rules that no longer fit: what was consecutive in the message is not in the table.
void spell_out(LayerSpec& spec) {
    for (std::uint32_t task = 0; task < spec.count; ++task) {
        for (const auto& input : spec.inputs) input.expand(task, spec.references);
        spec.ends.push_back(static_cast<std::uint32_t>(spec.references.size()));
    }
    spec.inputs.clear();
}

// Rewrites what a layer refers to from the message's numbers to the table's.
void renumber(LayerSpec& spec, const Numbering& numbering) {
    using Kind = Input::Kind;
    std::vector<Input> inputs;
    for (const auto& input : spec.inputs) {
        if (input.kind == Kind::literal) {
            inputs.push_back(input);
            continue;
        }
        // A layer whose tasks depend on each other may count more tasks than it has.
        const auto count =
            input.kind == Kind::one ? 1 : std::min(input.count, numbering.next() - input.first);
        const auto spans = numbering.spans(input.first, count);
        if (spans.size() > 1 && input.kind != Kind::all) {
            spell_out(spec);
            break;
        }
        for (const auto& span : spans) {
            // A block larger than what it is made of is all of that; see Input::expand.
            const auto step = input.kind == Kind::block
                                  ? std::min<std::int64_t>(input.step, std::max(span.count, 1U))
                                  : input.step;
            inputs.push_back({input.kind, span.first, span.count, step});
        }
    }
    if (!spec.inputs.empty()) spec.inputs = std::move(inputs);
    for (auto& reference : spec.references) reference = numbering.reference(reference);
}

std::string unknown(const KeyRange& keys) {
    return fmt::format(
        "the result {}:{}, which this cluster does not have: its future was cancelled or released, "
        "the cluster was restarted, or it is one of another cluster",
        keys.token.text(), keys.first);
}

}  // namespace

std::string Scheduler::why_refused(const UpdateGraph& update) const {
    std::uint64_t next = 0;
    for (const auto& keys : update.known) {
        if (!tasks_.find(keys)) {
            return fmt::format("it depends on {}", unknown(keys));
        }
        next += keys.count;
        if (next > tasks_max) return "it has too many tasks; make fewer partitions";
    }
    std::unordered_map<Key, std::uint32_t, KeyHash> counts;
    for (const auto& spec : update.layers) {
        if (next + spec.count > tasks_max) return "it has too many tasks; make fewer partitions";
        if (auto wrong = why_wrong(spec, next); !wrong.empty()) {
            return fmt::format("layer '{}' cannot be: {}", spec.name, wrong);
        }
        const auto known = tasks_.find(spec.token);
        const auto other = known != none ? tasks_.layer(known).count : spec.count;
        const auto [same, is_new] = counts.emplace(Key{spec.token, 0}, other);
        if (same->second != spec.count) {
            return fmt::format(
                "the {} tasks '{}' have the key of another submission, which has {}; give each a "
                "key of its own",
                spec.count, spec.name, same->second);
        }
        next += spec.count;
    }
    for (const auto& keys : update.wanted) {
        const auto added = counts.find({keys.token, 0});
        const bool is_added = added != counts.end() && keys.first <= added->second &&
                              keys.count <= added->second - keys.first;
        if (!is_added && !tasks_.find(keys)) {
            return fmt::format("it asks for {}", unknown(keys));
        }
    }
    return {};
}

void Scheduler::on(ClientId from, UpdateGraph&& update) {
    auto& client = clients_.at(from);
    if (auto reason = why_refused(update); !reason.empty()) {
        client.outbox.emplace_back(GraphRefused{fmt::format("the graph cannot run: {}", reason),
                                                std::move(update.wanted)});
        for (const auto& spec : update.layers) decline_data(from, spec);
        return;
    }
    Numbering numbering;
    for (const auto& keys : update.known) numbering.add(*tasks_.find(keys));
    std::uint64_t before = 0, after = 0;
    for (const auto& spec : update.layers) after += spec.count;
    const auto graph =
        (client.is_task ? first_graph - ++task_graphs_ : first_graph + graphs_++) * graph_step;
    for (auto& spec : update.layers) {
        after -= spec.count;
        auto id = tasks_.find(spec.token);
        const bool is_new = id == none;
        if (is_new) {
            const auto place = is_source_like(spec) ? source_step + before : after;
            id = add_layer(spec, graph + place);
            auto& layer = tasks_.layer(id);
            if (layer.is_data) layer.owner = from;
            if (update.watch != 0 && !layer.is_data) watch(from, update.watch, layer);
        }
        before += tasks_.layer(id).count;
        // Its own tasks, too: each may depend on the one before it.
        numbering.add(tasks_.layer(id).tasks());
        if (is_new) {
            renumber(spec, numbering);
            link_layer(id, std::move(spec));
        } else {
            decline_data(from, spec);
        }
    }
    for (const auto& keys : update.wanted) {
        const auto span = *tasks_.find(keys);
        for (std::uint32_t k = 0; k < span.count; ++k) want(client, span.first + k);
    }
}

LayerId Scheduler::add_layer(LayerSpec& spec, std::uint64_t priority) {
    Layer layer;
    layer.token = spec.token;
    layer.priority = priority;
    layer.count = spec.count;
    layer.retries = spec.retries;
    layer.operation = operations_.number_of(spec.name);
    if (spec.data.empty()) {
        layer.code = operations_[layer.operation].code_of(std::move(spec.function),
                                                          std::move(spec.literals));
    }
    layer.source_like = is_source_like(spec);
    layer.is_data = !spec.data.empty();
    layer.everywhere = spec.everywhere;
    const auto id = tasks_.add(std::move(layer));
    for (std::uint32_t k = 0; k < spec.data.size(); ++k) {
        tasks_[tasks_.layer(id).first + k].nbytes = spec.data[k];
    }
    counts_[static_cast<std::size_t>(TaskState::released)] += spec.count;
    idle_.push_back(id);  // unless something of it turns out to be wanted
    return id;
}

// Adds a layer's inputs. REQUIRES: the numbers in `spec` are those of the table.
void Scheduler::link_layer(LayerId id, LayerSpec&& spec) {
    auto& layer = tasks_.layer(id);
    const bool has_rules = !spec.inputs.empty() || layer.count > 1;
    layer.references = std::move(spec.references);
    if (has_rules && !(spec.inputs.empty() && layer.references.empty())) {
        layer.rules = std::make_unique<Layer::Rules>();
        layer.rules->ends = std::move(spec.ends);
    }
    const auto span = layer.tasks();
    const auto link = [&](TaskId task) {
        for (const auto reference : references_) {
            if (!detail::is_literal(reference)) tasks_.link(task, reference);
        }
    };
    for (const auto& input : spec.inputs) {
        const bool everything = input.kind == Input::Kind::all;
        if (everything && input.count > 0) tasks_.link_all(id, {input.first, input.count});
        for (std::uint32_t k = 0; k < span.count && !everything; ++k) {
            references_.clear();
            input.expand(k, references_);
            link(span.first + k);
        }
    }
    if (!layer.references.empty()) {
        for (std::uint32_t k = 0; k < span.count; ++k) {
            references_.clear();
            tasks_.arguments_of(span.first + k, references_);
            link(span.first + k);
        }
    }
    if (layer.rules) layer.rules->inputs = std::move(spec.inputs);
}

}  // namespace satchel::scheduler
