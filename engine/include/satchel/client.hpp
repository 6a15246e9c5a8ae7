/// Client: a program's end of a cluster.
///
///     satchel::LocalCluster cluster({.n_workers = 4, .threads_per_worker = 2});
///     satchel::Client client(cluster);
///     fmt::print("{}\n", client);          // <Client: 'tcp://127.0.0.1:41233' processes=4 …>
///     bag.sum().compute();                 // runs on the cluster, as the newest client is default
///     auto a = client.submit(inc, 1);      // a Future<int>
///     auto many = client.map(inc, numbers);
///     std::vector<int> results = client.gather(many);
///
/// A program may have several clients, of one or several clusters. What is submitted must be able
/// to reach another process: functions, captureless lambdas and simple function objects do.
///
/// Thread safety: everything may be called from any thread, also while another one closes.
#pragma once

#include <satchel/detail/remote_call.hpp>
#include <satchel/executor.hpp>
#include <satchel/future.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace satchel {

class LocalCluster;

namespace client {
class RemoteExecutor;
}

/// How a call is submitted.
struct SubmitOptions {
    /// The key of the call, instead of one made up: clients that submit one key share its result.
    std::string key = {};
    /// How often the function is called again after an exception.
    std::int64_t retries = 0;
    /// Equal calls give equal results, so that one of them is enough.
    bool pure = false;
};

struct ScatterOptions {
    /// Every worker gets a copy soon: who_has() tells which have it already. Otherwise one has it,
    /// and others copy it from each other when a task there needs it.
    bool broadcast = false;
};

/// A worker as the scheduler sees it.
struct WorkerDescription {
    std::string name;
    std::string address;
    std::int64_t threads = 0;
    std::int64_t memory_limit = 0;  ///< bytes; 0: none
    std::int64_t processing = 0;    ///< tasks that it was told to compute
    std::int64_t held = 0;          ///< results that it has …
    std::int64_t held_bytes = 0;    ///< … and their size
};

struct SchedulerInfo {
    std::string address;
    std::vector<WorkerDescription> workers;
};

class Client final : public Executor {
  public:
    explicit Client(const LocalCluster& cluster);
    /// The cluster that wrote this connection file. Throws FileError, ConnectionError.
    explicit Client(const std::string& connection_file);
    /// The same, at another address than the file has.
    Client(const std::string& address, const std::string& connection_file);
    ~Client() override;

    // ---- graphs: what bags, delayed calls and streams use ----

    [[nodiscard]] std::unique_ptr<Submission> submit(Graph graph, std::vector<TaskIndex> outputs,
                                                     const RunOptions& options = {}) const override;
    [[nodiscard]] std::vector<Value> keep(Graph graph, std::vector<TaskIndex> outputs,
                                          const RunOptions& options = {}) const override;
    /// The threads of all workers.
    [[nodiscard]] std::int64_t concurrency() const override;

    // ---- calls ----

    /// Calls `f` on a worker. Arguments are values, futures and std::vectors of futures; the
    /// function gets the values.
    template <class F, class... A>
    requires(!std::is_same_v<std::decay_t<F>, SubmitOptions> &&
             !std::is_same_v<std::decay_t<F>, Graph>) auto submit(F&& f, A&&... arguments) const {
        return submit(SubmitOptions{}, std::forward<F>(f), std::forward<A>(arguments)...);
    }
    template <class F, class... A>
    auto submit(const SubmitOptions& options, F&& f, A&&... arguments) const;

    /// Calls `f` with the first elements of all ranges, with the second ones, and so on: a
    /// std::vector of futures. Elements are values or futures. Throws LengthError if the ranges
    /// are not equally long.
    template <class F, std::ranges::input_range... R>
    requires(!std::is_same_v<std::decay_t<F>, SubmitOptions> &&
             sizeof...(R) > 0) auto map(F&& f, R&&... ranges) const {
        return map(SubmitOptions{}, std::forward<F>(f), std::forward<R>(ranges)...);
    }
    template <class F, std::ranges::input_range... R>
    requires(sizeof...(R) > 0) auto map(const SubmitOptions& options, F&& f, R&&... ranges) const;

