// The parts of bags that do not depend on the element type.
#include <satchel/bag.hpp>
#include <satchel/error.hpp>
#include <satchel/log.hpp>

#include <chrono>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace satchel {
namespace detail {

std::uint64_t nanoseconds_now() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

std::uint32_t checked_partitions(std::int64_t npartitions, const char* operation) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    if (npartitions < 1 || npartitions > most) {
        throw InvalidArgument(fmt::format("{}: npartitions is {}; it must lie between 1 and {}",
                                          operation, npartitions, most));
    }
    return static_cast<std::uint32_t>(npartitions);
}

Partitioning partition_sequence(std::uint64_t size, std::optional<std::int64_t> npartitions,
                                std::optional<std::int64_t> partition_size, const char* operation) {
    if (npartitions && partition_size) {
        throw InvalidArgument(fmt::format(
            "{}: both npartitions and partition_size are given; give one of them", operation));
    }
    if (partition_size && *partition_size < 1) {
        throw InvalidArgument(fmt::format("{}: partition_size is {}; it must be at least 1",
                                          operation, *partition_size));
    }
    if (npartitions) {
        const auto wanted =
            std::min<std::uint64_t>(checked_partitions(*npartitions, operation), size);
        return {size, std::max(1U, static_cast<std::uint32_t>(wanted)), 0};
    }
    std::uint64_t part_size = 1;
    if (partition_size) {
        part_size = static_cast<std::uint64_t>(*partition_size);
    } else if (size > 100) {
        part_size =
            static_cast<std::uint64_t>(std::ceil(std::sqrt(static_cast<double>(size)) / 10));
    }
    const auto parts = std::max<std::uint64_t>(1, (size + part_size - 1) / part_size);
    return {size, checked_partitions(static_cast<std::int64_t>(parts), operation), part_size};
}

std::uint32_t checked_take(std::int64_t k, std::int64_t npartitions, std::int64_t available) {
    if (k < 0) throw InvalidArgument(fmt::format("take: asked for {} elements", k));
    if (npartitions == -1) npartitions = available;
    if (npartitions < 1 || npartitions > available) {
        throw InvalidArgument(
            fmt::format("take: npartitions is {}, but the bag has {}; give a number between 1 and "
                        "that, or -1 for all",
                        npartitions, available));
    }
    return static_cast<std::uint32_t>(npartitions);
}

void warn_short_take(std::int64_t asked, std::size_t found, bool read_all) {
    log_warning("bag", fmt::format("take({}) found only {} elements{}", asked, found,
                                   read_all ? ", which are all that the bag has"
                                            : " in the partitions that it may read; allow it more "
                                              "with {.npartitions = …}, or -1 for all"));
}

Value compute_last(NodePtr node, const Executor& executor) {
    const auto count = node->description.count;
    auto lowered = lower({std::move(node)});
    const std::vector<TaskIndex> last{lowered.first.front() + count - 1};
    auto culled = cull(std::move(lowered.graph), last);
    return std::move(executor.run(std::move(culled.graph), std::move(culled.outputs)).front());
}

std::int64_t checked_split_every(std::int64_t split_every, const std::string& name) {
    if (split_every < 2) {
        throw InvalidArgument(fmt::format(
            "{}: split_every is {}; a tree needs at least 2 partial results merged at a time", name,
            split_every));
    }
    return split_every;
}

NodePtr tree(NodePtr leaves, const std::string& name, std::int64_t split_every,
             const Function& merge, const Function& finish, const ElementOperations* elements) {
    using Kind = NodeInput::Kind;
    auto level = std::move(leaves);
    for (std::uint64_t depth = 1; level->description.count > split_every; ++depth) {
        const std::int64_t count = level->description.count;
        const auto token =
            level->description.token.then(static_cast<std::uint64_t>(split_every)).then(depth);
        level = Node::make(
            {.count = static_cast<std::uint32_t>((count + split_every - 1) / split_every),
             .name = name + "-merge",
             .token = token,
             .function = merge,
             .inputs = {{.kind = Kind::block, .node = level, .step = split_every}}});
    }
    const std::int64_t count = level->description.count;
    const auto token = level->description.token.then(0);
    return Node::make({.name = name,
                       .token = token,
                       .function = finish,
                       .elements = elements,
                       .inputs = {{.kind = Kind::block, .node = std::move(level), .step = count}}});
}

std::uint64_t checked_number(std::int64_t k, const char* operation) {
    if (k < 0) {
        throw InvalidArgument(fmt::format(
            "{}: asked for {} elements; the number must not be negative", operation, k));
    }
    return static_cast<std::uint64_t>(k);
}

void check_probability(double p) {
    if (p >= 0 && p <= 1) return;
    throw InvalidArgument(
        fmt::format("random_sample: the probability is {}; it must lie between 0 and 1", p));
}

std::uint64_t seed_or_random(std::optional<std::uint64_t> seed) {
    return seed ? *seed : Token::unique().low;
}

void check_repartition(bool by_npartitions, bool by_size) {
    if (by_npartitions == by_size) {
        throw InvalidArgument("repartition: give exactly one of npartitions and partition_size");
    }
}

