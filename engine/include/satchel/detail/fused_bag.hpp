// FusedBag: a bag that remembers in its type which element-wise operations it ends with, so that
// the next one is compiled into one loop with them. Included by bag.hpp.
#pragma once

#include <satchel/bag_options.hpp>
#include <satchel/delayed.hpp>
#include <satchel/detail/element_functions.hpp>
#include <satchel/detail/fused_reduction.hpp>
#include <satchel/detail/grouping.hpp>
#include <satchel/detail/parts_stage.hpp>
#include <satchel/detail/reducers.hpp>
#include <satchel/detail/statistics.hpp>
#include <satchel/detail/text_operations.hpp>
#include <satchel/detail/zip_stage.hpp>

#include <source_location>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

namespace satchel {

template <class T>
class Bag;
template <class T, class Chain>
class FusedBag;

namespace detail {

/// A line of the user's program.
using Place = std::source_location;

/// The bag, whose node is told where the user has made it.
template <class B>
B made_at(const Place& place, B bag) {
    bag.node()->made_at(place);
    return bag;
}
inline Refused made_at(const Place&, Refused refused) { return refused; }

/// The bag of a new node whose one stage is the chain `C`.
template <class T, class C>
FusedBag<T, C> fused_bag(NodePtr node) {
    node->fuse(fused_stages<C>);
    return FusedBag<T, C>(Bag<T>(std::move(node)));
}

}  // namespace detail

/// What map() returns, and element-wise operations on that: a Bag in every respect. Where one type
/// is needed for several bags, write Bag<T>. Assigning another bag to it is fine; the type then
/// says too much, which costs speed and nothing else.
template <class T, class Chain>
class FusedBag : public Bag<T>, public detail::TextOperations<FusedBag<T, Chain>, T> {
    using Base = Bag<T>;
    using Text = detail::TextOperations<FusedBag, T>;

  public:
    explicit FusedBag(Base bag) : Base(std::move(bag)) {}
    FusedBag& operator=(Base bag) {
        Base::operator=(std::move(bag));
        return *this;
    }

    // The operations of Bag, which says what they mean.
    using Base::distinct;
    using Base::fold;
    using Base::map;
    using Text::lower;
    using Text::match;
    using Text::replace;
    using Text::split;
    using Text::starts_with;
    using Text::strip;
    using Text::to_textfiles;
    using Text::upper;

    template <class F>
    [[nodiscard]] auto map(F f, detail::Place place = detail::Place::current()) const& {
        return longer(fits(), Base::map(std::move(f), place));
    }
    template <class F>
    [[nodiscard]] auto map(F f, detail::Place place = detail::Place::current()) && {
        const bool fit = fits();
        return longer(fit, std::move(*this).Base::map(std::move(f), place));
    }
    template <class F>
    [[nodiscard]] auto starmap(F f) const {
        return longer(fits(), Base::starmap(std::move(f)));
    }
    template <class F>
    [[nodiscard]] auto filter(F predicate) const& {
        return longer<detail::FilterStep<T, F>>(fits(), Base::filter(std::move(predicate)));
    }
    template <class F>
    [[nodiscard]] auto filter(F predicate) && {
        const bool fit = fits();
        return longer<detail::FilterStep<T, F>>(
            fit, std::move(*this).Base::filter(std::move(predicate)));
    }
    template <class F>
    [[nodiscard]] auto remove(F predicate) const {
        return longer<detail::FilterStep<T, detail::Negated<F>>>(
            fits(), Base::remove(std::move(predicate)));
    }

    [[nodiscard]] auto flatten() const& {
        if constexpr (gives_parts) {
            auto flat = Base::flatten();
            if (fits()) flat.node()->fuse(detail::parts_stages<LastFunction>);
            return flat;
        } else if constexpr (std::ranges::input_range<T>) {
            return longer<Flatten<T>>(fits(), Base::flatten());
        } else {
            return Base::flatten();  // which says why not
        }
    }
    [[nodiscard]] auto flatten() && {
        if constexpr (gives_parts || !std::ranges::input_range<T>) {
            return std::as_const(*this).flatten();
        } else {
            const bool fit = fits();
            return longer<Flatten<T>>(fit, std::move(*this).Base::flatten());
        }
    }

