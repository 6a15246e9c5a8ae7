// The built-in reductions, each as a reducer; reduce.hpp says what that is.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/detail/same_key.hpp>
#include <satchel/detail/stages.hpp>
#include <satchel/detail/stream.hpp>
#include <satchel/detail/view_stream.hpp>
#include <satchel/error.hpp>
#include <satchel/stable_hash.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel::detail {

[[noreturn]] void throw_empty(const char* operation);
[[noreturn]] void throw_sum_overflow();

/// count
struct CountReducer {
    using Partial = std::uint64_t;
    static constexpr bool moves = false;
    [[nodiscard]] Partial start() const { return 0; }
    template <class T>
    void add(Partial& count, const Batch<T>& batch) {
        count += batch.size;
    }
    void add_views(Partial& count, const ViewBatch& batch) { count += batch.size; }
    template <class T>
    void add_one(Partial& count, const T&) {
        ++count;
    }
    void merge(Partial& earlier, Partial&& later) { earlier += later; }
    [[nodiscard]] std::uint64_t finish(Partial&& count) const { return count; }
};

/// sum of integers: in 128 bits, so that only a result that does not fit is an error.
template <class T>
struct IntegerSumReducer {
    __extension__ using Wide = __int128;
    using Result = std::conditional_t<std::is_unsigned_v<T> && !std::is_same_v<T, bool>,
                                      std::uint64_t, std::int64_t>;
    // Two words, because extensions do not fit everywhere a value may go; and such that adding
    // one number needs the second only where it carries.
    struct Partial {
        Result low = 0;
        std::int64_t carries = 0;  ///< of 2^64
    };
    static constexpr bool moves = false;
    static constexpr T neutral = 0;

    [[nodiscard]] Partial start() const { return {}; }

    void add(Partial& sum, const Batch<T>& batch) { put(sum, get(sum) + sum_of(batch)); }
    void add_one(Partial& sum, T x) {
        if (__builtin_add_overflow(sum.low, static_cast<Result>(x), &sum.low)) [[unlikely]] {
            sum.carries += static_cast<Result>(x) < 0 ? -1 : 1;
        }
    }
    void merge(Partial& earlier, Partial&& later) { put(earlier, get(earlier) + get(later)); }
    [[nodiscard]] Result finish(Partial&& sum) const {
        if (sum.carries != 0) throw_sum_overflow();
        return sum.low;
    }

    static Wide get(const Partial& sum) { return (static_cast<Wide>(sum.carries) << 64) + sum.low; }

  private:
    static void put(Partial& sum, Wide wide) {
        sum.low = static_cast<Result>(wide);
        sum.carries = static_cast<std::int64_t>((wide - sum.low) >> 64);
    }

    static Wide sum_of(const Batch<T>& batch) {
        if constexpr (sizeof(T) <= 4) {  // a batch of them cannot overflow
            Result sum = 0;
            batch.for_each([&](T x) { sum += static_cast<Result>(x); });
            return sum;
        } else {
            // The halves are summed separately, which needs no carries and so vectorises; signed
            // numbers are made unsigned by adding 2^63 to each.
            constexpr std::uint64_t bias = std::is_signed_v<T> ? std::uint64_t{1} << 63 : 0;
            std::uint64_t low = 0;
            std::uint64_t high = 0;
            batch.for_each([&](T x) {
                const auto biased = static_cast<std::uint64_t>(x) ^ bias;
                low += biased & 0xFFFF'FFFF;
                high += biased >> 32;
            });
            return (static_cast<Wide>(high) << 32) + low - static_cast<Wide>(bias) * batch.size;
        }
    }
};

/// sum of floating-point numbers: pairwise, so that the error grows with the logarithm of their
/// number.
struct FloatingSumReducer {
    // A sum for each power of two of batches, as the digits of a binary counter, and their number.
    struct Partial {
        std::vector<double> sums;
        std::uint64_t batches = 0;
    };
    static constexpr bool moves = false;

    [[nodiscard]] Partial start() const { return {}; }

