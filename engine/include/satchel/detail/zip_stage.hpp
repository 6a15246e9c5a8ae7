// map with more arguments, and zip: elements of several bags, values and Delayed in one call.
#pragma once

#include <satchel/delayed.hpp>
#include <satchel/detail/call.hpp>
#include <satchel/detail/partition_stage.hpp>
#include <satchel/detail/stages.hpp>
#include <satchel/detail/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel {
template <class T>
class Bag;
}

namespace satchel::detail {

/// Throws LengthError: the bags of `operation` have partitions of unequal length.
[[noreturn]] void throw_unequal_lengths(const std::string& operation, std::uint32_t partition);

/// Throws InvalidArgument if the bags of `operation` have unequal numbers of partitions.
void check_same_partitions(const std::string& operation, std::uint32_t one, std::uint32_t other);

/// Walks over a stream element by element.
template <class T>
class Cursor {
  public:
    explicit Cursor(std::unique_ptr<Stream<T>> stream) : stream_(std::move(stream)) {}

    /// Whether there is an element to take.
    bool ready() {
        while (at_ == batch_.size) {
            if (!stream_->next(batch_)) return false;
            at_ = 0;
        }
        return true;
    }

    /// The next element for good: moved if it is ours, else copied. REQUIRES: ready().
    T take() {
        const auto k = at_++;
        if (batch_.owned) return std::move(batch_.items[k]);
        if constexpr (is_copyable<T>) {
            return batch_.scattered != nullptr ? *batch_.scattered[k]
                                               : std::as_const(batch_.items[k]);
        } else {
            refuse_copy();
        }
    }

    void expect(std::size_t elements) { stream_->expect(elements); }

  private:
    std::unique_ptr<Stream<T>> stream_;
    Batch<T> batch_;
    std::size_t at_ = 0;
};

// How an extra argument arrives, and what it adds to the inputs and the token of a node. `type` is
// what the function gets, by const reference if it is broadcast.
template <class A>
struct Extra {  // a value: in a slot
    using type = A;
    static constexpr bool is_bag = false;
    class Reader {
      public:
        Reader(Binding& binding, std::size_t&, std::uint32_t& slot)
            : value_(binding.arguments().template get<A>(binding.slot(slot++))) {}
        [[nodiscard]] bool ready() const { return true; }
        [[nodiscard]] bool at_end() const { return true; }
        [[nodiscard]] const A& take() const { return value_; }

      private:
        const A& value_;
    };
    static Token token(const A& value) { return value_token(value); }
    static void append(const std::string&, const Node&, A value, std::vector<NodeInput>&,
                       std::vector<NodeInput>& slots) {
        slots.push_back({.value = Value::of(std::move(value))});
    }
};
// Text that somebody else owns may be gone, or be another, when it is used.
template <>
struct Extra<const char*> : Extra<std::string> {};
template <>
struct Extra<char*> : Extra<std::string> {};
template <>
struct Extra<std::string_view> : Extra<std::string> {};
template <class T>
struct Extra<Delayed<T>> : Extra<stored_type<T>> {
    static Token token(const Delayed<T>& value) { return value.node()->description.token; }
    static void append(const std::string&, const Node&, const Delayed<T>& value,
                       std::vector<NodeInput>&, std::vector<NodeInput>& slots) {
        slots.push_back({.kind = NodeInput::Kind::at, .node = value.node(), .step = 0});
    }
};
template <class T>
struct Extra<Bag<T>> {
    using type = T;
    static constexpr bool is_bag = true;
    class Reader {
      public:
        Reader(Binding& binding, std::size_t& upstream, std::uint32_t&)
            : cursor_(typed<T>(std::move(binding.upstream(upstream++)))) {}
        [[nodiscard]] bool ready() { return cursor_.ready(); }
        [[nodiscard]] bool at_end() { return !cursor_.ready(); }
        [[nodiscard]] T take() { return cursor_.take(); }
        void expect(std::size_t elements) { cursor_.expect(elements); }

      private:
        Cursor<T> cursor_;
    };
    static Token token(const Bag<T>& bag) { return bag.node()->description.token; }
    static void append(const std::string& name, const Node& first, const Bag<T>& bag,
                       std::vector<NodeInput>& streams, std::vector<NodeInput>&) {
        check_same_partitions(name, first.description.count, bag.node()->description.count);
        streams.push_back({.kind = NodeInput::Kind::stream, .node = bag.node()});
    }
};
template <class A>
struct Extra<Bag<A>&> : Extra<Bag<A>> {};

/// What `F` gets for an extra argument `A`.
template <class A>
using extra_argument =
    std::conditional_t<Extra<A>::is_bag, typename Extra<A>::type, const typename Extra<A>::type&>;

/// f(element, extra…) for each element.
template <class In, class Out, class F, class... A>
class ZipStream final : public Stream<Out> {
  public:
    /// The user's function and the name of the operation.
    struct State {
        F function;
        std::string name;
    };
    /// Whether it takes away elements of the first bag that cannot be copied.
    static constexpr bool owns_first =
        !is_copyable<In> && !accepts_kept_element<F, In, extra_argument<A>...>;

