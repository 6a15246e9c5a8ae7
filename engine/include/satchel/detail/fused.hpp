// Chains: element-wise stages that stand one behind another, as the compiler sees them.
//
// A stage alone pulls a batch, makes the next one, and hands it on. Where the compiler knows
// several stages at once, it makes one loop of them: an element goes through all before the next
// one is touched, and what lies between two stages stays in registers. Bags carry their chain in
// their type (FusedBag, in fused_bag.hpp), and nodes point to what was made of it; lowering takes
// that wherever nothing has to be stored in between, else the stages one by one.
#pragma once

#include <satchel/detail/reduce.hpp>
#include <satchel/detail/sources.hpp>
#include <satchel/detail/stages.hpp>

#include <cstdint>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Longer chains would cost more to compile than they gain.
inline constexpr std::uint32_t chain_depth_max = 8;

/// What an operation returns that does not compile, so that nothing else is said about it.
struct Refused {};

/// Steps hand on what they make of an element, or do not.
template <class From, class To, class F>
struct MapStep {
    using In = From;
    using Out = To;
    using Function = F;
    static constexpr bool ends_loop = false;

    template <class Element, class Next>
    [[gnu::always_inline]] static void pass(TaskFunction<F>& function, Element&& element,
                                            Next&& next) {
        next(call_with<Out, In>(function, std::forward<Element>(element)));
    }
};
template <class T, class F>
struct FilterStep {
    using In = T;
    using Out = T;
    using Function = F;
    // Light elements that stay are written to a batch without a branch, so that it costs the same
    // whichever they are. In a longer loop there would have to be one.
    static constexpr bool ends_loop = is_light<T>;

    template <class Element, class Next>
    [[gnu::always_inline]] static void pass(TaskFunction<F>& predicate, Element&& element,
                                            Next&& next) {
        if (holds<T>(predicate, element)) next(std::forward<Element>(element));
    }
};

/// Stages from elements of type `From` on.
template <class From, class... Steps>
struct Chain {
    using In = From;
    using Last = std::tuple_element_t<sizeof...(Steps) - 1, std::tuple<Steps...>>;
    using Out = typename Last::Out;
    static constexpr std::uint32_t depth = sizeof...(Steps);
    /// The number of steps up to the last that ends a loop, itself included; 0 if none does.
    static constexpr std::uint32_t first_loop = [] {
        std::uint32_t at = 0;
        std::uint32_t found = 0;
        ((++at, found = Steps::ends_loop ? at : found), ...);
        return found;
    }();
    template <std::uint32_t K>
    using Step = std::tuple_element_t<K, std::tuple<Steps...>>;
    template <class Step>
    using with = Chain<In, Steps..., Step>;
};

/// The functions of a chain, as one task has them.
template <class C>
class ChainCall;
template <class In, class... Steps>
class ChainCall<Chain<In, Steps...>> {
  public:
    static constexpr std::size_t depth = sizeof...(Steps);

    /// The states of the stages, first to last.
    explicit ChainCall(const std::vector<Value>& states)
        : ChainCall(states, std::make_index_sequence<depth>()) {}

    /// Calls `emit` with what steps `Begin` to `End` - 1 make of an element, if they make anything.
    template <std::size_t Begin = 0, std::size_t End = depth, class Element, class Emit>
    [[gnu::always_inline]] void operator()(Element&& element, Emit&& emit) {
        pass<Begin, End>(std::forward<Element>(element), emit);
    }

    template <std::size_t K>
    [[nodiscard]] auto& function() {
        return std::get<K>(functions_);
    }

  private:
    template <std::size_t... K>
    ChainCall(const std::vector<Value>& states, std::index_sequence<K...>)
        : functions_(states[K].get<typename Steps::Function>()...) {}

    template <std::size_t K, std::size_t End, class Element, class Emit>
    [[gnu::always_inline]] void pass(Element&& element, Emit& emit) {
        if constexpr (K == End) {
            emit(std::forward<Element>(element));
        } else {
            using Step = std::tuple_element_t<K, std::tuple<Steps...>>;
            Step::pass(
                std::get<K>(functions_),
                std::forward<Element>(element), [&](auto&& made) __attribute__((always_inline)) {
                    pass<K + 1, End>(std::forward<decltype(made)>(made), emit);
                });
        }
    }

    std::tuple<TaskFunction<typename Steps::Function>...> functions_;
};

