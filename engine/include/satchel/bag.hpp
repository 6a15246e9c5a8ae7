/// Bag: a lazy, partitioned collection of values of one C++ type.
///
///     auto words = satchel::from_sequence(lines, {.npartitions = 8})
///                      .split()  // this and more for strings: see text_operations.hpp
///                      .flatten()
///                      .filter([](const std::string& word) { return word.size() > 3; });
///     std::vector<std::string> result = words.compute();
///     std::uint64_t n = words.count().compute();
///
/// Nothing runs until compute(), persist(), take() or for_each_partition(). Element-wise operations
/// are fused: a partition streams through all of them in batches, and nothing is stored between
/// them. Order is kept everywhere. A function is copied for each partition, so what it changes in
/// itself it changes for one partition; elements are passed as rvalues where nobody else can see
/// them, else as `const T&`. A function whose last parameter is a `std::stop_token` gets the run's.
/// What a user's function throws comes back from compute() as itself.
///
/// Thread safety: distinct handles may be used from any thread, also copies of one.
#pragma once

#include <satchel/bag_options.hpp>
#include <satchel/delayed.hpp>
#include <satchel/detail/bag_support.hpp>
#include <satchel/detail/element_functions.hpp>
#include <satchel/detail/fused_bag.hpp>
#include <satchel/detail/grouping.hpp>
#include <satchel/detail/reduce.hpp>
#include <satchel/detail/reducers.hpp>
#include <satchel/detail/reshape.hpp>
#include <satchel/detail/sampling.hpp>
#include <satchel/detail/sources.hpp>
#include <satchel/detail/stages.hpp>
#include <satchel/detail/statistics.hpp>
#include <satchel/detail/text_operations.hpp>
#include <satchel/detail/zip_stage.hpp>
#include <satchel/executor.hpp>
#include <satchel/fn.hpp>
#include <satchel/stream.hpp>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel {

/// A lazy, partitioned collection. A handle: cheap to copy; copies are the same bag.
template <class T>
class Bag : public detail::TextOperations<Bag<T>, T> {
  public:
    using value_type = T;

    // ---- element by element: fused, the number of partitions stays ------------------------------

    /// f(x) for each element x.
    template <class F>
    [[nodiscard]] auto map(F f, detail::Place place = detail::Place::current()) const& {
        const auto token = detail::function_token(f);
        return detail::made_at(place, Bag(*this).map_moved(std::move(f), "map", token));
    }
    template <class F>
    [[nodiscard]] auto map(F f, detail::Place place = detail::Place::current()) && {
        const auto token = detail::function_token(f);
        return detail::made_at(place, std::move(*this).map_moved(std::move(f), "map", token));
    }

    /// f(x, extra…) for each element x. An extra argument is a Bag with the same partitions (its
    /// elements go along with those of this one), a Delayed, or a value (the same for all
    /// elements). Throws InvalidArgument for unequal numbers of partitions; when computed,
    /// LengthError for partitions of unequal length.
    template <class F, class E, class... Extra>
    [[nodiscard]] auto map(F f, E extra, Extra... extras) const;

    /// f(a, b, …) for each element, which must be a tuple, a pair or an array.
    template <class F>
    [[nodiscard]] auto starmap(F f) const;

    /// The elements for which `predicate` holds.
    template <class F>
    [[nodiscard]] Bag filter(F predicate) const& {
        const auto token = detail::function_token(predicate);
        return Bag(*this).filter_moved(std::move(predicate), "filter", token);
    }
    template <class F>
    [[nodiscard]] Bag filter(F predicate) && {
        const auto token = detail::function_token(predicate);
        return std::move(*this).filter_moved(std::move(predicate), "filter", token);
    }

    /// The elements for which `predicate` does not hold.
    template <class F>
    [[nodiscard]] Bag remove(F predicate) const;

    /// Part `I` of each element, which must be a tuple, a pair or an array.
    template <std::size_t I>
    [[nodiscard]] auto pluck() const;

    /// A member of each element, pluck(&Person::name), or what an element that is a map, a vector,
    /// … has at a key or index. Throws KeyError when computed if an element has no such key.
    template <class Key>
    [[nodiscard]] auto pluck(Key key) const;