    template <class T>
    void add(Partial& partial, const Batch<T>& batch) {
        add_sum(partial, sum_of(batch));
    }
    /// Adds the sum of a batch.
    void add_sum(Partial& partial, double sum) {
        for (auto n = partial.batches++; (n & 1) != 0; n >>= 1) {
            sum += partial.sums.back();
            partial.sums.pop_back();
        }
        partial.sums.push_back(sum);
    }
    void merge(Partial& earlier, Partial&& later) {
        const auto sum = total(earlier) + total(later);
        earlier.sums.clear();
        earlier.sums.push_back(sum);
        earlier.batches = 1;
    }
    [[nodiscard]] double finish(Partial&& partial) const { return total(partial); }

    /// Of each number times `scale`.
    template <class T>
    static double sum_of(const Batch<T>& batch, double scale = 1) {
        const auto* const items = batch.items;
        const auto size = batch.size;
        std::array<double, 8> lanes{};  // independent, so that they can be added at the same time
        std::size_t k = 0;
        for (; k + lanes.size() <= size; k += lanes.size()) {
            for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
                lanes[lane] += static_cast<double>(items[k + lane]) * scale;
            }
        }
        for (; k < size; ++k) lanes[k % lanes.size()] += static_cast<double>(items[k]) * scale;
        return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
               ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
    }

  private:
    static double total(const Partial& partial) {
        double sum = 0;
        for (auto k = partial.sums.size(); k > 0; --k) sum += partial.sums[k - 1];
        return sum;
    }
};

/// sum of anything else: T{} + first + second + …
template <class T>
struct GenericSumReducer {
    using Partial = T;
    static constexpr bool moves = false;
    [[nodiscard]] Partial start() const { return T{}; }
    void add(Partial& sum, const Batch<T>& batch) {
        batch.for_each([&](const T& x) { add_one(sum, x); });
    }
    // An object of its own, as what + gives may be a reference to its first operand.
    void add_one(Partial& sum, const T& x) { sum = T(std::move(sum) + x); }
    void merge(Partial& earlier, Partial&& later) { earlier = T(std::move(earlier) + later); }
    [[nodiscard]] T finish(Partial&& sum) const { return std::move(sum); }
};

/// Refuses, in words, integers for which the results of reductions are too narrow.
template <class T>
constexpr void check_width() {
    static_assert(!std::is_integral_v<T> || sizeof(T) <= 8,
                  "satchel: sum(), prod() and mean() take integers of up to 64 bits. Use fold.");
}

template <class T>
auto sum_reducer() {
    check_width<T>();
    if constexpr (std::is_integral_v<T>) {
        return IntegerSumReducer<T>{};
    } else if constexpr (std::is_floating_point_v<T>) {
        return FloatingSumReducer{};
    } else {
        constexpr bool has_sum = requires(T & sum, const T& x) {
            T{};
            sum = std::move(sum) + x;
            sum = std::move(sum) + sum;
        };
        static_assert(has_sum,
                      "satchel: sum() needs elements that begin as T{} and can be added with +. "
                      "Give their type both, or map them to what counts, or use fold.");
        if constexpr (has_sum) {
            return GenericSumReducer<T>{};
        } else {
            return CountReducer{};  // says nothing else
        }
    }
}

/// Refuses, in words, a result that cannot take the place of the one before it.
template <class R>
constexpr bool check_assignable() {
    constexpr bool assignable = std::is_move_assignable_v<R>;
    static_assert(assignable,
                  "satchel: what a fold has come to takes the place of what it was before, so its "
                  "type must be assignable.");
    return assignable;
}

/// binop(folded, element), with a copy of an element that is kept if the function takes it away.
template <class F, class Acc, class Element, class T = std::remove_cvref_t<Element>>
std::decay_t<std::invoke_result_t<F&, Acc, T>> fold_in(F& binop, Acc&& folded, Element&& element) {
    if constexpr (std::is_invocable_v<F&, Acc, Element>) {
        return detail::invoke(binop, std::forward<Acc>(folded), std::forward<Element>(element));
    } else if constexpr (is_copyable<T>) {
        return detail::invoke(binop, std::forward<Acc>(folded), T(element));
    } else {
        refuse_copy();
    }
}