/// Calls `body(size, at)` with each batch of a stream of light elements, where at(k) is an element,
/// until it returns false. Numbers that are counted off never get to memory.
template <class In, class Body>
void for_each_light_batch(Stream<In>& stream, Body&& body) {
    if constexpr (std::is_same_v<In, std::int64_t>) {
        if (auto* counting = dynamic_cast<CountingStream*>(&stream)) {
            while (const auto size = counting->skip_batch()) {
                const auto first = counting->position() - static_cast<std::int64_t>(size);
                if (!body(size, [first](std::size_t k) {
                        return first + static_cast<std::int64_t>(k);
                    })) {
                    return;
                }
            }
            return;
        }
    }
    for (Batch<In> batch; stream.next(batch);) {
        if (!body(batch.size, [items = batch.items](std::size_t k) -> In { return items[k]; })) {
            return;
        }
    }
}

/// Writes what a chain up to its last filter makes of `size` elements to `out`: every element, but
/// going on only behind those that stay, so that no branch can be mispredicted. Gives their number.
template <class C, class T, class At>
std::size_t keep(ChainCall<C>& chain, std::size_t size, At at, T* out) {
    constexpr std::size_t filter = C::first_loop - 1;
    auto* place = out;
    for (std::size_t k = 0; k < size; ++k) {
        chain.template operator()<0, filter>(at(k), [&](T made) {
            *place = made;
            place += holds<T>(chain.template function<filter>(), made) ? 1 : 0;
        });
    }
    return static_cast<std::size_t>(place - out);
}

/// A chain as one stage.
template <class C>
class FusedStream final : public Stream<typename C::Out> {
    using In = typename C::In;
    using Out = typename C::Out;

  public:
    static std::unique_ptr<StreamBase> open(const Value& states, Binding& binding) {
        return std::make_unique<FusedStream>(typed<In>(std::move(binding.upstream(0))),
                                             states.get<std::vector<Value>>());
    }

    FusedStream(std::unique_ptr<Stream<In>> upstream, const std::vector<Value>& states)
        : upstream_(std::move(upstream)), chain_(states) {}

    bool next(Batch<Out>& batch) override {
        if constexpr (is_light<In> && is_light<Out>) {
            bool got = false;
            for_each_light_batch(*upstream_, [&](std::size_t size, auto at) {
                make_all(size, at);
                got = true;
                return false;
            });
            if (!got) return false;
        } else {
            if (at_ == pulled_.size) {
                if (!upstream_->next(pulled_)) return false;
                at_ = 0;
            }
            make_some();
        }
        batch = storage_.batch();
        return true;
    }

  private:
    template <class At>
    void make_all(std::size_t size, At at) {
        storage_.prepare(std::max(batch_elements_max, size));
        auto* const first = storage_.items();
        with_local(chain_, [&](auto& chain) {
            auto* out = first;
            if constexpr (C::Last::ends_loop) {
                out += keep<C>(chain, size, at, out);
            } else {
                for_each_index(size, [&](std::size_t k) {
                    chain(at(k), [&](Out made) { std::construct_at(out++, made); });
                });
            }
            storage_.set_size(static_cast<std::size_t>(out - first));
        });
    }

    // As many as a batch may hold.
    void make_some() {
        storage_.prepare(batch_elements_max);
        at_ = pulled_.visit(at_, [&](auto&& element) {
            chain_(std::forward<decltype(element)>(element), [&](auto&& made) {
                using Made = decltype(made);
                if constexpr (can_keep<Out, Made>) {
                    storage_.emplace(std::forward<Made>(made));
                } else {
                    refuse_copy();
                }
            });
            return storage_.has_room();
        });
    }

    std::unique_ptr<Stream<In>> upstream_;
    ChainCall<C> chain_;
    Batch<In> pulled_;
    std::size_t at_ = 0;
    BatchStorage<Out> storage_;
};

/// Takes elements one by one, with what they are folded into in registers.
template <class Reducer, class T>
concept AddsOne = requires(Reducer& reducer, typename Reducer::Partial& partial, T element) {
    reducer.add_one(partial, std::move(element));
};

/// A clock that never goes back.
[[nodiscard]] std::uint64_t nanoseconds_now() noexcept;

/// Which of two ways to do the same is the faster one: tried anew from time to time.
class FasterWay {
  public:
    template <class First, class Second>
    void run(First&& first, Second&& second) {
        const auto turn = turn_++ % turns;
        if (turn < tries) {
            first_took_ = time_of(first);
        } else if (turn < 2 * tries) {
            second_took_ = time_of(second);
        } else if (first_took_ <= second_took_) {
            first();
        } else {
            second();
        }
    }

  private:
    static constexpr std::uint32_t turns = 128;
    static constexpr std::uint32_t tries = 2;  // the last counts: the first finds cold caches

    template <class Way>
    static std::uint64_t time_of(Way&& way) {
        const auto start = nanoseconds_now();
        way();
        return nanoseconds_now() - start;
    }

    std::uint32_t turn_ = 0;
    std::uint64_t first_took_ = 0;
    std::uint64_t second_took_ = 0;
};

/// A chain and the reduction after it.
template <class C, class Reducer>
class FusedReduction {
  public:
    using In = typename C::In;
    using Partial = typename Reducer::Partial;

