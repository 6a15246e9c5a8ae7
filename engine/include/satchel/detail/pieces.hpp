// Pieces of a shuffle: elements on their way from the partitions of a bag to those of another, by
// their keys.
//
// A task for each input partition writes (key, element) records, a RunWriter sorts them by the
// output partition that they belong to, some megabytes at a time, and puts each such *run* into
// memory or a temporary file. A *piece* is a range of runs: cutting one out copies nothing. What
// records are made of is the matter of records.hpp.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/detail/node.hpp>
#include <satchel/stable_hash.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace satchel::detail {

class SpillFile;

/// Records in the order of their output partitions.
struct Run {
    /// Those of one output partition.
    struct Part {
        std::uint32_t output = 0;
        std::uint32_t records = 0;
        std::uint64_t end = 0;  ///< counted from `offset`; the first begins there
    };
    std::vector<Part> parts = {};  ///< none is empty
    std::uint64_t offset = 0;
    Bytes bytes = {};                            ///< what the parts are ranges of …
    std::shared_ptr<const SpillFile> file = {};  ///< … unless they are of a file
    std::shared_ptr<void> objects = {};          ///< … or of a vector of pairs

    [[nodiscard]] std::uint64_t begin_of(std::size_t part) const noexcept {
        return offset + (part == 0 ? 0 : parts[part - 1].end);
    }
    /// The place of the part for `output`, or the number of parts.
    [[nodiscard]] std::size_t find(std::uint32_t output) const noexcept;
    /// The bytes of parts `first` … `last` - 1.
    [[nodiscard]] Bytes read(std::size_t first, std::size_t last) const;
    /// The parts for outputs `first` … `last` - 1.
    [[nodiscard]] Run select(std::uint32_t first, std::uint32_t last) const;

    void serialize(OutputArchive& archive, unsigned) const;
    void serialize(InputArchive& archive, unsigned);
};

struct ShufflePieces {
    std::vector<Run> runs = {};  ///< as they were written: records of earlier ones come first

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& runs;
    }
};

/// The output partition, of `outputs`, that a key with this stable_hash belongs to.
[[nodiscard]] inline std::uint32_t output_of(std::uint64_t hash, std::uint32_t outputs) noexcept {
    // Mixed once more, because the hash may be a user's and have few bits that differ.
    return static_cast<std::uint32_t>((hash_mix(hash, 8) >> 32) * outputs >> 32);
}

/// Records and, of each, the output partition; makes runs of them.
class RunWriter {
  public:
    explicit RunWriter(std::uint32_t outputs) : outputs_(outputs) {}

    [[nodiscard]] std::uint32_t outputs() const noexcept { return outputs_; }
    /// Where the next record is to be written.
    [[nodiscard]] OutputArchive& archive() noexcept { return archive_; }
    /// A record is complete.
    void end_record(std::uint32_t output) {
        const auto end = archive_.position();
        records_.push_back({output, end - std::exchange(end_, end)});
        if (end >= run_bytes || records_.size() == run_records) flush();
    }
    [[nodiscard]] ShufflePieces finish() &&;

    /// One run takes about so many bytes, or records: large enough that a part of it is worth
    /// reading from a disk, small enough that each thread can have two.
    static constexpr std::size_t run_bytes = (8 << 20) - (64 << 10);
    static constexpr std::size_t run_records = 1 << 19;

  private:
    struct Record {
        std::uint32_t output;
        std::size_t size;
    };

    void flush();

    std::uint32_t outputs_;
    OutputArchive archive_ = OutputArchive::contiguous();
    std::size_t end_ = 0;
    std::vector<Record> records_;
    ShufflePieces pieces_;
};

/// The same for records that all have one size: what they are made of is written as it lies in
/// memory.
class PlainRunWriter {
  public:
    PlainRunWriter(std::uint32_t outputs, std::size_t record_size)
        : outputs_(outputs), record_size_(record_size) {}

    [[nodiscard]] std::uint32_t outputs() const noexcept { return outputs_; }
    /// Where the next record is to be written, all of it.
    [[nodiscard]] std::byte* add(std::uint32_t output) {
        if (records_ == room_) start_run();
        of_record_[records_++] = output;
        return std::exchange(at_, at_ + record_size_);
    }
    [[nodiscard]] ShufflePieces finish() &&;

  private:
    void start_run();
    void flush();

    std::uint32_t outputs_;
    std::size_t record_size_;
    Buffer written_;
    std::byte* at_ = nullptr;
    std::size_t records_ = 0;
    std::size_t room_ = 0;                        // for so many
    std::unique_ptr<std::uint32_t[]> of_record_;  // the output of each
    ShufflePieces pieces_;
};

/// What brings the pieces of all tasks of `split` to where an output partition needs them: task
/// i / `outputs_each` of `node` has all that is for output i.
struct Exchange {
    NodePtr node;
    std::int64_t outputs_each;

    /// As an input of the task of each output partition: ShufflePieces.
    [[nodiscard]] NodeInput input() const {
        return {.kind = NodeInput::Kind::cross_left, .node = node, .step = outputs_each};
    }
};
[[nodiscard]] Exchange exchange(NodePtr split, std::uint32_t outputs, const std::string& name);

}  // namespace satchel::detail
