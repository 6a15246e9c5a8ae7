// repartition: the same elements in other partitions.
//
// By number: the bag is stored, and once it is known how many elements there are before each
// partition, partitions are cut into pieces (see pieces.hpp) for the new ones. Each new partition
// gets no more than what it is made of, and on a cluster from the workers that have it. By size:
// elements have to be measured, so they are computed at the call.
#pragma once

#include <satchel/detail/reduce.hpp>
#include <satchel/detail/reducers.hpp>
#include <satchel/detail/shuffle.hpp>
#include <satchel/detail/sources.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace satchel::detail {

// ---- by number ----------------------------------------------------------------------------------

/// Where each partition begins in the sequence of all elements, and where the last one ends.
using Begins = std::vector<std::uint64_t>;

/// Begins, of the numbers of elements of all partitions.
struct BeginsOfCounts {
    Value operator()(Arguments& arguments) const;
};

/// Throws Error: a partition has not as many elements as when they were counted.
[[noreturn]] void throw_recounted(std::uint32_t partition, std::uint64_t counted);

/// Pieces are told apart by their output partitions alone, so that keys say nothing.
using NoKey = std::uint8_t;

/// What a cutting task knows.
template <class T>
struct Cut {
    std::uint32_t outputs = 1;
    std::optional<std::pair<NoKey, T>> example = {};  ///< always empty; see Split
};

/// Pieces of one partition; slot 0 has the Begins.
template <class T>
Value cut_partition(const Value& state, Binding& binding) {
    const auto& begins = binding.arguments().template get<Begins>(binding.slot(0));
    const Partitioning outputs{begins.back(), state.get<Cut<T>>().outputs, 0};
    const auto begin = begins[binding.index()];
    const auto last = begins[binding.index() + std::size_t{1}];
    auto at = begin;
    auto output = outputs.with(at);
    auto end = outputs.begin(output + std::uint64_t{1});
    PieceWriter<NoKey, T> writer(outputs.parts);
    const auto stream = typed<T>(std::move(binding.upstream(0)));
    for (Batch<T> batch; stream->next(batch);) {
        if (batch.size > last - at) throw_recounted(binding.index(), last - begin);
        batch.for_each([&](auto&& x) {
            while (at == end) end = outputs.begin(++output + std::uint64_t{1});
            writer.add_to(output, NoKey{}, std::forward<decltype(x)>(x));
            ++at;
        });
    }
    if (at != last) throw_recounted(binding.index(), last - begin);
    return Value::of(std::move(writer).finish());
}

/// The elements of one output partition.
template <class T>
class PieceStream final : public Stream<T> {
  public:
    static std::unique_ptr<StreamBase> open(const Value&, Binding& binding) {
        return std::make_unique<PieceStream>(
            binding.arguments().template get<ShufflePieces>(binding.slot(0)), binding.index());
    }

    PieceStream(const ShufflePieces& pieces, std::uint32_t output) : reader_(pieces, output) {}

    bool next(Batch<T>& batch) override {
        storage_.prepare();
        const auto limit = limit_.next();
        while (storage_.has_room() && storage_.size() < limit && reader_.next()) {
            storage_.emplace(std::move(reader_.element()));
        }
        if (storage_.size() == 0) return false;
        batch = storage_.batch();
        return true;
    }
    void expect(std::size_t elements) override { limit_.expect(elements); }

  private:
    RecordReader<NoKey, T> reader_;
    BatchLimit limit_;
    BatchStorage<T> storage_;
};

/// `count` partitions whose sizes differ by at most one.
template <class T>
NodePtr repartition_node(const NodePtr& bag, std::uint32_t count) {
    static_assert(is_copyable<T>,
                  "satchel: repartition() copies elements, and these cannot be copied.");
    using Kind = NodeInput::Kind;
    const auto token = Token::of("repartition").then(bag->description.token).then(count);
    auto counts = Node::make({.role = Node::Role::sink,
                              .count = bag->description.count,
                              .name = "repartition-count",
                              .token = token.then(2),
                              .sink = sink_part<&run_reducer<T, CountReducer>>(CountReducer{}),
                              .inputs = {{.kind = Kind::stream, .node = bag}}});
    auto begins = Node::make({.name = "repartition-begins",
                              .token = token.then(3),
                              .function = Function(BeginsOfCounts{}),
                              .inputs = {{.kind = Kind::all, .node = std::move(counts)}}});
    auto cut = Node::make({.role = Node::Role::sink,
                           .count = bag->description.count,
                           .name = "repartition-cut",
                           .token = token.then(1),
                           .sink = sink_part<&cut_partition<T>>(Cut<T>{count}),
                           .inputs = {{.kind = Kind::stream, .node = bag},
                                      {.kind = Kind::at, .node = std::move(begins)}}});
    const auto pieces = exchange(std::move(cut), count, "repartition");
    return combining_node("repartition", token, count, stateless_part<&PieceStream<T>::open>(),
                          &element_operations<T>, {pieces.input()});
}

// ---- by size ------------------------------------------------------------------------------------

/// The last partition that begins at `position` or before it.
[[nodiscard]] std::size_t partition_with(std::uint64_t position,
                                         const std::vector<std::uint64_t>& begin);

/// Partitions seen as one sequence.
template <class T>
struct Joined {
    std::vector<Value> partitions;
    std::vector<std::uint64_t> begin;  // of each partition, and the end of the last

    static Joined of(std::vector<Value> partitions) {
        Joined joined{std::move(partitions), {0}};
        for (const auto& partition : joined.partitions) {
            joined.begin.push_back(joined.begin.back() + partition.get<Items<T>>().size());
        }
        return joined;
    }

    /// Copies of the elements from `first` to before `last`.
    [[nodiscard]] Items<T> slice(std::uint64_t first, std::uint64_t last) const {
        Items<T> items;
        items.reserve(last - first);
        auto p = partition_with(first, begin);
        for (; first < last; ++p) {
            const auto& source = partitions[p].template get<Items<T>>();
            const auto end = std::min(last, begin[p + 1]);
            for (auto k = first; k < end; ++k) items.push_back(source.data()[k - begin[p]]);
            first = end;
        }
        return items;
    }
};

/// Throws InvalidArgument: nobody knows the size of the elements.
[[noreturn]] void throw_not_measurable();

/// Stored partitions divided anew, so that each has at most `limit` bytes of elements, or one
/// element.
template <Measurable T>
NodePtr regrouped_node(std::vector<Value> partitions, Token token, std::uint64_t limit) {
    const auto joined = Joined<T>::of(std::move(partitions));
    auto regrouped = std::make_shared<std::vector<Value>>();
    std::uint64_t bytes = 0;
    std::uint64_t first = 0;
    std::uint64_t at = 0;
    const auto close = [&] {
        regrouped->push_back(Value::make<Items<T>>(joined.slice(first, at)));
        first = at;
        bytes = 0;
    };
    for (const auto& partition : joined.partitions) {
        for (const T& element : partition.template get<Items<T>>()) {
            const auto size = element_bytes(element);
            if (at != first && bytes + size > limit) close();
            bytes += size;
            ++at;
        }
    }
    if (at != first || regrouped->empty()) close();
    token = Token::of("repartition-bytes").then(token).then(limit);
    return stored_node<T>(std::move(regrouped), "repartition", token);
}

}  // namespace satchel::detail