    /// The values, fetched directly from the workers that have them; Unit for calls that return
    /// nothing. Throws the first error.
    template <class T>
    [[nodiscard]] std::vector<detail::stored_type<T>> gather(
        const std::vector<Future<T>>& futures) const;
    template <class T>
    [[nodiscard]] std::vector<detail::stored_type<T>> gather(
        std::initializer_list<Future<T>> futures) const {
        return gather(std::vector(futures));
    }
    template <class T>
    [[nodiscard]] T gather(const Future<T>& future) const {
        return future.result();
    }

    /// Puts a value into the cluster, to be an argument of many calls: sent to a worker directly,
    /// each value to another one in turn. Returns when the first worker has it, and waits for one
    /// if there is none. It cannot be computed again: when all workers that have it have died, what
    /// depends on it fails with DataLost.
    template <class T>
    [[nodiscard]] auto scatter(T&& data, const ScatterOptions& options = {}) const;

    /// Begins to compute a Bag or a Delayed: a future of what its compute() gives.
    template <class L>
    [[nodiscard]] auto compute(const L& lazy) const {
        if constexpr (detail::check_lazy<L>()) {
            using T = decltype(lazy.compute());
            TaskIndex output = 0;
            auto graph = graph_of_result(lazy, output);  // found beside the type of `lazy`
            return Future<T>(submit_output(std::move(graph), output));
        } else {
            return detail::Refused();
        }
    }

    /// Begins to compute a Bag or a Delayed, and gives one that starts from the result, which stays
    /// in the cluster until the last handle on it is gone.
    template <class L>
    [[nodiscard]] auto persist(const L& lazy) const {
        if constexpr (detail::check_lazy<L>()) {
            std::vector<TaskIndex> outputs;
            auto graph = graph_to_keep(lazy, outputs);  // as above
            return handle_on(begin_to_keep(std::move(graph), std::move(outputs)), lazy);
        } else {
            return detail::Refused();
        }
    }

    template <class T>
    void cancel(const std::vector<Future<T>>& futures) const {
        cancel_states(states_of(futures));
    }
    template <class T>
    void cancel(std::initializer_list<Future<T>> futures) const {
        cancel(std::vector(futures));
    }
    template <class T>
    void cancel(const Future<T>& future) const {
        cancel_states({future.state()});
    }
    template <class T>
    void retry(const std::vector<Future<T>>& futures) const {
        retry_states(states_of(futures));
    }
    template <class T>
    void retry(std::initializer_list<Future<T>> futures) const {
        retry(std::vector(futures));
    }
    template <class T>
    void retry(const Future<T>& future) const {
        retry_states({future.state()});
    }

    // ---- the cluster ----

    /// The addresses of the workers that have the value.
    [[nodiscard]] std::vector<std::string> who_has(const detail::FutureBase& future) const;
    /// The size of the value as it travels; 0 if it is not there.
    [[nodiscard]] std::int64_t nbytes(const detail::FutureBase& future) const;
    [[nodiscard]] SchedulerInfo scheduler_info() const;

    /// Waits until there are that many. Throws TimeoutError, and InvalidArgument if `n` is
    /// negative.
    void wait_for_workers(std::int64_t n,
                          std::optional<std::chrono::nanoseconds> timeout = {}) const;
    /// Ends all workers; a nanny starts a new one for each, and those without one come back empty.
    /// All futures are cancelled. Waits until as many workers are there as before; throws
    /// TimeoutError if that takes a minute.
    void restart() const;
    /// Ends workers, named by name or address, when others have what only they had; waits for that.
    void retire_workers(const std::vector<std::string>& workers) const;
    /// Ends the scheduler and all workers, and closes; does nothing if this is closed already.
    void shutdown();
    /// What is under way throws ClientClosed. The destructor does the same.
    void close();

    /// "<Client: 'tcp://127.0.0.1:41233' processes=4 threads=8, memory=16.00 GB>".
    [[nodiscard]] std::string text() const;

  private:
    using State = detail::FutureBase::State;

    explicit Client(std::shared_ptr<client::RemoteExecutor> executor);

