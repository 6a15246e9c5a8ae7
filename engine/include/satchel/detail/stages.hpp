// The element-wise operations: each a Stream that pulls from another.
//
// To add one: a class template here, with `next` and a constructor from (upstream, function), and a
// method in bag.hpp that names it.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/detail/pulled.hpp>
#include <satchel/detail/stream.hpp>

#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Calls a function with an element: given away if `Element` is an rvalue and the function can take
/// that, by const reference if it can take that, else as a copy.
template <class R, class T, class F, class Element>
R call_with(F& function, Element&& element) {
    if constexpr (callable_with<F, Element&&>) {
        return function(std::forward<Element>(element));
    } else if constexpr (callable_with<F, const T&>) {
        return function(std::as_const(element));
    } else if constexpr (is_copyable<T>) {
        return function(T(element));
    } else {
        refuse_copy();
    }
}

/// Whether a predicate holds for an element.
template <class T, class F>
bool holds(TaskFunction<F>& predicate, const T& element) {
    if constexpr (callable_with<F, const T&>) {
        return static_cast<bool>(predicate(element));
    } else {
        return static_cast<bool>(predicate(T(element)));
    }
}

/// Runs a loop with a local copy of a small object, which the compiler can keep in registers:
/// through the pointer to the stage, whatever the loop writes might change it.
template <class Object, class Loop>
void with_local(Object& object, Loop&& loop) {
    if constexpr (std::is_trivially_copy_constructible_v<Object> &&
                  std::is_trivially_destructible_v<Object> && sizeof(Object) <= 64) {
        auto local = object;
        loop(local);
        std::construct_at(&object, local);  // lambdas with captures cannot be assigned
    } else {
        loop(object);
    }
}

/// map: one result for each element.
template <class In, class Out, class F>
class MapStream final : public Stream<Out> {
  public:
    MapStream(std::unique_ptr<Stream<In>> upstream, const F& function)
        : pulled_(std::move(upstream)), function_(function) {}

    bool next(Batch<Out>& batch) override {
        if (!pulled_.fill()) return false;
        if constexpr (is_light<In> && is_light<Out>) {
            map_batch(batch);
        } else {
            map_some(batch);
        }
        return true;
    }
    void expect(std::size_t elements) override { pulled_.expect(elements); }

  private:
    // The results of a whole batch, over the elements themselves where that is possible.
    void map_batch(Batch<Out>& batch) {
        const auto pulled = pulled_.take();
        if constexpr (std::is_same_v<In, Out>) {
            if (pulled.owned) {
                auto* const items = pulled.items;
                with_local(function_, [&](auto& function) {
                    for_each_index(pulled.size, [&](std::size_t k) {
                        items[k] = call_with<Out, In>(function, std::as_const(items[k]));
                    });
                });
                batch = pulled;
                return;
            }
        }
        storage_.prepare(std::max(batch_elements_max, pulled.size));
        auto* const out = storage_.items();
        const auto* const in = pulled.items;
        with_local(function_, [&](auto& function) {
            for_each_index(pulled.size, [&](std::size_t k) {
                std::construct_at(out + k, call_with<Out, In>(function, in[k]));
            });
        });
        storage_.set_size(pulled.size);
        batch = storage_.batch();
    }

    // As many results as a batch may hold.
    void map_some(Batch<Out>& batch) {
        storage_.prepare();
        pulled_.visit([&](auto&& element) {
            storage_.emplace(
                call_with<Out, In>(function_, std::forward<decltype(element)>(element)));
            return storage_.has_room();
        });
        batch = storage_.batch();
    }

    Pulled<In, std::is_same_v<In, std::string> && takes_view<F>> pulled_;
    TaskFunction<F> function_;
    BatchStorage<Out> storage_;
};

/// filter: the elements for which a predicate holds. Kept elements are not copied, but pointed to.
template <class T, class F>
class FilterStream final : public Stream<T> {
  public:
    FilterStream(std::unique_ptr<Stream<T>> upstream, const F& predicate)
        : upstream_(std::move(upstream)), predicate_(predicate) {}

    bool next(Batch<T>& batch) override {
        if (!upstream_->next(batch)) return false;
        if constexpr (is_light<T>) {
            compact(batch);
        } else {
            pick(batch);
        }
        return true;
    }
    void expect(std::size_t elements) override { upstream_->expect(elements); }

  private:
    // Writes every element and advances over those that stay: no branch to mispredict.
    void compact(Batch<T>& batch) {
        auto* out = batch.items;
        if (!batch.owned) {
            storage_.prepare(std::max(batch_elements_max, batch.size));
            out = storage_.items();
        }
        const auto* const in = batch.items;
        std::size_t kept = 0;
        with_local(predicate_, [&](auto& predicate) {
            auto* place = out;
            for (std::size_t k = 0; k < batch.size; ++k) {
                const T element = in[k];
                *place = element;
                place += holds<T>(predicate, element) ? 1 : 0;
            }
            kept = static_cast<std::size_t>(place - out);
        });
        batch = {out, nullptr, kept, true};
    }