    static std::unique_ptr<StreamBase> open(const Value& state, Binding& binding) {
        return std::make_unique<ZipStream>(state.get<State>(), binding);
    }

    ZipStream(const State& state, Binding& binding)
        : ZipStream(state, binding, std::size_t{1}, std::uint32_t{0}) {}

    bool next(Batch<Out>& batch) override {
        storage_.prepare();
        const auto limit = limit_.next();
        const auto has_room = [&] { return storage_.has_room() && storage_.size() < limit; };
        while (has_room()) {
            if (at_ == pulled_.size) {
                if (!upstream_->next(pulled_)) {
                    finish();
                    break;
                }
                at_ = 0;
                continue;
            }
            at_ = pulled_.visit(at_, [&](auto&& element) {
                call(std::forward<decltype(element)>(element));
                return has_room();
            });
        }
        if (storage_.size() == 0) return false;
        batch = storage_.batch();
        return true;
    }
    void expect(std::size_t elements) override {
        limit_.expect(elements);
        upstream_->expect(elements);
        std::apply([&](auto&... reader) { (expect_of(reader, elements), ...); }, readers_);
    }

  private:
    // Readers take their upstreams and slots in turn, which braces put in order.
    ZipStream(const State& state, Binding& binding, [[maybe_unused]] std::size_t upstream,
              [[maybe_unused]] std::uint32_t slot)
        : upstream_(typed<In>(std::move(binding.upstream(0)))),
          function_(state.function),
          name_(state.name),
          partition_(binding.index()),
          readers_{typename Extra<A>::Reader(binding, upstream, slot)...} {}

    template <class Element>
    void call(Element&& element) {
        std::apply(
            [&](auto&... reader) {
                if (!(reader.ready() && ...)) throw_unequal_lengths(name_, partition_);
                if constexpr (callable_with<F, Element&&, decltype(reader.take())...>) {
                    storage_.emplace(function_(std::forward<Element>(element), reader.take()...));
                } else if constexpr (callable_with<F, const In&, decltype(reader.take())...>) {
                    storage_.emplace(function_(std::as_const(element), reader.take()...));
                } else if constexpr (is_copyable<In>) {
                    storage_.emplace(function_(In(element), reader.take()...));
                } else {
                    refuse_copy();
                }
            },
            readers_);
    }

    template <class Reader>
    static void expect_of(Reader& reader, std::size_t elements) {
        if constexpr (requires { reader.expect(elements); }) reader.expect(elements);
    }

    void finish() {
        std::apply(
            [&](auto&... reader) {
                if (!(reader.at_end() && ...)) throw_unequal_lengths(name_, partition_);
            },
            readers_);
    }

    std::unique_ptr<Stream<In>> upstream_;
    TaskFunction<F> function_;
    std::string name_;
    std::uint32_t partition_;
    std::tuple<typename Extra<A>::Reader...> readers_;
    Batch<In> pulled_;
    std::size_t at_ = 0;
    BatchLimit limit_;
    BatchStorage<Out> storage_;
};

/// What `F` gets for an extra argument `A` of map_partitions.
template <class A>
using extra_partition = std::conditional_t<Extra<A>::is_bag, std::vector<typename Extra<A>::type>,
                                           const typename Extra<A>::type&>;

/// Calls with a partition and, once, with what goes along with it.
template <class F, class... A>
struct WithExtra {
    TaskFunction<F>& function;
    std::tuple<A...> extra;

    template <class Partition>
    requires callable_with<F, Partition, A...>
    decltype(auto) operator()(Partition&& partition) {
        const auto call = [&](A&... arguments) -> decltype(auto) {
            return function(std::forward<Partition>(partition), std::forward<A>(arguments)...);
        };
        return std::apply(call, extra);
    }
};

/// f(partition, extra…) for the whole partition; bags among the extra arguments arrive as vectors.
template <class In, class Out, class F, class... A>
class ZipPartitionStream final : public Stream<Out> {
  public:
    using State = typename ZipStream<In, Out, F, A...>::State;
    static constexpr bool owns_first = !is_copyable<In>;

    static std::unique_ptr<StreamBase> open(const Value& state, Binding& binding) {
        std::size_t upstream = 1;
        std::uint32_t slot = 0;
        return std::make_unique<ZipPartitionStream>(state.get<State>(), binding, upstream, slot);
    }

