/// stream: an ordered pipeline over input of unknown length, in bounded memory.
///
///     satchel::stream([&] { return read_chunk(in); },                  // std::optional<Chunk>
///                     [](Chunk chunk) { return compress(chunk); },     // in parallel
///                     [&](Compressed piece) { out.write(piece); });    // in the order of reading
///
/// `read` and `write` are called by the calling thread; at most `window` items lie between being
/// read and being written, so one slow item does not let the others pile up.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/executor.hpp>
#include <satchel/function.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace satchel {

/// How stream() runs.
struct StreamOptions {
    /// Items between being read and being written. 0: twice the executor's concurrency, and two.
    std::int64_t window = 0;
    ExecutorReference executor = {};
};

namespace detail {

/// What one item of a stream calls.
template <class Work, class In>
struct StreamCall {
    std::shared_ptr<const Work> work = {};
    std::shared_ptr<In> item = {};

    Value operator()(Arguments&) const {
        return Value::make<call_result<Work, In>>(call_shared(*work, std::move(*item)));
    }

    template <class Archive>
    requires(travels<Work>&& travels<In>) void serialize(Archive& archive, unsigned) {
        if constexpr (Archive::is_loading::value) {
            work = std::make_shared<const Work>(load<Work>(archive));
            item = std::make_shared<In>(load<In>(archive));
        } else {
            archive&* work&* item;
        }
    }
};

/// Something like a std::optional.
template <class R>
concept GivenOrNot = requires {
    typename std::remove_cvref_t<R>::value_type;
    requires std::is_convertible_v<R, std::optional<typename std::remove_cvref_t<R>::value_type>>;
};

/// Refuses, in words, functions that make no stream together.
template <class Read, class Work, class Write>
constexpr bool check_stream() {
    constexpr bool reads = requires(Read & read) {
        { read() } -> GivenOrNot;
    };
    static_assert(reads,
                  "satchel: stream's `read` must return a std::optional, without arguments: the "
                  "next item, or std::nullopt at the end.");
    if constexpr (reads) {
        using In = typename std::remove_cvref_t<std::invoke_result_t<Read&>>::value_type;
        constexpr bool works = accepts_call<Work, In>;
        static_assert(
            works,
            "satchel: stream's `work` must take what `read` gives (inside its std::optional).");
        constexpr bool shares = callable_with<const Work, In> || std::is_copy_constructible_v<Work>;
        static_assert(!works || shares,
                      "satchel: stream's `work` changes what it holds, and cannot be copied, but "
                      "each item needs a copy of its own.");
        if constexpr (works && shares) {
            using Out = call_result<Work, In>;
            constexpr bool gives = !std::is_void_v<Out>;
            static_assert(gives, "satchel: stream's `work` must return what `write` takes.");
            if constexpr (gives) {
                constexpr bool writes = std::is_invocable_v<Write&, Out>;
                static_assert(writes,
                              "satchel: stream's `write` must take what `work` returns, by value "
                              "or as a constant reference.");
                return check_result<Out>() && writes;
            }
        }
    }
    return false;
}

/// Both ends of a stream.
class StreamEnds {
  public:
    StreamEnds() = default;
    StreamEnds(const StreamEnds&) = delete;
    StreamEnds& operator=(const StreamEnds&) = delete;
    virtual ~StreamEnds() = default;
    /// A graph whose last task makes the next item; nothing at the end.
    virtual std::optional<Graph> next() = 0;
    virtual void write(Value result) = 0;
};

/// Runs what `ends.next()` gives, in parallel, and gives the results to `ends.write()` in the same
/// order. Throws InvalidArgument that names the operation if `window` is negative, and what a
/// function throws.
void run_stream(const Executor& executor, const char* operation, std::int64_t window,
                StreamEnds& ends);

/// The same for two functions.
template <class Next, class Write>
void run_stream(const Executor& executor, const char* operation, std::int64_t window, Next next,
                Write write) {
    class Ends final : public StreamEnds {
      public:
        Ends(Next& next_function, Write& write_function)
            : next_(next_function), write_(write_function) {}
        std::optional<Graph> next() override { return next_(); }
        void write(Value result) override { write_(std::move(result)); }

      private:
        Next& next_;
        Write& write_;
    };
    Ends ends(next, write);
    run_stream(executor, operation, window, ends);
}

}  // namespace detail

/// Passes items from `read() -> std::optional<In>` (empty: the end) through `work(In) -> Out` to
/// `write(Out)`. When anything throws, items that have not begun are dropped, those that have are
/// waited for, and the exception is thrown.
template <class Read, class Work, class Write>
void stream(Read&& read, Work work, Write&& write, StreamOptions options = {}) {
    if constexpr (detail::check_stream<Read, Work, Write>()) {
        using In = typename std::remove_cvref_t<std::invoke_result_t<Read&>>::value_type;
        using Out = detail::call_result<Work, In>;
        const auto executor = options.executor.resolve();
        const auto shared_work = std::make_shared<const Work>(std::move(work));
        detail::run_stream(
            *executor, "stream", options.window,
            [&]() -> std::optional<Graph> {
                std::optional<In> item = read();
                if (!item) return std::nullopt;
                Graph graph;
                (void)graph.add(Function(detail::StreamCall<Work, In>{
                                    shared_work, std::make_shared<In>(std::move(*item))}),
                                {}, "stream");
                return graph;
            },
            [&](Value result) { write(std::move(result).template take<Out>()); });
    }
}

}  // namespace satchel
