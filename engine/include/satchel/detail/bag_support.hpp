// What bag.hpp needs to make bags: taking over a range, dividing it, deriving one node from
// another.
#pragma once

#include <satchel/bag_options.hpp>
#include <satchel/detail/element_functions.hpp>
#include <satchel/detail/node.hpp>
#include <satchel/detail/sources.hpp>
#include <satchel/detail/stages.hpp>
#include <satchel/detail/stream.hpp>
#include <satchel/detail/text_stages.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel::detail {

/// What a loop over a bag would get, had it not been refused.
struct NoIterator {
    friend bool operator==(NoIterator, NoIterator) { return true; }
    NoIterator& operator++() { return *this; }
    template <class T>
    operator T&() const;  // NOLINT
    NoIterator& operator*() { return *this; }
};

/// How `size` elements are divided. Throws InvalidArgument that names `operation`.
[[nodiscard]] Partitioning partition_sequence(std::uint64_t size,
                                              std::optional<std::int64_t> npartitions,
                                              std::optional<std::int64_t> partition_size,
                                              const char* operation);

/// A count of partitions as nodes have it. Throws InvalidArgument if it is not in 1 … 2^31 - 1.
[[nodiscard]] std::uint32_t checked_partitions(std::int64_t npartitions, const char* operation);

/// How many partitions take(k, {.npartitions}) may read. Throws InvalidArgument.
[[nodiscard]] std::uint32_t checked_take(std::int64_t k, std::int64_t npartitions,
                                         std::int64_t available);

/// Runs what the last task of `node` needs, and gives its value.
[[nodiscard]] Value compute_last(NodePtr node, const Executor& executor);

/// Adds the elements of a partition to what the partitions before it gave, up to a number.
template <class T>
Value take_from_partition(const Value& state, Binding& binding) {
    const auto wanted = state.get<std::uint64_t>();
    auto& arguments = binding.arguments();
    const auto before = binding.slot(0);
    Items<T> taken;
    if (before < arguments.size()) taken = arguments.template take<Items<T>>(before);
    const auto stream = typed<T>(std::move(binding.upstream(0)));
    if (taken.size() < wanted) stream->expect(wanted - taken.size());
    Batch<T> batch;
    while (taken.size() < wanted && stream->next(batch)) {
        batch.size = std::min<std::size_t>(batch.size, wanted - taken.size());
        append(taken, batch);
    }
    return Value::of(std::move(taken));
}

/// A number of elements. Throws InvalidArgument that names `operation` if it is negative.
[[nodiscard]] std::uint64_t checked_number(std::int64_t k, const char* operation);
/// Throws InvalidArgument unless 0 <= p <= 1.
void check_probability(double p);
/// The seed, or one that nobody has used.
[[nodiscard]] std::uint64_t seed_or_random(std::optional<std::uint64_t> seed);
/// Throws InvalidArgument unless exactly one of the two is given.
void check_repartition(bool by_npartitions, bool by_size);
[[nodiscard]] std::uint64_t checked_partition_bytes(std::int64_t partition_size);

/// Logs that take() found fewer elements than it was asked for, though it may have read all.
void warn_short_take(std::int64_t asked, std::size_t found, bool read_all);

template <class T, class Range>
Items<T> to_items(Range&& range) {
    using Given = std::remove_cvref_t<Range>;
    if constexpr (std::is_same_v<Given, Items<T>>) {
        return std::forward<Range>(range);
    } else {
        Items<T> items;
        if constexpr (std::ranges::sized_range<Range>) {
            items.reserve(static_cast<std::size_t>(std::ranges::size(range)));
        }
        constexpr bool given_away = !std::is_lvalue_reference_v<Range> && owns_parts<Given>;
        for (auto&& element : range) {
            if constexpr (given_away && std::is_lvalue_reference_v<decltype(element)>) {
                items.push_back(T(std::move(element)));
            } else {
                items.push_back(T(std::forward<decltype(element)>(element)));
            }
        }
        return items;
    }
}

/// Refuses, in words, to copy what can only be moved.
template <class T, class Range>
constexpr bool check_sequence() {
    constexpr bool given_away =
        !std::is_lvalue_reference_v<Range> && owns_parts<std::remove_cvref_t<Range>>;
    constexpr bool fits =
        given_away || std::is_constructible_v<T, std::ranges::range_reference_t<Range>>;
    static_assert(fits,
                  "satchel: from_sequence() copies these elements, and their type cannot be "
                  "copied: give the range away, as in from_sequence(std::move(elements)).");
    return fits;
}

