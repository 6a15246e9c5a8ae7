/// The options of bag operations: aggregates for designated initialisers.
///
///     satchel::from_sequence(lines, {.npartitions = 8}).sum({.split_every = 4});
#pragma once

#include <satchel/executor.hpp>

#include <cstdint>
#include <optional>

namespace satchel {

/// How a sequence is divided. At most one of the two may be given.
struct SequenceOptions {
    /// min(npartitions, n) partitions whose sizes differ by at most one.
    std::optional<std::int64_t> npartitions = {};
    /// Elements a partition; the last may have fewer.
    std::optional<std::int64_t> partition_size = {};
};

/// How the partial results of partitions are merged.
struct ReductionOptions {
    /// So many at a time, in a tree. At least 2.
    std::int64_t split_every = 8;
};

/// How frequencies() orders its result, and how partial results are merged.
struct FrequenciesOptions {
    /// By count, descending; else in the order in which elements came first.
    bool sort = false;
    std::int64_t split_every = 8;
};

/// How groupby() divides its result.
struct GroupbyOptions {
    /// So many partitions; as many as the bag has, if not given.
    std::optional<std::int64_t> npartitions = {};
};

/// A side of a join: `left` is the bag whose method is called, `right` the other one.
enum class Side : std::uint8_t { left, right };

/// How join() works. At most one of the two may be given.
struct JoinOptions {
    /// Both sides are divided anew, by key, into so many partitions; as many as the one has that
    /// has more, if not given.
    std::optional<std::int64_t> npartitions = {};
    /// This side is small: all of it goes along with every partition of the other one, which stays
    /// divided as it is. Not given, that is a side of a single partition.
    std::optional<Side> broadcast = {};
};

/// How repartition() divides. Exactly one of the two must be given.
struct RepartitionOptions {
    /// So many partitions, whose sizes differ by at most one element.
    std::optional<std::int64_t> npartitions = {};
    /// So many bytes of elements a partition at the most (one element if that is larger).
    std::optional<std::int64_t> partition_size = {};
};

/// How far take() goes.
struct TakeOptions {
    /// So many partitions are read at the most; -1: all.
    std::int64_t npartitions = 1;
};

/// How for_each_partition() runs.
struct PartitionsOptions {
    /// So many partitions lie between being begun and being written, at the most.
    /// 0: twice the executor's concurrency, and two.
    std::int64_t window = 0;
    ExecutorReference executor = {};
};

}  // namespace satchel