    // Readers take their upstreams and slots in turn, which braces put in order.
    ZipPartitionStream(const State& state, Binding& binding, std::size_t& upstream,
                       std::uint32_t& slot)
        : upstream_(typed<In>(std::move(binding.upstream(0)))),
          function_(state.function),
          readers_(Readers{typename Extra<A>::Reader(binding, upstream, slot)...}) {}

    bool next(Batch<Out>& batch) override {
        if (upstream_) {
            auto items = collect_all(*upstream_);
            upstream_.reset();
            auto call = std::apply(
                [&](auto&... reader) {
                    return WithExtra<F, extra_partition<A>...>{function_, {whole<A>(reader)...}};
                },
                *readers_);
            made_.hold(elements_of<Out>(call_with_partition<decltype(call), In>(call, items)));
            readers_.reset();
        }
        return made_.next(batch);
    }
    void expect(std::size_t elements) override { made_.expect(elements); }

  private:
    using Readers = std::tuple<typename Extra<A>::Reader...>;
    template <class Given>
    static extra_partition<Given> whole(typename Extra<Given>::Reader& reader) {
        if constexpr (Extra<Given>::is_bag) {
            std::vector<typename Extra<Given>::type> items;
            while (reader.ready()) items.push_back(reader.take());
            return items;
        } else {
            return reader.take();
        }
    }

    std::unique_ptr<Stream<In>> upstream_;
    TaskFunction<F> function_;
    std::optional<Readers> readers_;  // until the function was called
    HeldElements<Out> made_;
};

/// Refuses, in words, a function that does not fit an element of type `T` and extra arguments `A…`.
template <class F, class T, class... A>
constexpr bool check_extra() {
    constexpr bool accepted = accepts_element<F, T, extra_argument<A>...>;
    static_assert(
        accepted,
        "satchel: this function cannot be called with an element of this bag and the extra "
        "arguments. A Bag<U> arrives as a U, a Delayed<U> and a U as a const U&.");
    if constexpr (accepted) {
        return check_copyable<F>() && check_result<element_result<F, T, extra_argument<A>...>>();
    } else {
        return false;
    }
}

/// How `F` takes a partition before extra arguments `A…`, and what it gives.
template <class F, class T, class... A>
using partition_before_extra =
    std::conditional_t<callable_with<F, std::vector<T>, extra_partition<A>...>, std::vector<T>,
                       std::span<const T>>;
template <class F, class T, class... A>
using partition_extra_result =
    call_result<F, partition_before_extra<F, T, A...>, extra_partition<A>...>;

/// Refuses, in words, a function that does not fit a partition and extra arguments `A…`.
template <class F, class T, class... A>
constexpr bool check_partition_extra() {
    constexpr bool accepted =
        callable_with<F, partition_before_extra<F, T, A...>, extra_partition<A>...>;
    static_assert(
        accepted,
        "satchel: map_partitions' function must take a std::vector<T> or a "
        "std::span<const T>, and the extra arguments: a Bag<U> arrives as a std::vector<U>, a "
        "Delayed<U> and a U as a const U&.");
    if constexpr (accepted) {
        return check_copyable<F>() && check_result<partition_extra_result<F, T, A...>>();
    } else {
        return false;
    }
}

/// The node of an operation with extra arguments, of which `Stage` makes the stream.
template <class Stage, class Out, class F, class... A>
NodePtr zip_node(const NodePtr& upstream, const std::string& name, Token token, F function,
                 A... extra) {  // NOLINT(performance-unnecessary-value-param): most are moved
    const auto count = upstream->description.count;
    std::vector<NodeInput> inputs;
    std::vector<NodeInput> slots;
    inputs.push_back({.kind = NodeInput::Kind::stream, .node = upstream});
    token = Token::of(name).then(token).then(upstream->description.token);
    ((token = token.then(Extra<A>::token(extra))), ...);
    (Extra<A>::append(name, *upstream, std::move(extra), inputs, slots), ...);
    bool needs_owned = Stage::owns_first;
    for (const auto& extra_bag : std::span(inputs).subspan(1)) {
        needs_owned |= !extra_bag.node->description.elements->copyable;
    }
    for (auto& slot : slots) inputs.push_back(std::move(slot));
    return Node::make(
        {.role = Node::Role::stage,
         .needs_owned = needs_owned,
         .count = count,
         .name = name,
         .token = token,
         .stream = stream_part<&Stage::open>(typename Stage::State{std::move(function), name}),
         .elements = &element_operations<Out>,
         .inputs = std::move(inputs)});
}

}  // namespace satchel::detail
