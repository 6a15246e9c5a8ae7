// map_partitions: a function of a whole partition, and what it returns as a stream.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/detail/stream.hpp>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace satchel::detail {

/// How map_partitions' function takes a whole partition.
template <class F, class T>
inline constexpr bool takes_vector = callable_with<F, std::vector<T>>;
template <class F, class T>
inline constexpr bool takes_span = callable_with<F, std::span<const T>>;

template <class F, class T>
decltype(auto) call_with_partition(F& function, Items<T>& items) {
    if constexpr (takes_vector<F, T>) {
        if constexpr (std::is_same_v<T, bool>) {
            using Result = decltype(function(std::vector<bool>()));
            // No reference to it may leave this function.
            using Kept = std::conditional_t<std::is_reference_v<Result>,
                                            std::remove_cvref_t<Result>, Result>;
            return Kept(function(std::vector<bool>(items.begin(), items.end())));
        } else {
            return function(std::move(items));
        }
    } else {
        return function(std::span<const T>(items.data(), items.size()));
    }
}

template <class F, class T>
struct PartitionResult {
    using type =
        call_result<F, std::conditional_t<takes_vector<F, T>, std::vector<T>, std::span<const T>>>;
};

/// A result that is one element although it could be iterated over.
template <class R>
inline constexpr bool is_one_element =
    !std::ranges::input_range<R> || std::is_same_v<R, std::string> || std::is_same_v<R, Bytes> ||
    requires(R r) {
    r.native().c_str();
}  // a path
|| requires { requires std::is_same_v<std::ranges::range_value_t<R>, R>; };  // JSON, a tree

/// What the new partition is made of.
template <class R>
struct PartitionElement {
    using type = R;
};
template <class R>
requires(!is_one_element<R>) struct PartitionElement<R> {
    using type = element_type<std::ranges::range_value_t<R>>;
};

/// The elements that map_partitions makes of what its function returned.
template <class Out, class R>
Items<Out> elements_of(R&& result) {
    using Result = std::remove_cvref_t<R>;
    if constexpr (std::is_same_v<Result, Items<Out>> && !is_one_element<Result>) {
        return std::forward<R>(result);
    } else {
        Items<Out> items;
        if constexpr (is_one_element<Result>) {
            items.push_back(std::forward<R>(result));
        } else if constexpr (!std::is_lvalue_reference_v<R> && owns_parts<Result>) {
            for (auto&& element : result) items.push_back(std::move(element));
        } else {
            for (auto&& element : result) items.push_back(Out(element));
        }
        return items;
    }
}

/// Elements that a stage holds, to be given on batch by batch.
template <class T>
class HeldElements {
  public:
    void hold(Items<T> items) { items_ = std::move(items); }
    void expect(std::size_t elements) noexcept { limit_.expect(elements); }
    bool next(Batch<T>& batch) {
        if (at_ == items_.size()) return false;
        batch = {items_.data() + at_, nullptr, std::min(limit_.next(), items_.size() - at_), true};
        at_ += batch.size;
        return true;
    }

  private:
    Items<T> items_;
    std::size_t at_ = 0;
    BatchLimit limit_;
};

/// map_partitions: a function of the whole partition.
template <class In, class Out, class F>
class PartitionStream final : public Stream<Out> {
  public:
    PartitionStream(std::unique_ptr<Stream<In>> upstream, const F& function)
        : upstream_(std::move(upstream)), function_(function) {}

    bool next(Batch<Out>& batch) override {
        if (upstream_) {
            auto items = collect_all(*upstream_);
            upstream_.reset();
            made_.hold(
                elements_of<Out>(call_with_partition<TaskFunction<F>, In>(function_, items)));
        }
        return made_.next(batch);
    }
    void expect(std::size_t elements) override { made_.expect(elements); }

  private:
    std::unique_ptr<Stream<In>> upstream_;
    TaskFunction<F> function_;
    HeldElements<Out> made_;
};

}  // namespace satchel::detail
