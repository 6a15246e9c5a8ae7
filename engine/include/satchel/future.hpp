/// Future: a handle on a value that lives, or will live, in a cluster.
///
///     satchel::Future<int> a = client.submit(inc, 1);
///     satchel::Future<int> b = client.submit(add, a, 10);      // runs where `a` is
///     b.result();                                              // waits; 12, or throws
///     for (auto& f : satchel::as_completed(futures)) use(f.result());
///
/// Copies of a future share the value. When the last one is gone, the cluster may drop it.
///
/// Thread safety: everything may be called from any thread.
#pragma once

#include <satchel/detail/code.hpp>
#include <satchel/detail/format.hpp>
#include <satchel/value.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace satchel {

enum class FutureStatus : std::uint8_t { pending, finished, error, cancelled };

/// "pending", "finished", "error", "cancelled".
[[nodiscard]] std::string_view to_string(FutureStatus status) noexcept;

namespace client {
class FutureState;
class Completions;
}  // namespace client

namespace detail {

/// What does not depend on the type of the value.
class FutureBase {
  public:
    using State = std::shared_ptr<client::FutureState>;

    FutureBase() = default;
    explicit FutureBase(State state) : state_(std::move(state)) {}

    /// Whether result() would not wait for a computation.
    [[nodiscard]] bool done() const;
    [[nodiscard]] FutureStatus status() const;
    /// Waits, and gives what result() would throw; null if there is a value.
    [[nodiscard]] std::exception_ptr exception() const;
    /// Gives the value up, and what depends on it. A running function sees it in
    /// this_task::stop_requested().
    void cancel() const;
    /// Tries again what failed, and whatever made it fail.
    void retry() const;
    /// The name of the call: of its function or as was given, and 32 hexadecimal digits.
    [[nodiscard]] std::string key() const;

    /// For the library.
    [[nodiscard]] const State& state() const noexcept { return state_; }

  protected:
    [[nodiscard]] Value value() const;
    [[nodiscard]] std::string describe(const std::type_info& type) const;

  private:
    State state_;
};

/// The values of futures, fetched from the workers that have them.
[[nodiscard]] std::vector<Value> gather_values(std::vector<FutureBase::State> states);

/// Tells which of several futures are done, as they are.
class CompletionQueue {
  public:
    explicit CompletionQueue(const std::vector<FutureBase::State>& states);
    CompletionQueue(CompletionQueue&&) noexcept;
    CompletionQueue& operator=(CompletionQueue&&) = delete;
    ~CompletionQueue();

    /// Waits for another one; nothing if there is none left, or it is too late.
    [[nodiscard]] std::optional<std::size_t> next(
        std::optional<std::chrono::nanoseconds> timeout = {});

  private:
    std::unique_ptr<client::Completions> completions_;
    std::size_t left_;
};

[[noreturn]] void refuse_result(const std::type_info& wanted, const std::type_info& found);

/// What is in a value. Two calls of different types that were given one key have one value, so
/// that it may be of the other type: throws InvalidArgument.
template <class T>
T value_as(Value value) {
    if (!value.has_value() || value.type() != typeid(T)) {
        refuse_result(typeid(T), value.has_value() ? value.type() : typeid(void));
    }
    return std::move(value).template take<T>();
}

}  // namespace detail

template <class T>
class Future : public detail::FutureBase {
  public:
    using value_type = T;
    using FutureBase::FutureBase;

    /// Waits and gives the value. Throws what the function threw, Cancelled, KilledWorker,
    /// ClientClosed.
    T result() const {
        if constexpr (std::is_void_v<T>) {
            (void)value();
        } else {
            return detail::value_as<T>(value());
        }
    }

    /// "<Future: finished, type: int, key: inc-…>".
    [[nodiscard]] std::string text() const { return describe(typeid(T)); }
};

/// What wait() is to wait for.
enum class WaitFor : std::uint8_t { all, first };

template <class T>
struct WaitResult {
    std::vector<Future<T>> done;
    std::vector<Future<T>> not_done;
};

/// Waits until all futures are done, or the first one is, or the time is over; never throws what
/// they would.
template <class T>
WaitResult<T> wait(const std::vector<Future<T>>& futures,
                   std::optional<std::chrono::nanoseconds> timeout = {},
                   WaitFor until = WaitFor::all) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    std::vector<detail::FutureBase::State> states;
    states.reserve(futures.size());
    for (const auto& future : futures) states.push_back(future.state());
    detail::CompletionQueue queue(states);
    for (std::size_t k = 0; k < futures.size(); ++k) {
        auto left = timeout;
        if (left) *left -= Clock::now() - begin;
        if (!queue.next(left) || until == WaitFor::first) break;
    }
    WaitResult<T> result;
    for (const auto& future : futures) {
        (future.done() ? result.done : result.not_done).push_back(future);
    }
    return result;
}

template <class T>
WaitResult<T> wait(std::initializer_list<Future<T>> futures,
                   std::optional<std::chrono::nanoseconds> timeout = {},
                   WaitFor until = WaitFor::all) {
    return wait(std::vector(futures), timeout, until);
}

/// The same for one. True if it is done.
template <class T>
bool wait(const Future<T>& future, std::optional<std::chrono::nanoseconds> timeout = {}) {
    return !wait(std::vector{future}, timeout).done.empty();
}

/// Futures in the order in which they are done: a range to go over once.
template <class T>
class AsCompleted {
  public:
    explicit AsCompleted(std::vector<Future<T>> futures)
        : futures_(std::move(futures)), queue_(states_of(futures_)) {}

    class Iterator {
      public:
        using value_type = Future<T>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        Iterator() = default;
        explicit Iterator(AsCompleted& range) : range_(&range) { ++*this; }
        [[nodiscard]] Future<T>& operator*() const { return range_->futures_[*current_]; }
        [[nodiscard]] Future<T>* operator->() const { return &**this; }
        Iterator& operator++() {
            current_ = range_->queue_.next();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const Iterator& one, std::default_sentinel_t) {
            return !one.current_;
        }

      private:
        AsCompleted* range_ = nullptr;
        std::optional<std::size_t> current_;
    };

    /// Waits for the first one.
    [[nodiscard]] Iterator begin() { return Iterator(*this); }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

  private:
    static std::vector<detail::FutureBase::State> states_of(const std::vector<Future<T>>& all) {
        std::vector<detail::FutureBase::State> states;
        states.reserve(all.size());
        for (const auto& future : all) states.push_back(future.state());
        return states;
    }

    std::vector<Future<T>> futures_;
    detail::CompletionQueue queue_;
};

template <class T>
[[nodiscard]] AsCompleted<T> as_completed(std::vector<Future<T>> futures) {
    return AsCompleted<T>(std::move(futures));
}

}  // namespace satchel

template <>
struct fmt::formatter<satchel::FutureStatus> : satchel::detail::HandleFormatter {
    auto format(satchel::FutureStatus status, fmt::format_context& context) const {
        return write(to_string(status), context);
    }
};
template <class T>
struct fmt::formatter<satchel::Future<T>> : satchel::detail::HandleFormatter {
    auto format(const satchel::Future<T>& value, fmt::format_context& context) const {
        const auto text = value.text();
        return write(text, context);
    }
};
