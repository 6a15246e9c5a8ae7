// The reducers of numbers: product, extremes, truth, mean, variance.
#pragma once

#include <satchel/detail/reducers.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace satchel::detail {

[[nodiscard]] double square_root(double x) noexcept;
[[noreturn]] void throw_product_overflow();
[[noreturn]] void throw_ddof(std::int64_t ddof, std::uint64_t count);

/// prod of integers: in 128 bits; a zero makes every overflow before it right again.
template <class T>
struct IntegerProductReducer {
    __extension__ using Wide = __int128;
    using Result = typename IntegerSumReducer<T>::Result;
    struct Partial {
        std::uint64_t low = 1;
        std::int64_t high = 0;
        bool overflow = false;
        bool empty = true;
    };
    static constexpr bool moves = false;

    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& product, const Batch<T>& batch) {
        batch.for_each([&](const T& x) { multiply(product, static_cast<Wide>(x)); });
        product.empty = false;
    }
    void merge(Partial& earlier, Partial&& later) {
        const bool overflow = later.overflow;
        multiply(earlier, get(later));
        if (get(earlier) != 0) earlier.overflow |= overflow;
        earlier.empty &= later.empty;
    }
    [[nodiscard]] Result finish(Partial&& product) const {
        if (product.empty) throw_empty("prod");
        const auto wide = get(product);
        if (product.overflow || wide < std::numeric_limits<Result>::min() ||
            wide > std::numeric_limits<Result>::max()) {
            throw_product_overflow();
        }
        return static_cast<Result>(wide);
    }

  private:
    static Wide get(const Partial& product) {
        return (static_cast<Wide>(product.high) << 64) | product.low;
    }
    static void multiply(Partial& product, Wide factor) {
        if (factor == 0) product.overflow = false;
        Wide wide = get(product);
        // After an overflow the value only keeps whether it is zero.
        if (__builtin_mul_overflow(wide, factor, &wide)) {
            product.overflow = true;
            wide = 1;
        }
        product.low = static_cast<std::uint64_t>(wide);
        product.high = static_cast<std::int64_t>(wide >> 64);
    }
};

/// prod of floating-point numbers.
template <class T>
struct FloatingProductReducer {
    struct Partial {
        double product = 1;
        bool empty = true;
    };
    static constexpr bool moves = false;
    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& partial, const Batch<T>& batch) {
        batch.for_each([&](const T& x) { partial.product *= static_cast<double>(x); });
        partial.empty = false;
    }
    void merge(Partial& earlier, Partial&& later) {
        earlier.product *= later.product;
        earlier.empty &= later.empty;
    }
    [[nodiscard]] double finish(Partial&& partial) const {
        if (partial.empty) throw_empty("prod");
        return partial.product;
    }
};

template <class T>
auto product_reducer() {
    check_width<T>();
    if constexpr (std::is_integral_v<T>) {
        return IntegerProductReducer<T>{};
    } else if constexpr (std::is_floating_point_v<T>) {
        return FloatingProductReducer<T>{};
    } else {
        return CountReducer{};  // prod() has said what it needs
    }
}

/// min and max: of equal elements the first. `Better(a, b)`: a is to be preferred to b. A NaN is
/// preferred to all numbers, so that the result does not depend on where partitions begin.
template <class T, class Better>
struct ExtremeReducer {
    static_assert(
        requires(const T& a, const T& b) { static_cast<bool>(a < b); },
        "satchel: min() and max() need elements that can be compared with <. Give their "
        "type an operator<, or map them to what counts.");
    using Partial = std::optional<T>;
    static constexpr bool moves = true;

    [[nodiscard]] Partial start() const { return std::nullopt; }
    void add(Partial& best, const Batch<T>& batch) {
        if constexpr (is_light<T>) {
            T first = best ? *best : batch.items[0];
            batch.for_each([&](const T& x) { first = is_better(x, first) ? x : first; });
            best = first;
        } else {
            batch.for_each([&](auto&& x) { add_one(best, std::forward<decltype(x)>(x)); });
        }
    }
    template <class Element>
    void add_one(Partial& best, Element&& x) {
        if (best && !is_better(x, *best)) return;
        if constexpr (can_keep<T, Element>) {
            best.emplace(std::forward<Element>(x));
        } else {
            refuse_copy();
        }
    }
    void merge(Partial& earlier, Partial&& later) {
        if (later && (!earlier || is_better(*later, *earlier))) earlier.emplace(std::move(*later));
    }
    [[nodiscard]] T finish(Partial&& best) const {
        if (!best) throw_empty(Better::name);
        return std::move(*best);
    }

  private:
    static bool is_better(const T& one, const T& other) {
        if constexpr (std::is_floating_point_v<T>) {
            return static_cast<bool>(static_cast<int>(Better{}(one, other)) |
                                     static_cast<int>(one != one));
        } else {
            return Better{}(one, other);
        }
    }
};

struct Less {
    static constexpr const char* name = "min";
    template <class T>
    bool operator()(const T& a, const T& b) const {
        return a < b;
    }
};
struct Greater {
    static constexpr const char* name = "max";
    template <class T>
    bool operator()(const T& a, const T& b) const {
        return b < a;
    }
};

