// join: pairs of elements of two bags with equal keys.
//
// Either both are shuffled, and one partition of each is joined at a time: a map of the one is
// made, and the other goes through it. Or one side is small: a single map of it is made, which goes
// along with every partition of the other side.
#pragma once

#include <satchel/detail/key_block.hpp>
#include <satchel/detail/ordered_map.hpp>
#include <satchel/detail/reduce.hpp>
#include <satchel/detail/short_string.hpp>
#include <satchel/detail/shuffle.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace satchel::detail {

// ---- both sides shuffled ------------------------------------------------------------------------

/// One side of a join, by key.
template <class K, class T>
using JoinMap = OrderedMap<K, Items<T>>;

/// The other side, element by element, with a key function.
template <class Mapped, class T, class F>
class KeyedStream {
  public:
    using K = key_result<F, T>;
    using Matches = Items<Mapped>;

    KeyedStream(std::unique_ptr<Stream<T>> stream, const F& key)
        : stream_(std::move(stream)), function_(key) {}

    /// Goes to the next element; false at the end.
    bool next(const JoinMap<K, Mapped>& map) {
        if (++at_ < end_) return true;
        while (at_ >= batch_.size) {
            at_ = end_ = batch_.size = 0;
            if (!stream_->next(batch_)) return false;
        }
        begin_ = at_;
        end_ = look_up(map);
        return true;
    }
    [[nodiscard]] const T& element() const noexcept { return batch_.at(at_); }
    /// What the map has at its key, or null.
    [[nodiscard]] const Matches* matches() const noexcept { return matches_[at_ - begin_]; }
    void expect(std::size_t elements) { stream_->expect(elements); }

  private:
    static constexpr auto block = keys_at_once<K>;

    // The next few from begin_ on; gives where they end.
    std::size_t look_up(const JoinMap<K, Mapped>& map) {
        const auto end = std::min(begin_ + block, batch_.size);
        if constexpr (is_light<K>) {
            if (!map.is_large()) {  // what is in the cache is not waited for
                for (auto at = begin_; at < end; ++at) {
                    const K key(detail::invoke(std::as_const(function_), batch_.at(at)));
                    matches_[at - begin_] = map.find(hash_key<K>(key), key);
                }
                return end;
            }
        }
        keys_.fill(map, function_, batch_, begin_, [&](std::size_t k, const K& key) {
            matches_[k] = map.find(hash_key<K>(key), key);
            return true;
        });
        for (std::size_t k = 0; k < keys_.size(); ++k) {
            if (keys_.has_key(k)) matches_[k] = map.find(keys_.hash(k), keys_.key(k));
            if (matches_[k] != nullptr) __builtin_prefetch(matches_[k]->data());
        }
        return end;
    }

    std::unique_ptr<Stream<T>> stream_;
    F function_;
    Batch<T> batch_;
    KeyBlock<T, F> keys_;
    const Matches* matches_[block];  // of elements begin_ … end_ - 1
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t at_ = SIZE_MAX;
};

/// The same where the other side was shuffled, too.
template <class K, class Mapped, class T>
class KeyedRecords {
  public:
    using Matches = Items<Mapped>;

    KeyedRecords(const ShufflePieces& pieces, std::uint32_t output) : reader_(pieces, output) {}

    bool next(const JoinMap<K, Mapped>& map) {
        if (!reader_.next()) return false;
        matches_ = map.find(hash_key<K>(reader_.key()), reader_.key());
        return true;
    }
    [[nodiscard]] const T& element() noexcept { return reader_.element(); }
    [[nodiscard]] const Matches* matches() const noexcept { return matches_; }

  private:
    RecordReader<K, T> reader_;
    const Matches* matches_ = nullptr;
};

/// The pairs that a join gives: for each element of a `Reader`, those with what the map has at its
/// key. `map_first`: what is from the map comes first in a pair.
template <bool map_first, class K, class Mapped, class T, class Reader>
class JoinStream final
    : public Stream<std::conditional_t<map_first, std::pair<Mapped, T>, std::pair<T, Mapped>>> {
  public:
    using Out = std::conditional_t<map_first, std::pair<Mapped, T>, std::pair<T, Mapped>>;

    template <class... A>
    explicit JoinStream(std::shared_ptr<const JoinMap<K, Mapped>> map, A&&... of_reader)
        : map_(std::move(map)), reader_(std::forward<A>(of_reader)...) {}

    bool next(Batch<Out>& batch) override {
        storage_.prepare();
        const auto limit = limit_.next();
        while (storage_.has_room() && storage_.size() < limit &&
               (match_ != matches_end_ || find_matches())) {
            if constexpr (map_first) {
                add_pair(*match_++, std::as_const(reader_.element()));
            } else {
                add_pair(std::as_const(reader_.element()), *match_++);
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
    // Short strings are put where they belong: what copies them otherwise is a call.
    template <class A, class B>
    void add_pair(const A& a, const B& b) {
        if constexpr (std::is_same_v<A, std::string> || std::is_same_v<B, std::string>) {
            if (is_short_if_string(a) && is_short_if_string(b)) {
                auto& pair = storage_.emplace(std::piecewise_construct, begin_of(a), begin_of(b));
                end_of(pair.first, a);
                end_of(pair.second, b);
                return;
            }
        }
        storage_.emplace(a, b);
    }
    template <class Part>
    static auto begin_of(const Part& part) {
        if constexpr (std::is_same_v<Part, std::string>) {
            return std::tuple<>();
        } else {
            return std::tuple<const Part&>(part);
        }
    }
    template <class Part>
    static void end_of(Part& made, const Part& part) {
        if constexpr (std::is_same_v<Part, std::string>) {
            put_short_string(made, part.data(), part.size());
        }
    }

    bool find_matches() {
        while (reader_.next(*map_)) {
            const auto* found = reader_.matches();
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
        group_records<U>(*map, right, index);
        using Reader = KeyedRecords<K, U, T>;
        return std::make_unique<JoinStream<true, K, U, T, Reader>>(std::move(map), left, index);
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
        for_each_by_key(map, key, batch, &nothing, [](auto& items, auto&& x) {
            items.push_back(std::forward<decltype(x)>(x));
        });
    }
    void merge(Partial& earlier, Partial&& later) {
        earlier.merge(std::move(later), [](auto& items, auto&& more) {
            for (auto& x : more) items.push_back(std::move(x));
        });
    }
    [[nodiscard]] SharedJoinMap<K, T> finish(Partial&& map) const {
        return {std::make_shared<const Partial>(std::move(map))};
    }

  private:
    static Items<T> nothing() { return {}; }
};

template <bool map_first, class Mapped, class T, class F>
std::unique_ptr<StreamBase> open_map_join(const Value& state, Binding& binding) {
    using K = key_result<F, T>;
    using Reader = KeyedStream<Mapped, T, F>;
    const auto& shared =
        binding.arguments().template get<SharedJoinMap<K, Mapped>>(binding.slot(0));
    return std::make_unique<JoinStream<map_first, K, Mapped, T, Reader>>(
        shared.map, typed<T>(std::move(binding.upstream(0))), state.get<F>());
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

}  // namespace satchel::detail