/// fold by a function that also joins partial results: a partition begins with its first element,
/// the first partition with `initial`, if there is one.
template <class T, class F, class C>
struct SymmetricFoldReducer {
    struct Partial {
        std::optional<T> folded = {};
        bool has_initial = false;
    };
    static constexpr bool moves = true;
    F binop;
    C combine;
    std::optional<std::conditional_t<is_copyable<T>, T, Unit>> initial;
    bool begins = false;  // is for the first partition

    void begin_partition(std::uint32_t index) { begins = index == 0; }
    [[nodiscard]] Partial start() const {
        if constexpr (is_copyable<T>) {
            if (begins && initial) return {initial, true};
        }
        return {};
    }
    void add(Partial& partial, const Batch<T>& batch) {
        batch.for_each(
            [&](auto&& element) { add_one(partial, std::forward<decltype(element)>(element)); });
    }
    template <class Element>
    void add_one(Partial& partial, Element&& element) {
        auto& folded = partial.folded;
        if (folded) {
            *folded = fold_in(binop, std::move(*folded), std::forward<Element>(element));
        } else if constexpr (can_keep<T, Element>) {
            folded.emplace(std::forward<Element>(element));
        } else {
            refuse_copy();
        }
    }
    void merge(Partial& earlier, Partial&& later) {
        if (!later.folded) return;
        if (!earlier.folded) {
            earlier = std::move(later);
        } else {
            *earlier.folded =
                T(detail::invoke(combine, std::move(*earlier.folded), std::move(*later.folded)));
        }
    }
    [[nodiscard]] T finish(Partial&& partial) {
        if constexpr (is_copyable<T>) {
            // A key of foldby() that the first partition has not.
            if (initial && !partial.has_initial) {
                Partial first{initial, true};
                merge(first, std::move(partial));
                return std::move(*first.folded);
            }
        }
        if (!partial.folded) throw_empty("fold");
        return std::move(*partial.folded);
    }
};

/// Whether two objects can be compared. Containers, pairs and tuples claim it even where their
/// elements cannot.
template <class T>
struct IsComparable : std::bool_constant<std::equality_comparable<T>> {};
template <class T>
requires requires {
    typename T::allocator_type;
    requires !std::is_same_v<typename T::value_type, T>;
}
struct IsComparable<T> : std::bool_constant<std::equality_comparable<T> &&
                                            IsComparable<typename T::value_type>::value> {};
template <class A, class B>
struct IsComparable<std::pair<A, B>>
    : std::bool_constant<IsComparable<std::remove_const_t<A>>::value && IsComparable<B>::value> {};
template <class... A>
struct IsComparable<std::tuple<A...>> : std::bool_constant<(IsComparable<A>::value && ...)> {};

/// Whether two objects are known to be equal, or equal but for having the same NaN.
template <class T>
bool known_equal(const T& a, const T& b) {
    if constexpr (IsComparable<T>::value) {
        return is_same_key(a, b);
    } else if constexpr (hashes_by_members<T>) {
        return visit_members(a, [&](const auto&... member) {
            return visit_members(
                b, [&](const auto&... other) { return (known_equal(member, other) && ...); });
        });
    } else if constexpr (std::has_unique_object_representations_v<T>) {
        return std::memcmp(&a, &b, sizeof(T)) == 0;
    } else {
        return false;
    }
}

/// The same, and tries the bytes of types that tell nothing of themselves. What is equal may differ
/// in bytes that mean nothing, so that it depends on chance whether two are seen to be equal.
template <class T>
bool looks_equal(const T& a, const T& b) {
    if constexpr (!IsComparable<T>::value && std::is_trivially_copyable_v<T>) {
        if (std::memcmp(&a, &b, sizeof(T)) == 0) return true;
    }
    return known_equal(a, b);
}

[[noreturn]] void throw_counts_twice();

