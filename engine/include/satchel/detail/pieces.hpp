// Pieces of a shuffle: elements on their way from the partitions of a bag to those of another, by
// their keys.
//
// A task for each input partition writes (key, element) records, a RunWriter sorts them by the
// output partition that they belong to, some megabytes at a time, and puts each such *run* into
// memory or a temporary file. A *piece* is a range of runs: cutting one out copies nothing. A
// RecordReader gives the records of one output partition, in the order in which they were written.
//
// Records are encoded as for another process, so that they can be counted, set aside and sent.
// Elements (or keys) of types that do not travel stay objects, in memory.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/detail/node.hpp>
#include <satchel/detail/stream.hpp>
#include <satchel/stable_hash.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
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

    /// Where the next record is to be written.
    [[nodiscard]] OutputArchive& archive() noexcept { return archive_; }
    /// A record is complete.
    void end_record(std::uint64_t hash) {
        const auto end = archive_.position();
        records_.push_back({output_of(hash, outputs_), end - std::exchange(end_, end)});
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

/// Sorts `outputs` (of each record the output partition) and gives the parts, and of each record
/// the place to which it goes.
[[nodiscard]] std::vector<Run::Part> sort_objects(const std::vector<std::uint32_t>& outputs,
                                                  std::uint32_t count,
                                                  std::vector<std::size_t>& places);

/// Whether records are encoded, or stay objects.
template <class K, class T>
inline constexpr bool records_travel = travels<K>&& travels<T>;

/// What takes the records of one partition.
template <class K, class T>
class PieceWriter {
  public:
    explicit PieceWriter(std::uint32_t outputs) : writer_(outputs) {}

    void add(const K& key, const T& element) {
        writer_.archive() & key& element;
        writer_.end_record(StableHash{}(key));
    }
    [[nodiscard]] ShufflePieces finish() && { return std::move(writer_).finish(); }

  private:
    RunWriter writer_;
};

template <class K, class T>
requires(!records_travel<K, T>) class PieceWriter<K, T> {
  public:
    explicit PieceWriter(std::uint32_t outputs) : count_(outputs) {}

    template <class Element>
    void add(const K& key, Element&& element) {
        if constexpr (can_keep<T, Element&&>) {
            outputs_.push_back(output_of(StableHash{}(key), count_));
            records_.emplace_back(key, std::forward<Element>(element));
        } else {
            refuse_copy();
        }
    }
    [[nodiscard]] ShufflePieces finish() && {
        std::vector<std::size_t> places;
        Run run{.parts = sort_objects(outputs_, count_, places)};
        std::vector<std::pair<K, T>*> order(places.size());
        for (std::size_t k = 0; k < places.size(); ++k) order[places[k]] = &records_[k];
        auto sorted = std::make_shared<std::vector<std::pair<K, T>>>();
        sorted->reserve(order.size());
        for (auto* record : order) sorted->push_back(std::move(*record));
        run.objects = std::move(sorted);
        ShufflePieces pieces;
        pieces.runs.push_back(std::move(run));
        return pieces;
    }

  private:
    std::uint32_t count_;
    std::vector<std::uint32_t> outputs_;
    std::vector<std::pair<K, T>> records_;
};

/// The records of one output partition. Objects are moved out, as nobody else reads them.
template <class K, class T>
class RecordReader {
  public:
    /// The pieces must live as long.
    RecordReader(const ShufflePieces& pieces, std::uint32_t output)
        : run_(pieces.runs.data()), end_(run_ + pieces.runs.size()), output_(output) {}

    /// Goes to the next record; false at the end.
    bool next() {
        while (left_ == 0) {
            if (run_ == end_) return false;
            open(*run_++);
        }
        --left_;
        if constexpr (records_travel<K, T>) {
            if constexpr (std::default_initializable<K> && std::is_move_assignable_v<K>) {
                if (!key_) key_.emplace();
                load_into(*archive_, *key_);  // in place, for the sake of strings
            } else {
                key_.emplace(load<K>(*archive_));
            }
            element_.emplace(load<T>(*archive_));
            if (left_ == 0) archive_->expect_end();
        } else {
            key_.emplace(std::move(record_->first));
            element_.emplace(std::move(record_->second));
            ++record_;
        }
        return true;
    }

    /// What next() has found; both may be moved from.
    [[nodiscard]] K& key() noexcept { return *key_; }
    [[nodiscard]] T& element() noexcept { return *element_; }

  private:
    void open(const Run& run) {
        const auto part = run.find(output_);
        if (part == run.parts.size()) return;
        left_ = run.parts[part].records;
        if constexpr (records_travel<K, T>) {
            archive_.emplace(InputArchive::contiguous(run.read(part, part + 1)));
        } else {
            record_ = static_cast<std::vector<std::pair<K, T>>*>(run.objects.get())->data() +
                      run.begin_of(part);
        }
    }

    const Run* run_;
    const Run* end_;
    std::uint32_t output_;
    std::uint32_t left_ = 0;
    std::optional<InputArchive> archive_;
    std::pair<K, T>* record_ = nullptr;
    std::optional<K> key_;
    std::optional<T> element_;
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
