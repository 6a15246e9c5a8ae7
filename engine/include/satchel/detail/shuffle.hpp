// Operations that bring elements with equal keys together: groupby, join and product.
//
// groupby and join split each partition into pieces (see pieces.hpp), exchange these, and combine
// those of an output partition: in a map that gives its keys in the order in which they came first.
// A join with a small side makes one map of that instead, which goes along with every partition of
// the other side.
#pragma once

#include <satchel/bag_options.hpp>
#include <satchel/detail/bag_support.hpp>
#include <satchel/detail/grouping.hpp>
#include <satchel/detail/invoke.hpp>
#include <satchel/detail/ordered_map.hpp>
#include <satchel/detail/partition_stage.hpp>
#include <satchel/detail/pieces.hpp>
#include <satchel/detail/records.hpp>
#include <satchel/detail/reduce.hpp>
#include <satchel/detail/stages.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel::detail {

// ---- splitting ----------------------------------------------------------------------------------

/// What a splitting task knows.
template <class T, class K, class F>
struct Split {
    F key;
    std::uint32_t outputs = 1;
    /// Always empty: what is sent travels exactly if this does, and whoever sends a graph finds out
    /// before it does.
    std::optional<std::pair<K, T>> example = {};
};

template <class T, class K, class F>
Value split_partition(const Value& state, Binding& binding) {
    const auto& split = state.get<Split<T, K, F>>();
    PieceWriter<K, T> writer(split.outputs);
    const F function = split.key;
    const auto stream = typed<T>(std::move(binding.upstream(0)));
    for (Batch<T> batch; stream->next(batch);) {
        batch.for_each([&](auto&& x) {
            using Key = std::invoke_result_t<const F&, const T&>;
            if constexpr (std::is_same_v<std::remove_cvref_t<Key>, K>) {
                const Key& key = detail::invoke(function, std::as_const(x));
                writer.add(key, std::forward<decltype(x)>(x));
            } else {
                const K key(detail::invoke(function, std::as_const(x)));
                writer.add(key, std::forward<decltype(x)>(x));
            }
        });
    }
    return Value::of(std::move(writer).finish());
}

/// The pieces of `bag` by `key`, for `outputs` partitions.
template <class T, class F>
Exchange shuffled(const NodePtr& bag, const std::string& name, Token token, F key,
                  std::uint32_t outputs) {
    using K = key_result<F, T>;
    auto split = Node::make(
        {.role = Node::Role::sink,
         .needs_owned = !is_copyable<T> && !records_travel<K, T>,
         .count = bag->description.count,
         .name = name + "-split",
         .token = token,
         .sink = sink_part<&split_partition<T, K, F>>(Split<T, K, F>{std::move(key), outputs}),
         .inputs = {{.kind = NodeInput::Kind::stream, .node = bag}}});
    return exchange(std::move(split), outputs, name);
}

/// A source that is made of values: new elements, which nobody else has.
[[nodiscard]] NodePtr combining_node(const char* name, Token token, std::uint32_t count,
                                     StreamPart part, const ElementOperations* elements,
                                     std::vector<NodeInput> inputs);

template <StreamCode::Make make>
StreamPart stateless_part() {
    return {&StreamCodeOf<make, void>::code, {}};
}

// ---- groupby ------------------------------------------------------------------------------------

template <class K, class T>
class GroupStream final : public Stream<std::pair<K, std::vector<T>>> {
    using Group = std::pair<K, std::vector<T>>;

  public:
    static std::unique_ptr<StreamBase> open(const Value&, Binding& binding) {
        const auto& pieces = binding.arguments().template get<ShufflePieces>(binding.slot(0));
        return late_stream<Group>([&pieces, index = binding.index()] {
            OrderedMap<K, std::vector<T>> groups;
            RecordReader<K, T> reader(pieces, index);
            while (reader.next()) {
                auto& group =
                    groups.find_or_add(std::move(reader.key()), [] { return std::vector<T>(); });
                group.push_back(std::move(reader.element()));
            }
            return std::make_unique<GroupStream>(std::move(groups.entries()));
        });
    }

    explicit GroupStream(std::vector<Group> groups) { groups_.hold(std::move(groups)); }

    bool next(Batch<Group>& batch) override { return groups_.next(batch); }
    void expect(std::size_t elements) override { groups_.expect(elements); }

  private:
    HeldElements<Group> groups_;
};

template <class T, class F>
NodePtr groupby_node(const NodePtr& bag, Token token, F key, std::uint32_t outputs) {
    using K = key_result<F, T>;
    using Group = std::pair<K, std::vector<T>>;
    token = Token::of("groupby").then(token).then(outputs).then(bag->description.token);
    const auto pieces = shuffled<T>(bag, "groupby", token.then(1), std::move(key), outputs);
    return combining_node("groupby", token, outputs, stateless_part<&GroupStream<K, T>::open>(),
                          &element_operations<Group>, {pieces.input()});
}

// ---- join ---------------------------------------------------------------------------------------