    void pick(Batch<T>& batch) {
        if (batch.owned) {
            if constexpr (std::is_move_assignable_v<T>) {
                std::size_t kept = 0;
                for (std::size_t k = 0; k < batch.size; ++k) {
                    if (!holds<T>(predicate_, batch.items[k])) continue;
                    if (kept != k) batch.items[kept] = std::move(batch.items[k]);
                    ++kept;
                }
                batch.size = kept;
            } else {
                storage_.prepare(batch.size);
                for (std::size_t k = 0; k < batch.size; ++k) {
                    if (holds<T>(predicate_, batch.items[k]))
                        storage_.emplace(std::move(batch.items[k]));
                }
                batch = storage_.batch();
            }
            return;
        }
        picked_.clear();
        batch.for_each([&](const T& element) {
            if (holds<T>(predicate_, element)) picked_.push_back(&element);
        });
        batch.scattered = picked_.data();
        batch.size = picked_.size();
    }

    std::unique_ptr<Stream<T>> upstream_;
    TaskFunction<F> predicate_;
    BatchStorage<T> storage_;
    std::vector<const T*> picked_;
};

/// flatten: the elements of the elements.
template <class Range, class Out>
class FlattenStream final : public Stream<Out> {
  public:
    explicit FlattenStream(std::unique_ptr<Stream<Range>> upstream)
        : upstream_(std::move(upstream)) {}

    bool next(Batch<Out>& batch) override {
        storage_.prepare();
        const auto limit = limit_.next();
        while (storage_.has_room() && storage_.size() < limit && (open() || advance())) {
            if (!gives_in_place()) {
                drain();
            } else if (storage_.size() == 0) {
                batch = owned_ ? in_place(owned_, owns_parts<Range>, limit)
                               : in_place(kept_, false, limit);
                return true;
            } else {
                break;
            }
        }
        if (storage_.size() == 0) return false;
        batch = storage_.batch();
        return true;
    }
    void expect(std::size_t elements) override {
        limit_.expect(elements);
        upstream_->expect(elements);
    }

  private:
    using Owned = std::pair<std::ranges::iterator_t<Range>, std::ranges::sentinel_t<Range>>;
    struct Nothing {};
    static constexpr bool readable_in_place = std::ranges::input_range<const Range>;
    template <bool, class R>
    struct KeptOf {
        using type = Nothing;
    };
    template <class R>
    struct KeptOf<true, R> {
        using type = std::pair<std::ranges::iterator_t<const R>, std::ranges::sentinel_t<const R>>;
    };
    using Kept = typename KeptOf<readable_in_place, Range>::type;

    [[nodiscard]] bool open() const { return owned_.has_value() || kept_.has_value(); }

    // Opens the next range; false at the end of the stream.
    bool advance() {
        while (at_ == pulled_.size) {
            if (!upstream_->next(pulled_)) return false;
            at_ = 0;
        }
        at_ = pulled_.visit(at_, [&](auto&& range) {
            if constexpr (!std::is_lvalue_reference_v<decltype(range)>) {
                owned_.emplace(std::ranges::begin(range), std::ranges::end(range));
            } else if constexpr (readable_in_place) {
                kept_.emplace(std::ranges::begin(range), std::ranges::end(range));
            } else {
                refuse_copy();
            }
            return false;
        });
        return true;
    }

    // Ranges of some length that lie in memory as a batch does are given on as they are; shorter
    // ones are gathered, so that batches do not get small.
    static constexpr bool lies_as_batch = [] {
        if constexpr (std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range>) {
            return std::is_same_v<std::ranges::range_value_t<Range>, Out> &&
                   (std::ranges::contiguous_range<const Range> || !readable_in_place);
        } else {
            return false;
        }
    }();
    static constexpr std::ptrdiff_t worth_giving = is_light<Out> ? 128 : 4;

    [[nodiscard]] bool gives_in_place() const {
        if constexpr (lies_as_batch && readable_in_place) {
            return owned_ ? owned_->second - owned_->first >= worth_giving
                          : kept_->second - kept_->first >= worth_giving;
        } else {
            return false;
        }
    }

    template <class Opened>
    static Batch<Out> in_place(Opened& range, bool owned, std::size_t limit) {
        if constexpr (lies_as_batch && readable_in_place) {
            auto& [at, end] = *range;
            const auto size =
                std::min<std::ptrdiff_t>(end - at, static_cast<std::ptrdiff_t>(limit));
            auto* const items = const_cast<Out*>(std::to_address(at));
            at += size;
            if (at == end) range.reset();
            return {items, nullptr, static_cast<std::size_t>(size), owned};
        } else {
            return {};
        }
    }

    void drain() {
        if (owned_) {
            for (auto& [at, end] = *owned_; at != end && storage_.has_room(); ++at) {
                if constexpr (owns_parts<Range>) {
                    storage_.emplace(std::ranges::iter_move(at));
                } else {
                    keep(*at);
                }
            }
            if (owned_->first == owned_->second) owned_.reset();
        } else if constexpr (readable_in_place) {
            for (auto& [at, end] = *kept_; at != end && storage_.has_room(); ++at) {
                keep(*at);
            }
            if (kept_->first == kept_->second) kept_.reset();
        }
    }

    // A copy of a part that belongs to somebody else.
    template <class Part>
    void keep(Part&& part) {
        if constexpr (can_keep<Out, Part&&>) {
            storage_.emplace(std::forward<Part>(part));
        } else {
            refuse_copy();
        }
    }

    std::unique_ptr<Stream<Range>> upstream_;
    Batch<Range> pulled_;
    std::size_t at_ = 0;
    std::optional<Owned> owned_;  // the range that is being read, if it is ours …
    std::optional<Kept> kept_;    // … or if it is not
    BatchLimit limit_;
    BatchStorage<Out> storage_;
};

}  // namespace satchel::detail