    /// The same, with `otherwise` for the elements that do not have the key.
    template <class Key, class Default>
    [[nodiscard]] auto pluck(Key key, Default otherwise) const;

    /// For elements that are tuples, pairs or arrays: a bag of each part, as a tuple of bags.
    [[nodiscard]] auto unzip() const;

    /// Each element with probability `p`. The same `seed` chooses the same elements on every
    /// executor; without one, every call of this method chooses anew. Throws InvalidArgument unless
    /// 0 <= p <= 1.
    [[nodiscard]] Bag random_sample(double p, std::optional<std::uint64_t> seed = {}) const;

    /// The running fold: x0, binop(x0, x1), binop(binop(x0, x1), x2), …, across partitions.
    template <class F>
    [[nodiscard]] Bag accumulate(F binop) const;

    /// initial, binop(initial, x0), …: one element more, which is the first of all.
    template <class F, class Acc>
    [[nodiscard]] auto accumulate(F binop, Acc initial) const;

    /// The elements of the elements, which must be ranges: one level.
    [[nodiscard]] auto flatten() const& { return Bag(*this).flatten_moved(); }
    [[nodiscard]] auto flatten() && { return std::move(*this).flatten_moved(); }

    /// f(partition) for each partition, given as `std::vector<T>` or `std::span<const T>`. A range
    /// that it returns (other than a string, Bytes, a path or JSON) is the new partition; anything
    /// else its one element.
    template <class F>
    [[nodiscard]] auto map_partitions(F f) const& {
        return Bag(*this).map_partitions_moved(std::move(f));
    }
    template <class F>
    [[nodiscard]] auto map_partitions(F f) && {
        return std::move(*this).map_partitions_moved(std::move(f));
    }

    /// f(partition, extra…): the extra arguments are values, Delayed, or bags of as many
    /// partitions, each of which arrives as a `std::vector<U>`.
    template <class F, class E, class... Extra>
    [[nodiscard]] auto map_partitions(F f, E extra, Extra... extras) const;

    // ---- reductions: trees over the partitions, in order ----------------------------------------

    /// aggregate({per_partition(p0), per_partition(p1), …}): `per_partition` takes a partition as
    /// map_partitions does, `aggregate` a `std::vector` of what it gives. Empty partitions are left
    /// out, unless all are empty.
    template <class F, class A>
    [[nodiscard]] auto reduction(F per_partition, A aggregate, ReductionOptions options = {}) const;

    /// binop(…binop(binop(x0, x1), x2)…, xn) for an associative `binop`.
    /// Throws EmptyBag when computed on a bag without elements.
    template <class F>
    requires(!std::is_same_v<F, ReductionOptions>)
        [[nodiscard]] Delayed<T> fold(F binop, ReductionOptions options = {}) const {
        return fold(binop, binop, options);
    }

    /// Partitions are folded by binop(x, y) from their first element on, and joined by `combine`.
    template <class F, class C>
    requires(!std::is_same_v<C, ReductionOptions>)
        [[nodiscard]] Delayed<T> fold(F binop, C combine, ReductionOptions options = {}) const;

    /// binop(…binop(binop(initial, x0), x1)…, xn), where combine(a, b) joins two such results.
    /// `initial` counts once, not once a partition; a bag without elements gives `initial`. Where
    /// neither `initial` nor Acc{} is known to be neutral for `combine` (by `==`, tried at the
    /// call), partitions are folded one after another, and `combine` is not needed.
    template <class F, class C, class Acc>
    requires(!std::is_same_v<Acc, ReductionOptions>)
        [[nodiscard]] auto fold(F binop, C combine, Acc initial,
                                ReductionOptions options = {}) const;

    /// The sum: of integers as std::int64_t or std::uint64_t (Error if it does not fit), of
    /// floating types as double, else T{} + x0 + x1 + …
    [[nodiscard]] auto sum(ReductionOptions options = {}) const {
        return reduced("sum", options, detail::sum_reducer<T>());
    }

    /// How many elements there are.
    [[nodiscard]] Delayed<std::uint64_t> count(ReductionOptions options = {}) const {
        return reduced("count", options, detail::CountReducer{});
    }

    /// The product, typed as sum() is (Error if it does not fit). Throws EmptyBag.
    [[nodiscard]] auto prod(ReductionOptions options = {}) const {
        static_assert(std::is_arithmetic_v<T>, "satchel: prod() needs a bag of numbers.");
        return reduced("prod", options, detail::product_reducer<T>());
    }

