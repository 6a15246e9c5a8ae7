// Operations that bring elements together: groupby and product; see also join.hpp.
//
// groupby and join split each partition into pieces (see pieces.hpp), exchange these, and combine
// those of an output partition: in a map that gives its keys in the order in which they came first.
#pragma once

#include <satchel/bag_options.hpp>
#include <satchel/detail/bag_support.hpp>
#include <satchel/detail/grouping.hpp>
#include <satchel/detail/invoke.hpp>
#include <satchel/detail/key_block.hpp>
#include <satchel/detail/ordered_map.hpp>
#include <satchel/detail/partition_stage.hpp>
#include <satchel/detail/pieces.hpp>
#include <satchel/detail/records.hpp>
#include <satchel/detail/short_string.hpp>
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
                const K& key = detail::invoke(function, std::as_const(x));
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

/// Makes `key` number `k` of `keys`, which has had others before. A string gets what that one has
/// for it, in exchange: most keys are there already, and their memory is of use again.
template <class K>
void put_key(std::vector<K>& keys, std::size_t k, K& key) {
    if constexpr (std::is_same_v<K, std::string>) {
        if (k < keys.size()) {
            if (key.size() > short_string_max) return keys[k].swap(key);
            return put_short_string(keys[k], key.data(), key.size());
        }
    } else if (k == 0) {
        keys.clear();
    }
    keys.push_back(std::move(key));
}

/// Appends elements to what `map` has at their keys, while it is in the cache, where nothing is
/// waited for. False at the end of the records.
template <class T, class K, class List>
bool group_in_cache(OrderedMap<K, List>& map, RecordReader<K, T>& reader) {
    while (!map.is_large()) {
        if (!reader.next()) return false;
        auto& list = map.find_or_add(std::move(reader.key()), [] { return List(); });
        list.push_back(std::move(reader.element()));
    }
    return true;
}

/// Appends the elements of an output partition to what `map` has at their keys.
template <class T, class K, class List>
void group_records(OrderedMap<K, List>& map, const ShufflePieces& pieces, std::uint32_t output) {
    RecordReader<K, T> reader(pieces, output);
    if constexpr (is_light<K>) {
        if (!group_in_cache(map, reader)) return;
    }
    const auto nothing = [] { return List(); };
    constexpr auto block = keys_at_once<K>;
    std::uint64_t hashes[block];
    std::vector<K> keys;
    BatchStorage<T> elements;
    keys.reserve(block);
    do {
        elements.prepare(block);
        std::size_t key_bytes = 0;
        while (elements.size() < block && key_bytes < batch_bytes_max && reader.next()) {
            const auto k = elements.size();
            if constexpr (Measurable<K>) key_bytes += element_bytes(reader.key());
            hashes[k] = map.announce(reader.key());
            put_key(keys, k, reader.key());
            elements.emplace(std::move(reader.element()));
        }
        for (std::size_t k = 0; k < elements.size(); ++k) map.approach(hashes[k]);
        for (std::size_t k = 0; k < elements.size(); ++k) {
            auto& list = map.find_or_add(hashes[k], std::move(keys[k]), nothing);
            list.push_back(std::move(elements.items()[k]));
        }
        if (key_bytes >= batch_bytes_max) keys.clear();  // so much memory is not kept
    } while (elements.size() != 0);
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
            group_records<T>(groups, pieces, index);
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