/// any (`Sought` true) and all (`Sought` false): whether there is an element that is, or is not,
/// true.
template <bool Sought>
struct TruthReducer {
    using Partial = bool;  // whether one was found
    static constexpr bool moves = false;
    [[nodiscard]] Partial start() const { return false; }
    template <class T>
    void add(Partial& found, const Batch<T>& batch) {
        constexpr bool can_be_asked = std::is_constructible_v<bool, const T&>;
        static_assert(can_be_asked,
                      "satchel: any() and all() need elements that are true or false: bool, or "
                      "what converts to it. Map them to a condition first.");
        if constexpr (can_be_asked) {
            batch.for_each([&](const T& x) { found |= static_cast<bool>(x) == Sought; });
        }
    }
    [[nodiscard]] bool finished(const Partial& found) const { return found; }
    void merge(Partial& earlier, Partial&& later) { earlier |= later; }
    [[nodiscard]] bool finish(Partial&& found) const { return found == Sought; }
};

/// a - b, of which a double holds more digits than of either.
template <class T>
double difference(T a, T b) {
    if constexpr (std::is_integral_v<T> && sizeof(T) > 4) {
        const auto up = static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
        return a < b ? -static_cast<double>(-up) : static_cast<double>(up);
    } else {
        return static_cast<double>(a) - static_cast<double>(b);
    }
}

/// Number, mean and sum of squared deviations. Batches are taken in two passes, and joined as in
/// Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
/// Variances" (1979). The mean is told from one of the elements, so nothing cancels, however far
/// the numbers lie from zero.
template <class T>
struct Moments {
    std::uint64_t count = 0;
    T origin = {};
    double mean = 0;  // the mean of x - origin
    double squares = 0;

    void join(const Moments& later) {
        if (later.count == 0) return;
        if (count == 0) {
            *this = later;
            return;
        }
        const auto n = static_cast<double>(count);
        const auto m = static_cast<double>(later.count);
        const double delta = difference(later.origin, origin) + (later.mean - mean);
        mean += delta * (m / (n + m));
        squares += later.squares + delta * delta * (n * m / (n + m));
        count += later.count;
    }
};

/// var and std
template <class T>
struct VarianceReducer {
    using Partial = Moments<T>;
    static constexpr bool moves = false;
    std::int64_t ddof;
    bool root;  // std, not var

    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& moments, const Batch<T>& batch) {
        const T origin = batch.items[0];
        const auto deviation = [&](std::size_t k) { return difference(batch.items[k], origin); };
        const double mean = lane_sum(batch.size, deviation) / static_cast<double>(batch.size);
        const double squares = lane_sum(batch.size, [&](std::size_t k) {
            const double d = deviation(k) - mean;
            return d * d;
        });
        moments.join({batch.size, origin, mean, squares});
    }
    void merge(Partial& earlier, Partial&& later) { earlier.join(later); }
    [[nodiscard]] double finish(Partial&& moments) const {
        if (moments.count == 0) throw_empty(root ? "std" : "var");
        const auto freedom = static_cast<double>(moments.count) - static_cast<double>(ddof);
        if (freedom <= 0) throw_ddof(ddof, moments.count);
        const double variance = moments.squares / freedom;
        return root ? square_root(variance) : variance;
    }

  private:
    // Eight sums at once: additions need not wait for each other.
    template <class F>
    static double lane_sum(std::size_t n, F&& term) {
        double lanes[8] = {};
        std::size_t k = 0;
        for (; k + 8 <= n; k += 8) {
            for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += term(k + lane);
        }
        for (; k < n; ++k) lanes[k % 8] += term(k);
        return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
               ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
    }
};

/// mean: the sum as sum() computes it, divided by the number.
template <class T>
struct MeanReducer {
    using Sum = decltype(sum_reducer<T>());
    struct Partial {
        typename Sum::Partial sum;
        std::uint64_t count = 0;
    };
    static constexpr bool moves = false;

    [[nodiscard]] Partial start() const { return {Sum{}.start(), 0}; }
    void add(Partial& partial, const Batch<T>& batch) {
        Sum{}.add(partial.sum, batch);
        partial.count += batch.size;
    }
    void merge(Partial& earlier, Partial&& later) {
        Sum{}.merge(earlier.sum, std::move(later.sum));
        earlier.count += later.count;
    }
    [[nodiscard]] double finish(Partial&& partial) const {
        if (partial.count == 0) throw_empty("mean");
        return static_cast<double>(Sum::get(partial.sum)) / static_cast<double>(partial.count);
    }
};
/// The sum of floating-point numbers may be too large where their mean is not, so there is a second
/// one of small parts of them.
template <std::floating_point T>
struct MeanReducer<T> {
    struct Partial {
        FloatingSumReducer::Partial sum;
        double parts = 0;
        std::uint64_t count = 0;
    };
    static constexpr bool moves = false;
    static constexpr double part = 0x1p-100;

    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& partial, const Batch<T>& batch) {
        using Sum = FloatingSumReducer;
        const auto sum = Sum::sum_of(batch);
        Sum{}.add_sum(partial.sum, sum);
        partial.parts += __builtin_isfinite(sum) ? sum * part : Sum::sum_of(batch, part);
        partial.count += batch.size;
    }
    void merge(Partial& earlier, Partial&& later) {
        FloatingSumReducer{}.merge(earlier.sum, std::move(later.sum));
        earlier.parts += later.parts;
        earlier.count += later.count;
    }
    [[nodiscard]] double finish(Partial&& partial) const {
        if (partial.count == 0) throw_empty("mean");
        const auto count = static_cast<double>(partial.count);
        const auto sum = FloatingSumReducer{}.finish(std::move(partial.sum));
        return __builtin_isfinite(sum) ? sum / count : partial.parts / count / part;
    }
};

}  // namespace satchel::detail