    /// The smallest and the largest element by `<`; of equal ones the first. Throw EmptyBag.
    [[nodiscard]] Delayed<T> min(ReductionOptions options = {}) const {
        return reduced("min", options, detail::ExtremeReducer<T, detail::Less>{});
    }
    [[nodiscard]] Delayed<T> max(ReductionOptions options = {}) const {
        return reduced("max", options, detail::ExtremeReducer<T, detail::Greater>{});
    }

    /// Whether any element is true (false if there is none), and whether all are (true if there is
    /// none). A partition is read little further than to the element that decides.
    [[nodiscard]] Delayed<bool> any(ReductionOptions options = {}) const {
        return reduced("any", options, detail::TruthReducer<true>{});
    }
    [[nodiscard]] Delayed<bool> all(ReductionOptions options = {}) const {
        return reduced("all", options, detail::TruthReducer<false>{});
    }

    /// The mean. Throws EmptyBag.
    [[nodiscard]] Delayed<double> mean(ReductionOptions options = {}) const {
        static_assert(std::is_arithmetic_v<T>, "satchel: mean() needs a bag of numbers.");
        return reduced("mean", options, detail::MeanReducer<T>{});
    }

    /// The variance and the standard deviation, with the sum of squared deviations divided by n -
    /// ddof. Throw EmptyBag, and InvalidArgument if ddof >= n.
    [[nodiscard]] Delayed<double> var(std::int64_t ddof = 0, ReductionOptions options = {}) const;
    [[nodiscard]] Delayed<double> var(ReductionOptions options) const { return var(0, options); }
    [[nodiscard]] Delayed<double> std(std::int64_t ddof = 0, ReductionOptions options = {}) const;
    [[nodiscard]] Delayed<double> std(ReductionOptions options) const { return std(0, options); }

    // ---- reductions to a bag of one partition ---------------------------------------------------

    /// Each different element and how often it occurs. Elements need `==` and stable_hash or
    /// std::hash.
    [[nodiscard]] Bag<std::pair<T, std::size_t>> frequencies(FrequenciesOptions options = {}) const;

    /// The `k` largest elements by `<`, or by `<` of key(x), descending; of equal ones the first.
    [[nodiscard]] Bag topk(std::int64_t k, ReductionOptions options = {}) const {
        return topk(k, detail::Itself{}, options);
    }
    template <class F>
    requires(!std::is_same_v<F, ReductionOptions>) [[nodiscard]] Bag
        topk(std::int64_t k, F key, ReductionOptions options = {}) const;

    /// The first element of each kind of equal ones, or of those with equal key(x).
    [[nodiscard]] Bag distinct(ReductionOptions options = {}) const {
        return distinct(detail::Itself{}, options);
    }
    template <class F>
    requires(!std::is_same_v<F, ReductionOptions>) [[nodiscard]] Bag
        distinct(F key, ReductionOptions options = {}) const;

    /// For each key(x), the fold of its elements: (key, binop(…binop(initial, x0)…, xn)), where
    /// `combine` joins two results. `initial` counts once for a key, whatever the number of
    /// partitions.
    template <class K, class F, class Acc, class C>
    requires(!std::is_same_v<C, ReductionOptions>)
        [[nodiscard]] auto foldby(K key, F binop, Acc initial, C combine,
                                  ReductionOptions options = {}) const;
    /// The same where `binop` itself joins results, which are of the elements' type.
    template <class K, class F, class Acc>
    requires(!std::is_same_v<Acc, ReductionOptions>)
        [[nodiscard]] auto foldby(K key, F binop, Acc initial, ReductionOptions options = {}) const;

    /// `k` different positions, all equally likely, in the order of the bag; the same for the same
    /// seed, on every executor. Throws InvalidArgument when computed if there are fewer than k.
    [[nodiscard]] Bag sample(std::int64_t k, std::optional<std::uint64_t> seed = {},
                             ReductionOptions options = {}) const;
    template <std::same_as<ReductionOptions> Options = ReductionOptions>
    [[nodiscard]] Bag sample(std::int64_t k, Options options) const {
        return sample(k, std::nullopt, options);
    }