    FusedReduction(const std::vector<Value>& states, const Reducer& reducer)
        : chain_(states), reducer_(reducer), partial_(reducer_.start()) {}

    Partial run(Stream<In>& stream) {
        if constexpr (is_light<In>) {
            for_each_light_batch(stream, [this](std::size_t size, auto at) {
                if constexpr (C::first_loop != 0) {
                    way_.run([&] { in_one_loop(size, at); }, [&] { in_two_loops(size, at); });
                } else {
                    in_one_loop(size, at);
                }
                return !finished();
            });
        } else {
            for (Batch<In> batch; !finished() && stream.next(batch);) {
                batch.for_each([this](auto&& element) {
                    chain_(std::forward<decltype(element)>(element), [this](auto&& made) {
                        reducer_.add_one(partial_, std::forward<decltype(made)>(made));
                    });
                });
            }
        }
        return std::move(partial_);
    }

  private:
    [[nodiscard]] bool finished() const {
        if constexpr (requires { reducer_.finished(partial_); }) return reducer_.finished(partial_);
        return false;
    }

    // The two ways are functions of their own, so that each has all registers for its loop.
    // One loop is best, unless there is a branch that cannot be predicted.
    template <class At>
    [[gnu::noinline]] void in_one_loop(std::size_t size, At at) {
        add_all<0>(size, at);
    }

    template <class At>
    [[gnu::noinline]] void in_two_loops(std::size_t size, At at) {
        kept_.prepare(std::max(batch_elements_max, size));
        auto* const items = kept_.items();
        std::size_t kept = 0;
        with_local(chain_, [&](auto& chain) { kept = keep<C>(chain, size, at, items); });
        add_all<C::first_loop>(kept, [items](std::size_t k) { return items[k]; });
    }

    // What the steps from `Begin` on make of each element.
    template <std::size_t Begin, class At>
    void add_all(std::size_t size, At at) {
        with_local(chain_, [&](auto& chain) {
            with_local(reducer_, [&](auto& reducer) {
                with_local(partial_, [&](auto& partial) {
                    for (std::size_t k = 0; k < size; ++k) {
                        chain.template operator()<Begin, C::depth>(at(k), [&](auto&& made) {
                            reducer.add_one(partial, std::forward<decltype(made)>(made));
                        });
                    }
                });
            });
        });
    }

    struct Nothing {};
    template <bool, class D>
    struct KeptOf {
        using type = Nothing;
    };
    template <class D>
    struct KeptOf<true, D> {
        using type = BatchStorage<typename D::template Step<D::first_loop - 1>::In>;
    };

    ChainCall<C> chain_;
    Reducer reducer_;
    Partial partial_;
    typename KeptOf<C::first_loop != 0, C>::type kept_;
    FasterWay way_;
};

/// What a task of a fused reduction does. The reducer is the last of the states.
template <class C, class Reducer>
Value run_fused_reducer(const Value& state, Binding& binding) {
    const auto& states = state.get<std::vector<Value>>();
    FusedReduction<C, Reducer> reduction(states, states.back().get<Reducer>());
    const auto stream = typed<typename C::In>(std::move(binding.upstream(0)));
    return Value::make<typename Reducer::Partial>(reduction.run(*stream));
}

/// The part of a chain that becomes one stage: a new loop begins behind each step that ends one.
template <class Before, class... Steps>
struct LastLoop {
    using type = Before;
};
template <class In, class... Before, class Step, class... Steps>
struct LastLoop<Chain<In, Before...>, Step, Steps...> {
    static constexpr bool begins_new = [] {
        if constexpr (sizeof...(Before) == 0) {
            return false;
        } else {
            return Chain<In, Before...>::Last::ends_loop;
        }
    }();
    using type = typename LastLoop<
        std::conditional_t<begins_new, Chain<typename Step::In, Step>, Chain<In, Before..., Step>>,
        Steps...>::type;
};
template <class C>
struct LastLoopOf;
template <class In, class... Steps>
struct LastLoopOf<Chain<In, Steps...>> : LastLoop<Chain<In>, Steps...> {};

/// What lowering may use instead of single stages. Its address stands for the chain `C`.
template <class C, class Loop = typename LastLoopOf<C>::type>
inline constexpr FusedStages fused_stages{
    Loop::depth, &StreamCodeOf<&FusedStream<Loop>::open, std::vector<Value>>::code};
template <class C, class Loop>
requires(Loop::depth == 1) inline constexpr FusedStages fused_stages<C, Loop>{1, nullptr};

template <class C, class Reducer>
inline constexpr FusedSink fused_sink{
    C::depth, &SinkCodeOf<&run_fused_reducer<C, Reducer>, std::vector<Value>>::code};

}  // namespace satchel::detail