    template <class T>
    static std::vector<State> states_of(const std::vector<Future<T>>& futures) {
        std::vector<State> states;
        states.reserve(futures.size());
        for (const auto& future : futures) states.push_back(future.state());
        return states;
    }
    // The calls of a map(), an argument from each column.
    template <class F, class... T>
    auto map_columns(const SubmitOptions& options, F&& f, const std::vector<T>&... columns) const;

    // A state for each call.
    std::vector<State> submit_calls(std::vector<detail::EncodedCalls> calls,
                                    const SubmitOptions& options) const;
    [[nodiscard]] State submit_output(Graph graph, TaskIndex output) const;
    [[nodiscard]] std::vector<Value> begin_to_keep(Graph graph,
                                                   std::vector<TaskIndex> outputs) const;
    [[nodiscard]] State scatter_value(const Value& value, const ScatterOptions& options) const;
    // The same for what is an argument of the library's own: it does not wait.
    [[nodiscard]] State share_value(const Value& value, const Bytes& packed,
                                    const SubmitOptions& options) const;
    void cancel_states(const std::vector<State>& states) const;
    void retry_states(const std::vector<State>& states) const;

    std::shared_ptr<client::RemoteExecutor> executor_;
};

namespace detail {

/// Calls of one map(): as many at once as have little data, since a worker gets that of all.
inline constexpr std::size_t map_tasks_max = 1024;

[[noreturn]] void refuse_map_lengths(std::size_t one, std::size_t other);

/// Elements first … first + count - 1 of a range of map(): futures become inputs, values a column.
template <class T>
OneInput<stored_type<T>> part_of(const std::vector<Future<T>>&, std::size_t, std::size_t) {
    return {};
}
template <class T>
ColumnInput<T> part_of(const std::vector<T>& items, std::size_t first, std::size_t count) {
    const auto begin = items.begin() + static_cast<std::ptrdiff_t>(first);
    return {{begin, begin + static_cast<std::ptrdiff_t>(count)}};
}

template <class T>
inline constexpr bool is_future = std::is_base_of_v<FutureBase, T>;

/// Refuses, in words, elements of a range of map() that cannot be sent.
template <class T>
constexpr void require_column_travels() {
    if constexpr (!is_future<T>) require_travels<T>();
}

template <class R>
auto items_of(R&& range) {
    using Given = std::ranges::range_value_t<R>;
    using T = kept_argument<Given>;
    if constexpr (std::is_same_v<std::remove_cvref_t<R>, std::vector<T>>) {
        return std::vector<T>(std::forward<R>(range));
    } else {
        std::vector<T> items;
        if constexpr (std::ranges::sized_range<R>) items.reserve(std::ranges::size(range));
        for (auto&& one : range) items.emplace_back(std::forward<decltype(one)>(one));
        return items;
    }
}

/// Encodes calls first … first + count - 1; halves what has too much data.
template <class F, class... T>
void encode_map(std::vector<EncodedCalls>& all, const F& f, std::size_t first, std::size_t count,
                const std::vector<T>&... columns) {
    using Call = RemoteCall<F, decltype(part_of(columns, first, count))...>;
    EncodedCalls calls{.name = call_name_of(f), .count = static_cast<std::uint32_t>(count)};
    calls.set_function(Function(Call{f, {part_of(columns, first, count)...}}));
    if (count > 1 && calls.function.size() > shared_bytes_max) {
        encode_map(all, f, first, count / 2, columns...);
        encode_map(all, f, first + count / 2, count - count / 2, columns...);
        return;
    }
    const auto add = [&](const auto& column, std::size_t k) {
        if constexpr (is_future<std::decay_t<decltype(column[k])>>) calls.add(column[k]);
    };
    for (std::size_t k = first; k < first + count; ++k) (add(columns, k), ...);
    all.push_back(std::move(calls));
}

}  // namespace detail