std::uint64_t checked_partition_bytes(std::int64_t partition_size) {
    if (partition_size < 1) {
        throw InvalidArgument(fmt::format(
            "repartition: partition_size is {} bytes; it must be at least 1", partition_size));
    }
    return static_cast<std::uint64_t>(partition_size);
}

void throw_not_measurable() {
    throw InvalidArgument(
        "repartition: partition_size needs elements whose size is known: of trivially copyable "
        "types, strings, Bytes, and vectors, pairs and tuples of those; give npartitions instead");
}

NodePtr concat_node(const std::vector<NodePtr>& nodes, const char* name,
                    const ElementOperations* elements) {
    std::uint64_t count = 0;
    auto token = Token::of(name);
    std::vector<NodeInput> inputs;
    for (const auto& node : nodes) {
        count += node->description.count;
        token = token.then(node->description.token);
        // What a Delayed makes is a value; the elements of a bag can be made here.
        const bool is_bag = node->description.elements != nullptr;
        inputs.push_back(
            {.kind = is_bag ? NodeInput::Kind::stream : NodeInput::Kind::same, .node = node});
    }
    return Node::make({.role = Node::Role::concat,
                       .count = checked_partitions(static_cast<std::int64_t>(count), name),
                       .name = name,
                       .token = token,
                       .elements = elements,
                       .inputs = std::move(inputs)});
}

NodePtr stage_node(NodePtr upstream, const char* name, Token token, StreamPart part, bool passes,
                   bool needs_owned, const ElementOperations* elements) {
    const auto count = upstream->description.count;
    token = Token::of(name).then(token).then(upstream->description.token);
    std::vector<NodeInput> inputs;
    inputs.push_back({.kind = NodeInput::Kind::stream, .node = std::move(upstream)});
    return Node::make({.role = Node::Role::stage,
                       .passes = passes,
                       .needs_owned = needs_owned,
                       .count = count,
                       .name = name,
                       .token = token,
                       .stream = std::move(part),
                       .elements = elements,
                       .inputs = std::move(inputs)});
}

NodePtr combining_node(const char* name, Token token, std::uint32_t count, StreamPart part,
                       const ElementOperations* elements, std::vector<NodeInput> inputs) {
    return Node::make({.role = Node::Role::source,
                       .fresh = true,
                       .count = count,
                       .name = name,
                       .token = token,
                       .stream = std::move(part),
                       .elements = elements,
                       .inputs = std::move(inputs)});
}

void check_same_partitions(const std::string& operation, std::uint32_t one, std::uint32_t other) {
    if (one == other) return;
    throw InvalidArgument(fmt::format(
        "{}: the bags have {} and {} partitions; elements can go along with each other only if the "
        "numbers are equal: repartition one of them",
        operation, one, other));
}

void throw_unequal_lengths(const std::string& operation, std::uint32_t partition) {
    throw LengthError(
        fmt::format("{}: partition {} has more elements in one bag than in another; bags that go "
                    "along with each "
                    "other need partitions of equal length",
                    operation, partition));
}

void throw_missing_key(const std::string& key) {
    throw KeyError(fmt::format(
        "pluck: an element has no {}; pass a default as the second argument, or filter first",
        key));
}

void refuse_default(std::string_view value) {
    throw InvalidArgument(fmt::format(
        "pluck: the default {} is not among the numbers that the elements have at the key; map() "
        "them to another type first",
        value));
}

void throw_product_overflow() {
    throw Error(
        "prod: the result does not fit into 64 bits; multiply elements of a floating type instead");
}

void throw_ddof(std::int64_t ddof, std::uint64_t count) {
    throw InvalidArgument(fmt::format(
        "var, std: ddof is {}, but there are only {} elements; ddof must be smaller", ddof, count));
}

void throw_sample_too_large(std::uint64_t k, std::uint64_t count) {
    throw InvalidArgument(fmt::format(
        "sample: asked for {} elements of a bag that has {}; choices() draws with replacement", k,
        count));
}

void throw_empty(const char* operation) {
    throw EmptyBag(fmt::format("{} of a bag without elements has no value", operation));
}

void throw_counts_twice() {
    throw InvalidArgument(
        "fold: `initial` would count more than once, because joining it by `combine` to what was "
        "folded so far changes that. Give an `initial` that changes nothing there, or the same "
        "function twice, or fold a bag of one partition");
}

void throw_sum_overflow() {
    throw Error(
        "sum: the result does not fit into 64 bits; sum elements of a floating type instead");
}

}  // namespace detail

Bag<std::int64_t> range(std::int64_t n, std::int64_t npartitions) {
    if (n < 0) throw InvalidArgument(fmt::format("range: n is {}; it must not be negative", n));
    const detail::Partitioning partitioning{static_cast<std::uint64_t>(n),
                                            detail::checked_partitions(npartitions, "range"), 0};
    return Bag<std::int64_t>(detail::Node::make(
        {.role = detail::Node::Role::source,
         .cheap = true,
         .fresh = true,
         .count = partitioning.parts,
         .name = "range",
         .token = Token::of("range").then(static_cast<std::uint64_t>(n)).then(partitioning.parts),
         .stream = detail::stream_part<&detail::CountingStream::open>(partitioning),
         .elements = &detail::element_operations<std::int64_t>}));
}

}  // namespace satchel