/// One side of a join, by key.
template <class K, class T>
using JoinMap = OrderedMap<K, Items<T>>;

/// The other side, element by element; like a RecordReader, with a key function.
template <class K, class T, class F>
class KeyedStream {
  public:
    KeyedStream(std::unique_ptr<Stream<T>> stream, const F& key)
        : stream_(std::move(stream)), function_(key) {}

    bool next() {
        while (++at_ >= batch_.size) {
            at_ = SIZE_MAX;
            batch_.size = 0;
            if (!stream_->next(batch_)) return false;
        }
        if constexpr (refers) {
            key_ = &detail::invoke(std::as_const(function_), element());
        } else {
            key_.emplace(detail::invoke(std::as_const(function_), element()));
        }
        return true;
    }
    [[nodiscard]] const K& key() const noexcept { return *key_; }
    [[nodiscard]] const T& element() const noexcept { return batch_.at(at_); }
    void expect(std::size_t elements) { stream_->expect(elements); }

  private:
    using Key = std::invoke_result_t<const F&, const T&>;
    static constexpr bool refers =
        std::is_lvalue_reference_v<Key> && std::is_same_v<std::remove_cvref_t<Key>, K>;

    std::unique_ptr<Stream<T>> stream_;
    F function_;
    Batch<T> batch_;
    std::size_t at_ = SIZE_MAX;
    std::conditional_t<refers, const K*, std::optional<K>> key_ = {};
};

/// The pairs that a join gives: for each element of a `Reader`, those with what the map has at its
/// key. `map_first`: what is from the map comes first in a pair.
template <bool map_first, class K, class Mapped, class T, class Reader>
class JoinStream final
    : public Stream<std::conditional_t<map_first, std::pair<Mapped, T>, std::pair<T, Mapped>>> {
  public:
    using Out = std::conditional_t<map_first, std::pair<Mapped, T>, std::pair<T, Mapped>>;

    JoinStream(std::shared_ptr<const JoinMap<K, Mapped>> map, Reader reader)
        : map_(std::move(map)), reader_(std::move(reader)) {}

    bool next(Batch<Out>& batch) override {
        storage_.prepare();
        const auto limit = limit_.next();
        while (storage_.has_room() && storage_.size() < limit &&
               (match_ != matches_end_ || find_matches())) {
            if constexpr (map_first) {
                storage_.emplace(*match_++, std::as_const(reader_.element()));
            } else {
                storage_.emplace(std::as_const(reader_.element()), *match_++);
            }
        }
        if (storage_.size() == 0) return false;
        batch = storage_.batch();
        return true;
    }
    void expect(std::size_t elements) override {
        limit_.expect(elements);
        if constexpr (requires { reader_.expect(elements); }) reader_.expect(elements);
    }

  private:
    bool find_matches() {
        while (reader_.next()) {
            const auto* found = map_->find(reader_.key());
            if (found == nullptr) continue;
            match_ = found->data();
            matches_end_ = match_ + found->size();
            return true;
        }
        return false;
    }

    std::shared_ptr<const JoinMap<K, Mapped>> map_;
    Reader reader_;
    const Mapped* match_ = nullptr;
    const Mapped* matches_end_ = nullptr;
    BatchLimit limit_;
    BatchStorage<Out> storage_;
};

/// One partition of a join of two bags that were both shuffled: slot 0 is the left one, `T`.
template <class K, class T, class U>
std::unique_ptr<StreamBase> open_join(const Value&, Binding& binding) {
    const auto& left = binding.arguments().get<ShufflePieces>(binding.slot(0));
    const auto& right = binding.arguments().get<ShufflePieces>(binding.slot(1));
    return late_stream<std::pair<U, T>>([&left, &right, index = binding.index()] {
        auto map = std::make_shared<JoinMap<K, U>>();
        RecordReader<K, U> other(right, index);
        while (other.next()) {
            auto& matches = map->find_or_add(std::move(other.key()), [] { return Items<U>(); });
            matches.push_back(std::move(other.element()));
        }
        using Reader = RecordReader<K, T>;
        return std::make_unique<JoinStream<true, K, U, T, Reader>>(std::move(map),
                                                                   Reader(left, index));
    });
}

template <class T, class U, class F, class G>
NodePtr join_node(const NodePtr& self, const NodePtr& other, Token token, F on_self, G on_other,
                  std::uint32_t outputs) {
    using K = key_result<F, T>;
    token = token.then(0).then(outputs);
    const auto left = shuffled<T>(self, "join-left", token.then(1), std::move(on_self), outputs);
    const auto right =
        shuffled<U>(other, "join-right", token.then(2), std::move(on_other), outputs);
    return combining_node("join", token, outputs, stateless_part<&open_join<K, T, U>>(),
                          &element_operations<std::pair<U, T>>, {left.input(), right.input()});
}

// ---- join with a small side ---------------------------------------------------------------------

/// A map that many tasks share.
template <class K, class T>
struct SharedJoinMap {
    std::shared_ptr<const JoinMap<K, T>> map = {};