template <class F, class... A>
auto Client::submit(const SubmitOptions& options, F&& f, A&&... arguments) const {
    using Callable = std::decay_t<F>;
    if constexpr (detail::check_futures<std::decay_t<A>...>() &&
                  detail::check_sources<
                      Callable, typename detail::ArgumentOf<std::decay_t<A>>::source...>() &&
                  detail::check_values<Callable, std::decay_t<A>...>()) {
        using Call =
            detail::RemoteCall<Callable, typename detail::ArgumentOf<std::decay_t<A>>::source...>;
        detail::require_travels<Callable>();
        detail::require_travels<detail::stored_type<typename Call::Result>>();
        detail::EncodedCalls calls{.name = detail::call_name_of<Callable>(f)};
        // Braces, because they fix the order of evaluation.
        typename std::remove_const_t<decltype(Call::sources)> sources{
            detail::append_argument(calls, std::forward<A>(arguments))...};
        constexpr bool is_constant =
            std::is_empty_v<Callable> && std::is_empty_v<decltype(sources)>;
        if constexpr (is_constant) {
            static const Bytes encoded = detail::packed(Function(Call{f, {}}), calls.name);
            calls.function = encoded;
        } else {
            calls.set_function(Function(Call{std::forward<F>(f), std::move(sources)}));
        }
        std::vector<detail::EncodedCalls> all;
        all.push_back(std::move(calls));
        return detail::future_of<Call>(std::move(submit_calls(std::move(all), options).front()));
    } else {
        return detail::Refused();
    }
}

template <class F, std::ranges::input_range... R>
requires(sizeof...(R) > 0) auto Client::map(const SubmitOptions& options, F&& f,
                                            R&&... ranges) const {
    return map_columns(options, std::forward<F>(f), detail::items_of(std::forward<R>(ranges))...);
}

template <class F, class... T>
auto Client::map_columns(const SubmitOptions& options, F&& f,
                         const std::vector<T>&... columns) const {
    using Callable = std::decay_t<F>;
    if constexpr (detail::check_sources<Callable, decltype(detail::part_of(columns, 0, 0))...>() &&
                  detail::check_values<Callable, T...>()) {
        using Call = detail::RemoteCall<Callable, decltype(detail::part_of(columns, 0, 0))...>;
        detail::require_travels<Callable>();
        detail::require_travels<detail::stored_type<typename Call::Result>>();
        const std::size_t sizes[]{columns.size()...};
        for (const auto size : sizes) {
            if (size != sizes[0]) detail::refuse_map_lengths(sizes[0], size);
        }
        (detail::require_column_travels<T>(), ...);
        const Callable function(std::forward<F>(f));
        if constexpr (!std::is_trivially_copyable_v<Callable>) {
            const auto value = Value::of(function);
            const auto bytes = detail::packed(value, detail::call_name_of(function));
            if (bytes.size() > detail::shared_bytes_max) {
                const Future<Callable> shared(share_value(value, bytes, options));
                const std::vector first(sizes[0], shared);
                return map_columns(options, detail::CallFirst<Callable>(), first, columns...);
            }
        }
        std::vector<detail::EncodedCalls> calls;
        for (std::size_t k = 0; k < sizes[0]; k += detail::map_tasks_max) {
            const auto count = std::min(detail::map_tasks_max, sizes[0] - k);
            detail::encode_map(calls, function, k, count, columns...);
        }
        std::vector<detail::future_of<Call>> futures;
        futures.reserve(sizes[0]);
        for (auto& state : submit_calls(std::move(calls), options)) {
            futures.emplace_back(std::move(state));
        }
        return futures;
    } else {
        return detail::Refused();
    }
}

template <class T>
std::vector<detail::stored_type<T>> Client::gather(const std::vector<Future<T>>& futures) const {
    using Stored = detail::stored_type<T>;
    std::vector<Stored> results;
    results.reserve(futures.size());
    for (auto& value : detail::gather_values(states_of(futures))) {
        results.push_back(detail::value_as<Stored>(std::move(value)));
    }
    return results;
}

template <class T>
auto Client::scatter(T&& data, const ScatterOptions& options) const {
    using Stored = typename detail::ArgumentOf<std::decay_t<T>>::source::type;
    detail::require_travels<Stored>();
    return Future<Stored>(scatter_value(Value::make<Stored>(std::forward<T>(data)), options));
}

}  // namespace satchel

template <>
struct fmt::formatter<satchel::Client> : satchel::detail::HandleFormatter {
    auto format(const satchel::Client& value, fmt::format_context& context) const {
        const auto text = value.text();
        return write(text, context);
    }
};
