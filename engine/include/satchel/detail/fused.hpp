// Chains: element-wise stages that stand one behind another, as the compiler sees them.
//
// A stage alone pulls a batch, makes the next one, and hands it on. Where the compiler knows
// several stages at once, it makes one loop of them: an element goes through all before the next
// one is touched, and what lies between two stages stays in registers. Bags carry their chain in
// their type (FusedBag, in fused_bag.hpp), and nodes point to what was made of it; lowering takes
// that wherever nothing has to be stored in between, else the stages one by one.
#pragma once

#include <satchel/detail/sources.hpp>
#include <satchel/detail/stages.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Longer chains would cost more to compile than they gain.
inline constexpr std::uint32_t chain_depth_max = 8;

/// What steps have that call no function.
struct NoFunction {};

/// Steps hand on what they make of an element: once, several times (`multiplies`), or not at all.
template <class From, class To, class F>
struct PlainStep {
    using In = From;
    using Out = To;
    using Function = F;
    static constexpr bool ends_loop = false;
    static constexpr bool multiplies = false;
    static constexpr bool takes_views = false;  // as elements
};

template <class In, class Out, class F>
struct MapStep : PlainStep<In, Out, F> {
    static constexpr bool takes_views = std::is_same_v<In, std::string> && takes_view<F>;

    template <class Element, class Next>
    [[gnu::always_inline]] static void pass(TaskFunction<F>& function, Element&& element,
                                            Next&& next) {
        next(call_with<Out, In>(function, std::forward<Element>(element)));
    }
};
template <class T, class F>
struct FilterStep : PlainStep<T, T, F> {
    // Light elements that stay are written to a batch without a branch, so that it costs the same
    // whichever they are. In a longer loop there would have to be one.
    static constexpr bool ends_loop = is_light<T>;

    template <class Element, class Next>
    [[gnu::always_inline]] static void pass(TaskFunction<F>& predicate, Element&& element,
                                            Next&& next) {
        if (holds<T>(predicate, element)) next(std::forward<Element>(element));
    }
};

template <class Range, class Part>
struct FlattenStep : PlainStep<Range, Part, NoFunction> {
    static constexpr bool multiplies = true;

    template <class Element, class Next>
    [[gnu::always_inline]] static void pass(TaskFunction<NoFunction>&, Element&& element,
                                            Next&& next) {
        if constexpr (!std::is_lvalue_reference_v<Element> && owns_parts<Range>) {
            const auto end = std::ranges::end(element);
            for (auto at = std::ranges::begin(element); at != end; ++at) {
                give(std::ranges::iter_move(at), next);
            }
        } else if constexpr (std::ranges::input_range<const Range>) {
            for (auto&& part : std::as_const(element)) {
                using Given = decltype(part);
                if constexpr (std::is_lvalue_reference_v<Given>) {
                    give(std::as_const(part), next);
                } else {
                    give(std::forward<Given>(part), next);
                }
            }
        } else if constexpr (is_copyable<Range>) {  // some views change while they are read
            Range copy(element);
            for (auto&& part : copy) give(std::as_const(part), next);
        } else {
            refuse_copy();
        }
    }

  private:
    // What ranges hand out need not be what they are said to hold: a std::vector<bool>, a map.
    template <class Given, class Next>
    [[gnu::always_inline]] static void give(Given&& part, Next& next) {
        if constexpr (std::is_same_v<std::remove_cvref_t<Given>, Part>) {
            next(std::forward<Given>(part));
        } else if constexpr (can_keep<Part, Given&&>) {
            next(Part(std::forward<Given>(part)));
        } else {
            refuse_copy();
        }
    }
};