    /// `k` independent draws. Throws EmptyBag when computed on an empty bag, unless k is 0.
    [[nodiscard]] Bag choices(std::int64_t k, std::optional<std::uint64_t> seed = {},
                              ReductionOptions options = {}) const;
    template <std::same_as<ReductionOptions> Options = ReductionOptions>
    [[nodiscard]] Bag choices(std::int64_t k, Options options) const {
        return choices(k, std::nullopt, options);
    }

    // ---- by key ---------------------------------------------------------------------------------

    /// (key, its elements, in order) for each key(x), which needs stable_hash and `==`. What does
    /// not fit into memory meanwhile waits in temporary files.
    template <class F>
    [[nodiscard]] auto groupby(F key, GroupbyOptions options = {}) const;
    /// (u, x) for each element x and each u of `other`, a bag, a Delayed<std::vector<U>> or a
    /// range, with on_other(u) == on_self(x); or with on(u) == on(x).
    template <class Other, class F, class G>
    requires(!std::is_same_v<G, JoinOptions>)
        [[nodiscard]] auto join(const Other& other, F on_self, G on_other,
                                JoinOptions options = {}) const;
    template <class Other, class F>
    [[nodiscard]] auto join(const Other& other, F on, JoinOptions options = {}) const;
    /// (x, u) for all x of this bag and u of `other`; a partition for each two of theirs.
    template <class U>
    [[nodiscard]] Bag<std::pair<T, U>> product(const Bag<U>& other) const;

    // ---- reshaping ------------------------------------------------------------------------------

    /// Other partitions, the same elements in the same order. By `npartitions`: all input must be
    /// there before the first output is. By `partition_size`: the elements are computed now, to be
    /// measured.
    [[nodiscard]] Bag repartition(RepartitionOptions options) const;

    // ---- getting results ------------------------------------------------------------------------

    /// All elements, in order. On an rvalue, elements that nobody else can see are moved out.
    std::vector<T> compute() const& { return compute(*default_executor()); }
    std::vector<T> compute(const Executor& executor, const RunOptions& options = {}) const& {
        return extract(detail::compute_nodes({node_}, executor, options));
    }
    std::vector<T> compute(const RunOptions& options) const& {
        return compute(*default_executor(), options);
    }
    std::vector<T> compute() && { return std::move(*this).compute(*default_executor()); }
    std::vector<T> compute(const Executor& executor, const RunOptions& options = {}) && {
        std::vector<detail::NodePtr> roots;
        roots.push_back(std::move(node_));
        return extract(detail::compute_nodes(roots, executor, options, true));
    }

    /// Computes all partitions now and keeps them: a bag that starts from the results.
    [[nodiscard]] Bag persist() const { return persist(*default_executor()); }
    [[nodiscard]] Bag persist(const Executor& executor, const RunOptions& options = {}) const;

    /// The first `k` elements of the first partition(s); reads no further than it must. If there
    /// are fewer, gives those and logs a warning.
    [[nodiscard]] std::vector<T> take(std::int64_t k, TakeOptions options = {}) const {
        return take(k, options, *default_executor());
    }
    [[nodiscard]] std::vector<T> take(std::int64_t k, TakeOptions options,
                                      const Executor& executor) const;

    /// Calls `write(std::vector<T>)` with each partition, in order, in the calling thread, while
    /// others are made. Only `window` partitions exist at a time.
    template <class Write>
    void for_each_partition(Write write, PartitionsOptions options = {}) const;

    /// One Delayed for each partition.
    [[nodiscard]] std::vector<Delayed<std::vector<T>>> to_delayed() const;

    /// Draws the graph: `path`, a text or a std::filesystem::path, ends in .dot, or in .svg or .png
    /// if Graphviz is installed. Returns the path, a text as std::string.
    template <class Path>
    auto visualize(const Path& path) const {
        return detail::visualize({node_}, path);
    }

    // ---- what it is -----------------------------------------------------------------------------

    [[nodiscard]] std::int64_t npartitions() const { return node_->description.count; }
    /// "map-" and 32 hexadecimal digits. Equal names mean equal contents.
    [[nodiscard]] std::string name() const { return node_->key(); }

