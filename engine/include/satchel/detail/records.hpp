// Records: what the pieces of a shuffle hold, an element with its key each.
//
// They are encoded as for another process, so that they can be counted, set aside and sent: numbers
// as they lie in memory, all else by an archive. Elements (or keys) of types that do not travel
// stay objects, in memory. A PieceWriter takes those of one input partition, a RecordReader gives
// those of one output partition, in the order in which they were written.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/detail/pieces.hpp>
#include <satchel/detail/stream.hpp>
#include <satchel/stable_hash.hpp>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Throws ArchiveError: a part has more or fewer bytes than its records.
[[noreturn]] void refuse_records();

/// Sorts `outputs` (of each record the output partition) and gives the parts, and of each record
/// the place to which it goes.
[[nodiscard]] std::vector<Run::Part> sort_objects(const std::vector<std::uint32_t>& outputs,
                                                  std::uint32_t count,
                                                  std::vector<std::size_t>& places);

/// Whether records are encoded, or stay objects.
template <class K, class T>
inline constexpr bool records_travel = travels<K>&& travels<T>;

/// Whether encoded records are what lies in memory: numbers.
template <class K, class T>
inline constexpr bool records_are_plain = is_plain<K>&& is_plain<T>;

/// What takes the records of one partition.
template <class K, class T>
class PieceWriter {
  public:
    explicit PieceWriter(std::uint32_t outputs) : writer_(outputs) {}

    void add(const K& key, const T& element) {
        add_to(output_of(StableHash{}(key), writer_.outputs()), key, element);
    }
    /// To an output partition that the key does not tell.
    void add_to(std::uint32_t output, const K& key, const T& element) {
        writer_.archive() & key& element;
        writer_.end_record(output);
    }
    [[nodiscard]] ShufflePieces finish() && { return std::move(writer_).finish(); }

  private:
    RunWriter writer_;
};

template <class K, class T>
requires(records_are_plain<K, T>) class PieceWriter<K, T> {
  public:
    explicit PieceWriter(std::uint32_t outputs) : writer_(outputs, sizeof(K) + sizeof(T)) {}

    void add(K key, T element) {
        add_to(output_of(StableHash{}(key), writer_.outputs()), key, element);
    }
    void add_to(std::uint32_t output, K key, T element) {
        auto* const record = writer_.add(output);
        std::memcpy(record, &key, sizeof key);
        std::memcpy(record + sizeof key, &element, sizeof element);
    }
    [[nodiscard]] ShufflePieces finish() && { return std::move(writer_).finish(); }

  private:
    PlainRunWriter writer_;
};

template <class K, class T>
requires(!records_travel<K, T>) class PieceWriter<K, T> {
  public:
    explicit PieceWriter(std::uint32_t outputs) : count_(outputs) {}

    template <class Element>
    void add(const K& key, Element&& element) {
        add_to(output_of(StableHash{}(key), count_), key, std::forward<Element>(element));
    }
    template <class Element>
    void add_to(std::uint32_t output, const K& key, Element&& element) {
        if constexpr (can_keep<T, Element&&>) {
            outputs_.push_back(output);
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

/// Goes through the records of one output partition, run by run.
class RecordCounter {
  public:
    RecordCounter(const ShufflePieces& pieces, std::uint32_t output)
        : run_(pieces.runs.data()), end_(run_ + pieces.runs.size()), output_(output) {}

    /// Counts the next record, after `open` was called with the run and the number of its part if
    /// it is the first of one. False at the end.
    template <class Open>
    bool next(const Open& open) {
        while (left_ == 0) {
            if (run_ == end_) return false;
            const auto& run = *run_++;
            const auto part = run.find(output_);
            if (part == run.parts.size()) continue;
            left_ = run.parts[part].records;
            open(run, part);
        }
        --left_;
        return true;
    }

    /// Of the part.
    [[nodiscard]] std::size_t left() const noexcept { return left_; }

  private:
    const Run* run_;
    const Run* end_;
    std::uint32_t output_;
    std::size_t left_ = 0;
};

/// The records of one output partition. Objects are moved out, as nobody else reads them.
template <class K, class T>
class RecordReader {
  public:
    /// The pieces must live as long.
    RecordReader(const ShufflePieces& pieces, std::uint32_t output) : counter_(pieces, output) {}

    /// Goes to the next record; false at the end.
    bool next() {
        if (!counter_.next([this](const Run& run, std::size_t part) { open(run, part); })) {
            return false;
        }
        if constexpr (records_travel<K, T>) {
            if constexpr (std::is_same_v<K, std::string>) {
                if (!key_) key_.emplace();
                load_into(*archive_, *key_);  // in place, for the sake of its memory
            } else {
                key_.emplace(load<K>(*archive_));
            }
            element_.emplace(load<T>(*archive_));
            if (counter_.left() == 0) archive_->expect_end();
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
    void open(const Run& run, std::size_t part) {
        if constexpr (records_travel<K, T>) {
            archive_.emplace(InputArchive::contiguous(run.read(part, part + 1)));
        } else {
            record_ = static_cast<std::vector<std::pair<K, T>>*>(run.objects.get())->data() +
                      run.begin_of(part);
        }
    }

    RecordCounter counter_;
    std::optional<InputArchive> archive_;
    std::pair<K, T>* record_ = nullptr;
    std::optional<K> key_;
    std::optional<T> element_;
};

template <class K, class T>
requires(records_are_plain<K, T>) class RecordReader<K, T> {
  public:
    RecordReader(const ShufflePieces& pieces, std::uint32_t output) : counter_(pieces, output) {}

    bool next() {
        if (!counter_.next([this](const Run& run, std::size_t part) { open(run, part); })) {
            return false;
        }
        std::memcpy(&key_, at_, sizeof key_);
        std::memcpy(&element_, at_ + sizeof key_, sizeof element_);
        at_ += sizeof key_ + sizeof element_;
        return true;
    }

    [[nodiscard]] K& key() noexcept { return key_; }
    [[nodiscard]] T& element() noexcept { return element_; }

  private:
    void open(const Run& run, std::size_t part) {
        bytes_ = run.read(part, part + 1);
        at_ = bytes_.data();
        if (bytes_.size() != counter_.left() * (sizeof(K) + sizeof(T))) refuse_records();
    }

    RecordCounter counter_;
    Bytes bytes_;
    const std::byte* at_ = nullptr;
    K key_{};
    T element_{};
};

}  // namespace satchel::detail