    template <class Archive>
    requires(travels<K>&& travels<T>) void serialize(Archive& archive, unsigned) {
        if constexpr (Archive::is_loading::value) {
            auto loaded = std::make_shared<JoinMap<K, T>>();
            archive&* loaded;
            map = std::move(loaded);
        } else {
            const_cast<JoinMap<K, T>&>(*map).serialize(archive, 0);
        }
    }
};

/// Makes the map of the small side.
template <class T, class F>
struct JoinMapReducer {
    using K = key_result<F, T>;
    using Partial = JoinMap<K, T>;
    static constexpr bool moves = true;
    F key;

    [[nodiscard]] Partial start() const { return {}; }
    void add(Partial& map, const Batch<T>& batch) {
        batch.for_each([&](auto&& x) {
            auto& items = at(map, K(detail::invoke(key, std::as_const(x))));
            items.push_back(std::forward<decltype(x)>(x));
        });
    }
    void merge(Partial& earlier, Partial&& later) {
        for (auto& [k, items] : later.entries()) {
            auto& merged = at(earlier, std::move(k));
            for (auto& x : items) merged.push_back(std::move(x));
        }
    }
    [[nodiscard]] SharedJoinMap<K, T> finish(Partial&& map) const {
        return {std::make_shared<const Partial>(std::move(map))};
    }

  private:
    static Items<T>& at(Partial& map, K k) {
        return map.find_or_add(std::move(k), [] { return Items<T>(); });
    }
};

template <bool map_first, class Mapped, class T, class F>
std::unique_ptr<StreamBase> open_map_join(const Value& state, Binding& binding) {
    using K = key_result<F, T>;
    using Reader = KeyedStream<K, T, F>;
    const auto& shared =
        binding.arguments().template get<SharedJoinMap<K, Mapped>>(binding.slot(0));
    return std::make_unique<JoinStream<map_first, K, Mapped, T, Reader>>(
        shared.map, Reader(typed<T>(std::move(binding.upstream(0))), state.get<F>()));
}

/// Joins `large`, of `T`, with a map of `small`, of `Mapped`; element by element, so that the
/// partitions of `large` stay.
template <bool map_first, class Mapped, class T, class F, class G>
NodePtr map_join_node(const NodePtr& large, const NodePtr& small, Token token, F on_large,
                      G on_small) {
    using Out = std::conditional_t<map_first, std::pair<Mapped, T>, std::pair<T, Mapped>>;
    auto map = reduce<Mapped>(small, "join-map", ReductionOptions{}.split_every, token.then(1),
                              JoinMapReducer<Mapped, G>{std::move(on_small)});
    return Node::make(
        {.role = Node::Role::stage,
         .count = large->description.count,
         .name = "join",
         .token = token,
         .stream = stream_part<&open_map_join<map_first, Mapped, T, F>>(std::move(on_large)),
         .elements = &element_operations<Out>,
         .inputs = {{.kind = NodeInput::Kind::stream, .node = large},
                    {.kind = NodeInput::Kind::at, .node = std::move(map)}}});
}

// ---- product ------------------------------------------------------------------------------------

/// All pairs of an element of slot 0 and one of slot 1.
template <class T, class U>
class ProductStream final : public Stream<std::pair<T, U>> {
  public:
    static std::unique_ptr<StreamBase> open(const Value&, Binding& binding) {
        return std::make_unique<ProductStream>(
            binding.arguments().template get<Items<T>>(binding.slot(0)),
            binding.arguments().template get<Items<U>>(binding.slot(1)));
    }

    ProductStream(const Items<T>& left, const Items<U>& right)
        : left_(left.data()), left_end_(left_ + left.size()), right_(right) {}

    bool next(Batch<std::pair<T, U>>& batch) override {
        if (right_.empty()) return false;
        storage_.prepare();
        const auto limit = limit_.next();
        while (left_ != left_end_ && storage_.has_room() && storage_.size() < limit) {
            storage_.emplace(*left_, right_.data()[at_]);
            if (++at_ < right_.size()) continue;
            at_ = 0;
            ++left_;
        }
        if (storage_.size() == 0) return false;
        batch = storage_.batch();
        return true;
    }
    void expect(std::size_t elements) override { limit_.expect(elements); }

  private:
    const T* left_;
    const T* left_end_;
    const Items<U>& right_;
    std::size_t at_ = 0;
    BatchLimit limit_;
    BatchStorage<std::pair<T, U>> storage_;
};

template <class T, class U>
NodePtr product_node(const NodePtr& self, const NodePtr& other) {
    using Kind = NodeInput::Kind;
    const std::int64_t width = other->description.count;
    const auto count = checked_partitions(self->description.count * width, "product");
    const auto token =
        Token::of("product").then(self->description.token).then(other->description.token);
    return combining_node("product", token, count, stateless_part<&ProductStream<T, U>::open>(),
                          &element_operations<std::pair<T, U>>,
                          {{.kind = Kind::cross_left, .node = self, .step = width},
                           {.kind = Kind::cross_right, .node = other, .step = width}});
}

}  // namespace satchel::detail