    /// A bag is lazy, so it cannot be iterated over.
    template <class U = T>
    detail::NoIterator begin() const {
        static_assert(
            !std::is_same_v<U, T>,
            "satchel: a Bag is lazy and cannot be iterated over. Write bag.compute() for all "
            "elements, or bag.take(k) for the first few.");
        return {};
    }
    detail::NoIterator end() const { return {}; }

    /// For the library: the node behind the handle.
    [[nodiscard]] const detail::NodePtr& node() const noexcept { return node_; }
    explicit Bag(detail::NodePtr node) : node_(std::move(node)) {}

    /// For the library: this bag, with its partitions.
    [[nodiscard]] Bag stored(std::vector<Value> partitions) const;

    /// For the library: the elements of what compute_nodes() gave.
    static std::vector<T> extract(std::vector<Value> partitions);

  private:
    template <class U>
    friend class Bag;

    template <class F>
    auto map_moved(F f, const char* name, Token token) &&;
    template <class F>
    Bag filter_moved(F predicate, const char* name, Token token) &&;
    auto flatten_moved() &&;
    template <class F>
    auto map_partitions_moved(F f) &&;

    /// A reduction whose result is a bag of one partition, of elements of type `U`.
    template <class U, class Reducer>
    Bag<U> reduced_bag(const char* name, std::int64_t split_every, Token token,
                       Reducer reducer) const {
        token = Token::of(name).then(token).then(node_->description.token);
        return Bag<U>(detail::reduce<T>(node_, name, split_every, token, std::move(reducer),
                                        &detail::element_operations<U>));
    }

    /// A reduction to a single value; `token` names what the reducer was made from.
    template <class Reducer>
    auto reduced(const char* name, ReductionOptions options, Reducer reducer,
                 Token token = {}) const {
        using Partial = typename Reducer::Partial;
        using Result = decltype(reducer.finish(std::declval<Partial>()));
        token = Token::of(name).then(token).then(node_->description.token);
        return Delayed<Result>(
            detail::reduce<T>(node_, name, options.split_every, token, std::move(reducer)));
    }

    detail::NodePtr node_;
};

// ---- making bags --------------------------------------------------------------------------------

/// A bag of the elements of a range, or of the characters of a text in quotes: moved in if it is an
/// rvalue, else copied. Without options, up to 100 elements are a partition each, and more are
/// divided into parts of about a tenth of the root of their number. An empty range is one empty
/// partition. Throws InvalidArgument for counts below one.
template <std::ranges::input_range Range>
[[nodiscard]] auto from_sequence(Range&& range, SequenceOptions options = {}) {
    return detail::sequence_of<Bag>(std::forward<Range>(range), options);
}
template <class T>
[[nodiscard]] auto from_sequence(std::initializer_list<T> elements, SequenceOptions options = {}) {
    return from_sequence(std::span(elements.begin(), elements.size()), options);
}

/// A bag whose partitions are the given ones.
template <class T>
[[nodiscard]] Bag<T> from_delayed(const std::vector<Delayed<std::vector<T>>>& partitions);

/// The partitions of all bags, one after another.
template <class T>
[[nodiscard]] Bag<T> concat(const std::vector<Bag<T>>& bags);
template <class B>
requires std::derived_from<B, Bag<typename B::value_type>>
[[nodiscard]] Bag<typename B::value_type> concat(const std::vector<B>& bags);
template <class T, class... Rest>
[[nodiscard]] Bag<T> concat(const Bag<T>& first, const Rest&... rest);

/// Tuples of the elements that stand at the same place. Throws InvalidArgument if the bags have
/// unequal numbers of partitions; when computed, LengthError if partitions have unequal lengths.
template <class T, class... Rest>
[[nodiscard]] Bag<std::tuple<T, Rest...>> zip(const Bag<T>& first, const Bag<Rest>&... rest);

/// The numbers 0 … n - 1 in `npartitions` partitions whose sizes differ by at most one. Nothing is
/// stored. Throws InvalidArgument if n < 0 or npartitions < 1.
[[nodiscard]] Bag<std::int64_t> range(std::int64_t n, std::int64_t npartitions);

}  // namespace satchel

#include <satchel/detail/bag_format.hpp>
#include <satchel/detail/bag_methods.hpp>
#include <satchel/detail/bag_reductions.hpp>
#include <satchel/detail/bag_shuffle.hpp>