/// Stages from elements of type `From` on.
template <class From, class... Steps>
struct Chain {
    using In = From;
    using Last = std::tuple_element_t<sizeof...(Steps) - 1, std::tuple<Steps...>>;
    using Out = typename Last::Out;
    static constexpr std::uint32_t depth = sizeof...(Steps);
    static constexpr bool multiplies = (Steps::multiplies || ...);
    static constexpr bool takes_views = std::tuple_element_t<0, std::tuple<Steps...>>::takes_views;
    /// The number of steps up to the last that ends a loop, itself included; 0 if none does, or if
    /// the first loop could make more elements than it gets.
    static constexpr std::uint32_t first_loop = [] {
        if constexpr (multiplies) return 0U;
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
        : functions_(function_of<typename Steps::Function>(states[K])...) {}

    template <class F>
    static F function_of(const Value& state) {
        if constexpr (std::is_same_v<F, NoFunction>) {
            return {};
        } else {
            return state.get<F>();
        }
    }

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

/// Light elements that are somewhere in memory.
template <class T>
struct StoredElements {
    const T* items;
    std::size_t size;

    template <class F>
    [[gnu::always_inline]] void each(F&& f) const {
        for (std::size_t k = 0; k < size; ++k) f(T(items[k]));
    }
};
/// Numbers that are counted off. Their loop counts nothing else, so that the compiler can turn
/// what a chain multiplies them with into steps of its own.
struct CountedElements {
    std::int64_t first;
    std::size_t size;

    template <class F>
    [[gnu::always_inline]] void each(F&& f) const {
        const auto end = first + static_cast<std::int64_t>(size);
        for (auto x = first; x < end; ++x) f(x);
    }
};

/// Calls `body` with each batch of a stream of light elements, until it returns false. Numbers
/// that are counted off never get to memory.
template <class In, class Body>
void for_each_light_batch(Stream<In>& stream, Body&& body) {
    if constexpr (std::is_same_v<In, std::int64_t>) {
        if (auto* counting = dynamic_cast<CountingStream*>(&stream)) {
            while (const auto size = counting->skip_batch()) {
                const auto first = counting->position() - static_cast<std::int64_t>(size);
                if (!body(CountedElements{first, size})) return;
            }
            return;
        }
    }
    for (Batch<In> batch; stream.next(batch);) {
        if (!body(StoredElements<In>{batch.items, batch.size})) return;
    }
}

/// Writes what a chain up to its last filter makes of `elements` to `out`: every element, but
/// going on only behind those that stay, so that no branch can be mispredicted. Gives their number.
template <class C, class T, class Elements>
std::size_t keep(ChainCall<C>& chain, const Elements& elements, T* out) {
    constexpr std::size_t filter = C::first_loop - 1;
    auto* place = out;
    elements.each([&](auto element) {
        chain.template operator()<0, filter>(element, [&](T made) {
            *place = made;
            place += holds<T>(chain.template function<filter>(), made) ? 1 : 0;
        });
    });
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
        : pulled_(std::move(upstream)), chain_(states) {}

    bool next(Batch<Out>& batch) override {
        if constexpr (is_light<In> && is_light<Out>) {
            bool got = false;
            for_each_light_batch(pulled_.stream(), [&](const auto& elements) {
                make_all(elements);
                got = true;
                return false;
            });
            if (!got) return false;
        } else {
            if (!pulled_.fill()) return false;
            make_some();
        }
        batch = storage_.batch();
        return true;
    }
    void expect(std::size_t elements) override { pulled_.expect(elements); }

  private:
    template <class Elements>
    void make_all(const Elements& elements) {
        storage_.prepare(std::max(batch_elements_max, elements.size));
        auto* const first = storage_.items();
        with_local(chain_, [&](auto& chain) {
            auto* out = first;
            if constexpr (C::Last::ends_loop) {
                out += keep<C>(chain, elements, out);
            } else {
                elements.each([&](auto element) {
                    chain(element, [&](Out made) { std::construct_at(out++, made); });
                });
            }
            storage_.set_size(static_cast<std::size_t>(out - first));
        });
    }

    // As many as a batch may hold.
    void make_some() {
        storage_.prepare();
        pulled_.visit([&](auto&& element) {
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

    Pulled<In, C::takes_views> pulled_;
    ChainCall<C> chain_;
    BatchStorage<Out> storage_;
};

/// The part of a chain that becomes one stage: a new loop begins behind each step that ends one.
/// A step that multiplies is a stage of its own, which gives batches of bounded size.
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
            using Last = typename Chain<In, Before...>::Last;
            return Last::ends_loop || Last::multiplies || Step::multiplies;
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

}  // namespace satchel::detail
