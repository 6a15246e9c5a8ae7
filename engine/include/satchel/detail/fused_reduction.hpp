// Reductions of chains: an element goes through all stages and into the result before the next one
// is touched.
#pragma once

#include <satchel/detail/fused.hpp>
#include <satchel/detail/reduce.hpp>

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Takes elements one by one, with what they are folded into in registers.
template <class Reducer, class T>
concept AddsOne = requires(Reducer& reducer, typename Reducer::Partial& partial, T element) {
    reducer.add_one(partial, std::move(element));
};

/// Has an element that changes nothing.
template <class Reducer>
concept HasNeutral = requires {
    Reducer::neutral;
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
    static constexpr std::uint32_t turns = 512;
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

    Partial run(Pulled<In, C::takes_views>& pulled) {
        if constexpr (is_light<In>) {
            for_each_light_batch(pulled.stream(), [this](const auto& elements) {
                if constexpr (C::first_loop != 0) {
                    way_.run([&] { in_one_loop(elements); }, [&] { in_two_loops(elements); });
                } else {
                    in_one_loop(elements);
                }
                return true;
            });
        } else {
            one_by_one(pulled);
        }
        return std::move(partial_);
    }

  private:
    // What the steps from `Begin` on make of an element. Where they may make nothing, the sum and
    // its like take an element that changes nothing instead: compilers then choose between two
    // values, which no branch can mispredict, if making one has no effect.
    template <std::size_t Begin, class Element>
    [[gnu::always_inline]] static void add(ChainCall<C>& chain, Reducer& reducer, Partial& partial,
                                           Element&& element) {
        if constexpr (HasNeutral<Reducer> && !C::multiplies) {
            typename C::Out value = Reducer::neutral;
            chain.template operator()<Begin, C::depth>(
                std::forward<Element>(element), [&](typename C::Out made) __attribute__((
                                                    always_inline)) { value = made; });
            reducer.add_one(partial, value);
        } else {
            chain.template operator()<Begin, C::depth>(
                std::forward<Element>(element), [&](auto&& made) __attribute__((always_inline)) {
                    reducer.add_one(partial, std::forward<decltype(made)>(made));
                });
        }
    }

    // A function of its own like those below; inlined, it makes GCC 12 warn of results that are
    // not there yet.
    [[gnu::noinline]] void one_by_one(Pulled<In, C::takes_views>& pulled) {
        while (pulled.fill()) {
            with_local(partial_, [&](auto& partial) {
                pulled.visit([&](auto&& element) {
                    add<0>(chain_, reducer_, partial, std::forward<decltype(element)>(element));
                    return true;
                });
            });
        }
    }

    // The two ways are functions of their own, so that each has all registers for its loop.
    // One loop is best, unless there is a branch that cannot be predicted.
    template <class Elements>
    [[gnu::noinline]] void in_one_loop(const Elements& elements) {
        add_all<0>(elements);
    }

    template <class Elements>
    [[gnu::noinline]] void in_two_loops(const Elements& elements) {
        kept_.prepare(std::max(batch_elements_max, elements.size));
        auto* const items = kept_.items();
        std::size_t kept = 0;
        with_local(chain_, [&](auto& chain) { kept = keep<C>(chain, elements, items); });
        add_all<C::first_loop>(StoredElements<std::decay_t<decltype(*items)>>{items, kept});
    }

    // What the steps from `Begin` on make of each element.
    template <std::size_t Begin, class Elements>
    void add_all(const Elements& elements) {
        with_local(chain_, [&](auto& chain) {
            with_local(reducer_, [&](auto& reducer) {
                with_local(partial_, [&](auto& partial) {
                    elements.each(
                        [&](auto element) { add<Begin>(chain, reducer, partial, element); });
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
    Pulled<typename C::In, C::takes_views> pulled(
        typed<typename C::In>(std::move(binding.upstream(0))));
    return Value::make<typename Reducer::Partial>(reduction.run(pulled));
}

template <class C, class Reducer>
inline constexpr FusedSink fused_sink{
    C::depth, &SinkCodeOf<&run_fused_reducer<C, Reducer>, std::vector<Value>>::code};

}  // namespace satchel::detail
