// Where streams begin: elements kept in memory, and numbers counted off.
#pragma once

#include <satchel/detail/stream.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Divides `size` elements over `parts` partitions whose sizes differ by at most one.
struct Partitioning {
    std::uint64_t size = 0;
    std::uint32_t parts = 1;
    std::uint64_t part_size = 0;  ///< if set, all partitions but the last have this many

    /// Where partition `i` begins; that of `parts` is `size`.
    [[nodiscard]] std::uint64_t begin(std::uint64_t i) const noexcept {
        if (part_size != 0) return std::min(i * part_size, size);
        return i * (size / parts) + std::min<std::uint64_t>(i, size % parts);
    }
    /// The last partition that begins at `position` or before it, where sizes are balanced.
    [[nodiscard]] std::uint32_t with(std::uint64_t position) const noexcept;
};

/// Notes which partitions were given away, where each can be given only once. Thread-safe.
class GivenOnce {
  public:
    explicit GivenOnce(std::uint32_t partitions);
    /// Throws Error if that partition was given before.
    void give(std::uint32_t partition);

  private:
    std::vector<std::atomic<bool>> given_;
};

/// The elements of from_sequence: one container that all its partitions share.
template <class T>
struct Sequence {
    std::shared_ptr<Items<T>> items = {};
    Partitioning partitioning = {};
    std::uint64_t first = 0;  // the number of the first item that is there
    bool has_come = false;    // from another process, which may ask for a partition several times
    std::shared_ptr<GivenOnce> given = {};  // of what has come and cannot be copied

    static std::unique_ptr<StreamBase> open(const Value& state, Binding& binding) {
        const auto& sequence = state.get<Sequence>();
        const auto begin = sequence.partitioning.begin(binding.index());
        const auto end = sequence.partitioning.begin(binding.index() + 1);
        if (sequence.given && binding.owned()) sequence.given->give(binding.index());
        // They may be on their way to a cluster, which has no other hold on what it sends.
        const bool owned =
            binding.owned() &&
            (!is_copyable<T> || (!sequence.has_come && sequence.items.use_count() == 1));
        return std::make_unique<StoredStream<T>>(sequence.items->data() + (begin - sequence.first),
                                                 end - begin, owned);
    }

    /// What partition `index` needs.
    [[nodiscard]] Sequence narrowed(std::uint32_t index) const requires is_copyable<T> {
        Sequence one{std::make_shared<Items<T>>(), partitioning, partitioning.begin(index)};
        const auto end = partitioning.begin(index + std::uint64_t{1});
        one.items->reserve(end - one.first);
        for (auto k = one.first; k < end; ++k) one.items->push_back(items->data()[k - first]);
        return one;
    }

    void serialize(OutputArchive& archive, unsigned) const requires travels<Items<T>> {
        const OutputArchive::Owner owner(
            archive,
            [](const void* held) -> std::shared_ptr<const void> {
                return *static_cast<const std::shared_ptr<Items<T>>*>(held);
            },
            &items);
        archive& partitioning& first&* items;
    }
    void serialize(InputArchive& archive, unsigned) requires travels<Items<T>> {
        archive& partitioning& first;
        items = std::make_shared<Items<T>>(load<Items<T>>(archive));
        has_come = true;
        if constexpr (!is_copyable<T>) given = std::make_shared<GivenOnce>(partitioning.parts);
    }
};

/// The partitions of a persisted bag.
template <class T>
struct StoredPartitions {
    std::shared_ptr<const std::vector<Value>> partitions = {};
    std::uint32_t first = 0;  // the number of the first partition that is there

    static std::unique_ptr<StreamBase> open(const Value& state, Binding& binding) {
        const auto& stored = state.get<StoredPartitions>();
        const auto& items =
            (*stored.partitions)[binding.index() - stored.first].template get<Items<T>>();
        return std::make_unique<StoredStream<T>>(items.data(), items.size(), false);
    }

    /// What partition `index` needs.
    [[nodiscard]] StoredPartitions narrowed(std::uint32_t index) const {
        std::vector<Value> one{(*partitions)[index - first]};
        return {std::make_shared<const std::vector<Value>>(std::move(one)), index};
    }

    template <class Archive>
    requires travels<Items<T>>
    void serialize(Archive& archive, unsigned) {
        if constexpr (Archive::is_loading::value) {
            partitions =
                std::make_shared<const std::vector<Value>>(load<std::vector<Value>>(archive));
        } else {
            archive&* partitions;
        }
        archive& first;
    }
};

/// The numbers of range().
class CountingStream final : public Stream<std::int64_t> {
  public:
    CountingStream(std::uint64_t begin, std::uint64_t end) : at_(begin), end_(end) {}

    bool next(Batch<std::int64_t>& batch) override;
    void expect(std::size_t elements) override { limit_.expect(elements); }

    /// The next number.
    [[nodiscard]] std::int64_t position() const noexcept { return static_cast<std::int64_t>(at_); }

    /// Leaves out the next batch; gives its size, which is 0 at the end.
    std::size_t skip_batch() noexcept {
        const auto size = std::min<std::uint64_t>(limit_.next(), end_ - at_);
        at_ += size;
        return size;
    }

    static std::unique_ptr<StreamBase> open(const Value& partitioning, Binding& binding);

  private:
    std::uint64_t at_;
    std::uint64_t end_;
    BatchLimit limit_;
    BatchStorage<std::int64_t> storage_;
};

}  // namespace satchel::detail