/// Whether what a type is by default may be given to functions that join values of it: they need
/// not be ready for an empty table or a null pointer.
template <class Acc>
constexpr bool default_is_a_value() {
    if constexpr (std::is_arithmetic_v<Acc> || std::is_enum_v<Acc> || PathLike<Acc> ||
                  std::is_same_v<Acc, std::string>) {
        return true;
    } else if constexpr (requires { typename Acc::key_type; }) {
        return is_standard<Acc>();  // a map or a set, of nothing
    } else if constexpr (TupleLike<Acc>) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (default_is_a_value<std::tuple_element_t<I, Acc>>() && ...);
        }
        (std::make_index_sequence<std::tuple_size_v<Acc>>());
    } else if constexpr (OptionalLike<Acc>) {
        return true;
    } else if constexpr (hashes_by_members<Acc>) {
        return []<class... M>(TypeList<M...>) {
            return (default_is_a_value<M>() && ...);
        }(member_types<Acc>{});
    } else {
        return false;
    }
}

/// fold by a function of (result so far, element), joined by another: every partition needs
/// something to begin with, and `initial` must count once.
///
/// Partitions begin with `Acc{}` if joining that to `initial` changes nothing, and `initial` is
/// joined at the end. Else they begin with `initial`, if joining that to itself changes nothing, as
/// of a minimum; joining it to what precedes it must change nothing either, or it is an error.
/// Else, and where the order of joining counts, each goes on where the one before it has stopped.
template <class Acc, class F, class C>
struct SeededFoldReducer {
    /// What was folded, and whether anything was.
    using Partial = std::pair<Acc, bool>;
    enum class Begin { with_nothing, with_initial, in_order };
    static constexpr bool moves = false;
    F binop;
    C combine;
    Acc initial;
    Begin begin;

    static SeededFoldReducer make(F binop, C combine, Acc initial) {
        SeededFoldReducer reducer{std::move(binop), std::move(combine), std::move(initial),
                                  Begin::in_order};
        try {
            reducer.begin = reducer.best_begin();
        } catch (...) {  // it has to be ready for results of elements alone
            reducer.begin = Begin::in_order;
        }
        return reducer;
    }

    [[nodiscard]] bool in_order() const { return begin == Begin::in_order; }
    [[nodiscard]] Partial start() const {
        if constexpr (std::is_default_constructible_v<Acc>) {
            if (begin == Begin::with_nothing) return {Acc{}, false};
        }
        return {initial, false};
    }
    template <class T>
    void add(Partial& folded, const Batch<T>& batch) {
        batch.for_each(
            [&](auto&& element) { add_one(folded, std::forward<decltype(element)>(element)); });
    }
    template <class Element>
    void add_one(Partial& folded, Element&& element) {
        folded.first = fold_in(binop, std::move(folded.first), std::forward<Element>(element));
        folded.second = true;
    }
    void merge(Partial& earlier, Partial&& later) {
        if (!later.second) return;
        if (!earlier.second) {
            earlier = std::move(later);
            return;
        }
        if (begin == Begin::with_initial &&
            !known_equal(join(Acc(earlier.first), Acc(initial)), earlier.first)) {
            throw_counts_twice();
        }
        earlier.first = join(std::move(earlier.first), std::move(later.first));
    }
    [[nodiscard]] Acc finish(Partial&& folded) {
        if (begin != Begin::with_nothing) return std::move(folded.first);
        return folded.second ? join(Acc(initial), std::move(folded.first)) : initial;
    }

  private:
    [[nodiscard]] Acc join(Acc&& earlier, Acc&& later) {
        return detail::invoke(combine, std::move(earlier), std::move(later));
    }
    [[nodiscard]] Begin best_begin() {
        const auto own = [&] { return Acc(initial); };
        if constexpr (std::is_default_constructible_v<Acc>) {
            if (default_is_a_value<Acc>() || looks_equal(initial, Acc{})) {
                const auto joined = join(own(), Acc{});
                if (looks_equal(joined, initial)) return Begin::with_nothing;
                if (!known_equal(joined, join(Acc{}, own()))) return Begin::in_order;
            }
        }
        return known_equal(join(own(), own()), initial) ? Begin::with_initial : Begin::in_order;
    }
};

}  // namespace satchel::detail