template <class BagOfT, class T>
BagOfT sequence_bag(Items<T> items, std::optional<std::int64_t> npartitions,
                    std::optional<std::int64_t> partition_size) {
    const auto partitioning =
        partition_sequence(items.size(), npartitions, partition_size, "from_sequence");
    auto shared = std::make_shared<Items<T>>(std::move(items));
    return BagOfT(Node::make(
        {.role = Node::Role::source,
         .cheap = true,
         .count = partitioning.parts,
         .name = "from_sequence",
         .token = Token::unique(),
         .stream = stream_part<&Sequence<T>::open>(Sequence<T>{std::move(shared), partitioning}),
         .elements = &element_operations<T>}));
}

/// Text in quotes.
template <class Range>
inline constexpr bool is_quoted_text = false;
template <class C, std::size_t N>
inline constexpr bool is_quoted_text<const C (&)[N]> =
    std::is_same_v<C, char> || std::is_same_v<C, wchar_t> || std::is_same_v<C, char8_t> ||
    std::is_same_v<C, char16_t> || std::is_same_v<C, char32_t>;

/// from_sequence().
template <template <class> class BagOf, class Range>
auto sequence_of(Range&& range, const SequenceOptions& options) {
    // Views of texts become strings, too: the bag may outlive what they show.
    using Given = std::ranges::range_value_t<Range>;
    using T = std::conditional_t<std::is_same_v<Given, std::string_view>, std::string,
                                 element_type<Given>>;
    if constexpr (is_quoted_text<Range>) {
        const auto size = std::ranges::size(range);
        const bool is_ended = range[size - 1] == T{};
        return sequence_of<BagOf>(std::basic_string_view<T>(range, is_ended ? size - 1 : size),
                                  options);
    } else if constexpr (check_sequence<T, Range>()) {
        return sequence_bag<BagOf<T>, T>(to_items<T>(std::forward<Range>(range)),
                                         options.npartitions, options.partition_size);
    } else {
        return Refused();
    }
}

/// A bag of partitions that are there already.
template <class T>
NodePtr stored_node(std::shared_ptr<const std::vector<Value>> partitions, const std::string& name,
                    Token token) {
    const auto count = static_cast<std::uint32_t>(partitions->size());
    return Node::make({.role = Node::Role::source,
                       .cheap = true,
                       .count = count,
                       .name = name,
                       .token = token,
                       .stream = stream_part<&StoredPartitions<T>::open>(
                           StoredPartitions<T>{std::move(partitions)}),
                       .elements = &element_operations<T>});
}

template <class Stage, class In, class F>
std::unique_ptr<StreamBase> make_stage(const Value& state, Binding& binding) {
    return std::make_unique<Stage>(typed<In>(std::move(binding.upstream(0))), state.get<F>());
}
/// A StreamPart that makes a `Stage` from (upstream of In, function).
template <class Stage, class In, class F>
StreamPart stage_part(F function) {
    return stream_part<&make_stage<Stage, In, F>>(std::move(function));
}

template <class Stage, class In>
std::unique_ptr<StreamBase> make_plain_stage(const Value&, Binding& binding) {
    return std::make_unique<Stage>(typed<In>(std::move(binding.upstream(0))));
}
/// A StreamPart that makes a `Stage` from an upstream of In alone.
template <class Stage, class In>
StreamPart plain_stage_part() {
    return {&StreamCodeOf<&make_plain_stage<Stage, In>, void>::code, {}};
}

/// How filter() makes its stage.
template <class T, class F>
inline constexpr StreamCode::Make make_filter = [] {
    if constexpr (std::is_same_v<T, std::string> && takes_view<F>) {
        return &make_text_filter<F>;
    } else {
        return &make_stage<FilterStream<T, F>, T, F>;
    }
}();

struct SampleState {
    double p;
    std::uint64_t seed;
};
/// The stage of random_sample.
template <class T>
std::unique_ptr<StreamBase> make_random_sample(const Value& state, Binding& binding) {
    const auto& [p, seed] = state.get<SampleState>();
    const RandomChoice choice{CounterRandom(seed, binding.index()), p};
    return std::make_unique<FilterStream<T, RandomChoice>>(typed<T>(std::move(binding.upstream(0))),
                                                           choice);
}

/// The node of an element-wise operation on `upstream` that makes what `elements` is of.
[[nodiscard]] NodePtr stage_node(NodePtr upstream, const char* name, Token token, StreamPart part,
                                 bool passes, bool needs_owned, const ElementOperations* elements);

}  // namespace satchel::detail
