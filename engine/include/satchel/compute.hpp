/// compute: several lazy values at once, in one graph, so that work they share is done once.
///
///     auto [total, n] = satchel::compute(bag.sum(), bag.count());
///     auto [a, b] = satchel::compute(pool, x, y);              // on a given executor
///     std::vector<int> all = satchel::compute(list);           // std::vector<Delayed<int>>
///     auto [p, q] = satchel::persist(bag, x);                  // handles on results that are kept
///
/// It comes with bag.hpp and delayed.hpp.
#pragma once

#include <satchel/delayed.hpp>
#include <satchel/executor.hpp>

#include <cstddef>
#include <iterator>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel {

namespace detail {

template <class T>
struct LazyTraits<Delayed<T>> {
    static constexpr bool lazy = true;
    static void roots(const Delayed<T>& delayed, std::vector<NodePtr>& nodes) {
        nodes.push_back(delayed.node());
    }
    static std::size_t size(const Delayed<T>&) { return 1; }
    static Delayed<T> stored(const Delayed<T>& delayed, std::vector<Value> values) {
        return delayed.stored(std::move(values));
    }
    static auto extract(const Delayed<T>&, std::vector<Value> values) {
        if constexpr (std::is_void_v<T>) {
            return Unit{};
        } else {
            return Delayed<T>::extract(std::move(values));
        }
    }
};

template <class L>
requires(LazyTraits<L>::lazy) struct LazyTraits<std::vector<L>> {
    static constexpr bool lazy = true;
    static void roots(const std::vector<L>& list, std::vector<NodePtr>& nodes) {
        for (const auto& one : list) LazyTraits<L>::roots(one, nodes);
    }
    static std::size_t size(const std::vector<L>& list) {
        std::size_t size = 0;
        for (const auto& one : list) size += LazyTraits<L>::size(one);
        return size;
    }
    static auto extract(const std::vector<L>& list, std::vector<Value> values) {
        return each(list, std::move(values), LazyTraits<L>::extract);
    }
    static auto stored(const std::vector<L>& list, std::vector<Value> values) {
        return each(list, std::move(values), LazyTraits<L>::stored);
    }

  private:
    // give(one, its values) for each of the list.
    template <class Give>
    static auto each(const std::vector<L>& list, std::vector<Value> values, Give give) {
        std::vector<decltype(give(list.front(), std::move(values)))> all;
        all.reserve(list.size());
        auto next = std::make_move_iterator(values.begin());
        for (const auto& one : list) {
            const auto end = next + static_cast<std::ptrdiff_t>(LazyTraits<L>::size(one));
            all.push_back(give(one, {next, end}));
            next = end;
        }
        return all;
    }
};

}  // namespace detail

/// A Bag, a Delayed, or a std::vector of these.
template <class L>
concept Lazy = detail::LazyTraits<std::remove_cvref_t<L>>::lazy;

namespace detail {

/// The nodes of all arguments.
template <class... L>
std::vector<NodePtr> roots_of(const L&... lazy) {
    std::vector<NodePtr> roots;
    (LazyTraits<L>::roots(lazy, roots), ...);
    return roots;
}

/// Calls `give(one, its values)` for each argument. Gives a tuple of what that returns, or, for one
/// argument, just that.
template <class Give, class... L>
auto give_each(std::vector<Value> values, const Give& give, const L&... lazy) {
    auto next = std::make_move_iterator(values.begin());
    const auto give_own = [&]<class One>(const One& one) {
        const auto size = static_cast<std::ptrdiff_t>(LazyTraits<One>::size(one));
        std::vector<Value> own(next, next + size);
        next += size;
        return give(one, std::move(own));
    };
    if constexpr (sizeof...(L) == 1) {
        return (give_own(lazy), ...);
    } else {
        // Braces, because they fix the order of evaluation.
        return std::tuple{give_own(lazy)...};
    }
}

}  // namespace detail

namespace detail {

/// Makes of the partitions of a bag what its compute() gives.
template <class L>
struct CollectResult {
    Value operator()(Arguments& partitions) const {
        std::vector<Value> values;
        values.reserve(partitions.size());
        for (std::uint32_t k = 0; k < partitions.size(); ++k) values.push_back(partitions.share(k));
        return Value::of(L::extract(std::move(values)));
    }
};

}  // namespace detail