    [[nodiscard]] auto sum(ReductionOptions options = {}) const {
        return with<decltype(detail::sum_reducer<T>())>(Base::sum(options));
    }
    [[nodiscard]] auto count(ReductionOptions options = {}) const {
        return with<detail::CountReducer>(Base::count(options));
    }
    [[nodiscard]] auto min(ReductionOptions options = {}) const {
        return with<detail::ExtremeReducer<T, detail::Less>>(Base::min(options));
    }
    [[nodiscard]] auto max(ReductionOptions options = {}) const {
        return with<detail::ExtremeReducer<T, detail::Greater>>(Base::max(options));
    }
    template <class F>
    requires(!std::is_same_v<F, ReductionOptions>)
        [[nodiscard]] Delayed<T> fold(F binop, ReductionOptions options = {}) const {
        return with<detail::SymmetricFoldReducer<T, F, F>>(Base::fold(std::move(binop), options));
    }
    [[nodiscard]] Bag<std::pair<T, std::size_t>> frequencies(
        FrequenciesOptions options = {}) const {
        return with<detail::FrequenciesReducer<T>>(Base::frequencies(options));
    }
    [[nodiscard]] Bag<T> distinct(ReductionOptions options = {}) const {
        return with<detail::DistinctReducer<T, detail::Itself>>(Base::distinct(options));
    }

  private:
    using LastFunction = typename Chain::Last::Function;
    template <class Range>
    using Flatten =
        detail::FlattenStep<Range, detail::element_type<std::ranges::range_value_t<Range>>>;
    static constexpr bool gives_parts =
        detail::GivesParts<LastFunction> && std::is_same_v<typename Chain::Last::In, std::string>;

    // Whether the node is what the type says.
    [[nodiscard]] bool fits() const {
        return this->node()->fused_stages() == &detail::fused_stages<Chain>;
    }

    // `made`, which has `Step` behind this bag; `fit`: this bag is what its type says.
    template <class Step>
    static auto longer(bool fit, Bag<typename Step::Out> made) {
        using Out = typename Step::Out;
        if constexpr (Chain::depth < detail::chain_depth_max) {
            using Longer = typename Chain::template with<Step>;
            if (fit) made.node()->fuse(detail::fused_stages<Longer>);
            return FusedBag<Out, Longer>(std::move(made));
        } else {
            return detail::fused_bag<Out, detail::Chain<T, Step>>(made.node());
        }
    }
    template <class Out, class Step>
    static auto longer(bool fit, FusedBag<Out, detail::Chain<T, Step>> made) {
        return longer<Step>(fit, Bag<Out>(std::move(made)));
    }
    static detail::Refused longer(bool, detail::Refused refused) { return refused; }

    // A reduction of this bag by a `Reducer`.
    template <class Reducer, class Lazy>
    [[nodiscard]] Lazy with(Lazy reduction) const {
        if constexpr (detail::AddsOne<Reducer, T>) {
            const auto* node = reduction.node().get();
            while (node->description.role == detail::Node::Role::task) {
                node = node->description.inputs.front().node.get();
            }
            if (fits()) node->fuse(detail::fused_sink<Chain, Reducer>);
        }
        return reduction;
    }
};

namespace detail {

template <class T, class C>
struct LazyTraits<FusedBag<T, C>> : LazyTraits<Bag<T>> {};
template <class T, class C>
struct Extra<FusedBag<T, C>> : Extra<Bag<T>> {};
template <class T, class C>
struct Extra<FusedBag<T, C>&> : Extra<Bag<T>> {};

}  // namespace detail
}  // namespace satchel

template <class T, class C>
struct fmt::formatter<satchel::FusedBag<T, C>> : fmt::formatter<satchel::Bag<T>> {};

FMT_BEGIN_NAMESPACE
template <class T, class Char>
struct is_range;
template <class T, class C, class Char>
struct is_range<satchel::FusedBag<T, C>, Char> : std::false_type {};
FMT_END_NAMESPACE