/// For Client::compute(): a graph whose task `output` gives what compute() would.
template <class L>
requires(detail::LazyTraits<L>::lazy) Graph graph_of_result(const L& lazy, TaskIndex& output) {
    auto lowered = detail::lower({lazy.node()});
    output = lowered.first.front();
    if constexpr (requires { lazy.npartitions(); }) {
        const auto count = lazy.node()->description.count;
        std::vector<TaskIndex> partitions;
        partitions.reserve(count);
        for (std::uint32_t k = 0; k < count; ++k) partitions.push_back(output + k);
        output = lowered.graph.add(Function(detail::CollectResult<L>{}), partitions, "collect");
    }
    return std::move(lowered.graph);
}

/// For Client::persist(): the graph, and the handle that its results make.
template <Lazy L>
Graph graph_to_keep(const L& lazy, std::vector<TaskIndex>& outputs) {
    auto nodes = detail::runnable(detail::roots_of(lazy));
    outputs = std::move(nodes.outputs);
    return std::move(nodes.graph);
}
template <Lazy L>
auto handle_on(std::vector<Value> values, const L& lazy) {
    return detail::LazyTraits<L>::stored(lazy, std::move(values));
}

/// Computes everything in one graph on `executor`. Gives a tuple of a `std::vector<T>` for each
/// Bag<T>, a `T` for each Delayed<T>, Unit for Delayed<void>, and for a std::vector of these a
/// std::vector of what they give; for one argument, that alone.
template <Lazy... L>
requires(sizeof...(L) > 0) auto compute(const Executor& executor, const L&... lazy) {
    const auto extract = []<class One>(const One& one, std::vector<Value> values) {
        return detail::LazyTraits<One>::extract(one, std::move(values));
    };
    auto values = detail::compute_nodes(detail::roots_of(lazy...), executor, {});
    return detail::give_each(std::move(values), extract, lazy...);
}

/// The same on the default executor.
template <Lazy... L>
requires(sizeof...(L) > 0) auto compute(const L&... lazy) {
    return compute(*default_executor(), lazy...);
}

namespace detail {

/// Whatever else there is: last choice for every argument, so that nobody's own function of this
/// name, found among satchel's, comes after it.
struct AnythingElse {
    AnythingElse() = default;
    template <class T>
    AnythingElse(const T&) {}  // NOLINT(google-explicit-constructor)
};

}  // namespace detail

/// Refuses, in words, what is not lazy.
template <class Refused = detail::Refused>
auto compute(detail::AnythingElse, detail::AnythingElse = {}, detail::AnythingElse = {},
             detail::AnythingElse = {}, detail::AnythingElse = {}) {
    static_assert(
        !std::is_same_v<Refused, detail::Refused>,
        "satchel: compute() takes Bag, Delayed, or a std::vector of these, and before them, if "
        "need be, an executor. Plain values need no compute().");
    return Refused();
}

/// Computes everything in one graph and keeps the results: gives handles like those it was given (a
/// tuple, or for one argument that alone), which start from them.
template <Lazy... L>
requires(sizeof...(L) > 0) auto persist(const Executor& executor, const L&... lazy) {
    const auto store = []<class One>(const One& one, std::vector<Value> values) {
        return detail::LazyTraits<One>::stored(one, std::move(values));
    };
    auto values = detail::keep_nodes(detail::roots_of(lazy...), executor, {});
    return detail::give_each(std::move(values), store, lazy...);
}

/// The same on the default executor.
template <Lazy... L>
requires(sizeof...(L) > 0) auto persist(const L&... lazy) {
    return persist(*default_executor(), lazy...);
}

/// Refuses, in words, what is not lazy.
template <class Refused = detail::Refused>
auto persist(detail::AnythingElse, detail::AnythingElse = {}, detail::AnythingElse = {},
             detail::AnythingElse = {}, detail::AnythingElse = {}) {
    static_assert(
        !std::is_same_v<Refused, detail::Refused>,
        "satchel: persist() takes Bag, Delayed, or a std::vector of these, and before them, if "
        "need be, an executor. Plain values need no persist().");
    return Refused();
}

}  // namespace satchel
