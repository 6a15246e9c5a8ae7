// Decompression of a file or a pipe, or the copying of what is not compressed.
#include <satchel/tasks/splitter.hpp>

#include "background_sink.hpp"
#include "compress.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <utility>

namespace satchel {
namespace {

constexpr std::size_t block_size = std::size_t{1} << 20;
constexpr std::int64_t beginning_size = 4096;  // the headers of any format, and more
constexpr std::size_t check_distance_max = std::size_t{64} << 20;

bool is_text(std::span<const std::byte> data) {
    return std::ranges::all_of(data, [](std::byte byte) {
        const auto value = std::to_integer<unsigned>(byte);
        return (value >= 0x20 && value < 0x7f) || (value >= '\t' && value <= '\r');
    });
}

// Whether a file of the codec's format may begin with that block, and be it if the block is not
// full.
bool begins_well(const Codec& codec, std::span<const std::byte> data) {
    std::array<std::byte, 4096> result;
    std::span<std::byte> output(result);
    const bool is_all = data.size() < block_size;
    try {
        return codec.decoder()->decode(data, output) != Decoder::Status::needs_input || !is_all;
    } catch (const CorruptData&) {
        return false;
    }
}

// The input, block by block, with the first one looked at in advance.
class Blocks {
  public:
    explicit Blocks(InputFile& input) : input_(input), first_(read()) {}

    /// Whether the beginning is that of compressed data. Text may look like it: "(See" and "x^2"
    /// begin with a header of zlib.
    [[nodiscard]] bool recognised() const {
        const auto head =
            std::span<const std::byte>(first_).first(std::min(head_size_max, first_.size()));
        const Codec* const codec = recognise(head);
        if (codec == nullptr || first_.size() < 2) return false;  // as `zcat -f` sees it
        return !is_text(head) || begins_well(*codec, first_);
    }

    /// The first block. REQUIRES: `next` has not been called.
    [[nodiscard]] const Bytes& first() const { return first_; }

    Bytes next() { return first_.empty() ? read() : std::exchange(first_, {}); }

    /// Bytes that were read.
    [[nodiscard]] std::int64_t size() const { return size_; }

  private:
    Bytes read() {
        Buffer block(block_size);
        block.resize(input_.read(block));
        size_ += static_cast<std::int64_t>(block.size());
        return std::move(block).freeze();
    }

    InputFile& input_;
    std::int64_t size_ = 0;
    Bytes first_;
};

// The range of the result that is asked for.
class Wanted {
  public:
    Wanted(std::int64_t offset, std::int64_t length) : skip_(offset), left_(length) {}

    [[nodiscard]] bool complete() const { return left_ == 0; }

    /// The next `size` bytes of the range have been given.
    void advance(std::int64_t size) {
        skip_ += size;
        if (left_ >= 0) left_ -= size;
    }

    Bytes part_of(const Bytes& data) {
        const auto skipped = std::min(skip_, static_cast<std::int64_t>(data.size()));
        skip_ -= skipped;
        Bytes part = data.slice(static_cast<std::size_t>(skipped));
        if (left_ < 0) return part;
        part = part.slice(0, static_cast<std::size_t>(left_));
        left_ -= static_cast<std::int64_t>(part.size());
        return part;
    }

  private:
    std::int64_t skip_;
    std::int64_t left_;
};

// The bytes of `input` that are read by their offsets.
class CountedAccess {
  public:
    explicit CountedAccess(const InputFile& input) : access_(random_access(input)) {}

    [[nodiscard]] RandomAccess access() {
        return {access_.size, [this](std::uint64_t offset, std::uint64_t size) {
                    Bytes data = access_.read(offset, size);
                    bytes_ += static_cast<std::int64_t>(data.size());
                    return data;
                }};
    }

    [[nodiscard]] std::int64_t bytes() const { return bytes_; }

  private:
    RandomAccess access_;
    std::atomic<std::int64_t> bytes_ = 0;
};

// Whether the pieces of a table are worth a task each.
bool is_worth_cutting_by(const SeekTable& table) {
    constexpr std::uint64_t piece_min = std::uint64_t{512} << 10;
    return table.pieces.size() > 1 && table.output_size / table.pieces.size() >= piece_min;
}

// One file, or the part of it that is wanted.
class Decompression {
  public:
    Decompression(InputFile& input, const Sink& sink, const DecompressStreamOptions& options)
        : input_(input), sink_(sink), options_(options), wanted_(options.offset, options.length) {}

    Decompressed run() {
        if (wanted_.complete()) return {.transfer = done_};
        const bool has_range = options_.offset > 0 || options_.length >= 0;
        // A table tells of the whole file. It may take much memory itself: where that is limited,
        // everything is decoded up to the range.
        const bool is_whole = input_.seekable() && input_.position() == 0;
        if (is_whole && options_.codec.memory == 0) look_up_table(has_range);
        const bool can_enter = table_ != nullptr && table_->is_confirmed;
        if (has_range && can_enter && read_range_by_table()) {
            return {.transfer = done_, .codec = codec_};
        }
        return read_all();
    }

  private:
    // Reading a table may lead through the whole file.
    void look_up_table(bool has_range) {
        counted_.emplace(input_);
        codec_ = options_.codec.format.empty() ? recognise(input_.read_at(0, head_size_max))
                                               : &satchel::codec(options_.codec.format);
        if (codec_ == nullptr) return;
        table_ = options_.table;
        if (table_ != nullptr || (!has_range && needs_no_table())) return;
        own_table_ = codec_->seek_table(counted_->access());
        if (own_table_) table_ = &*own_table_;
    }

    [[nodiscard]] bool needs_no_table() const {
        const auto splitter = codec_->splitter();
        return splitter == nullptr || splitter->needs_no_table(input_.read_at(0, beginning_size));
    }

    // Returns whether that was all.
    bool read_range_by_table() {
        const auto offset = static_cast<std::uint64_t>(options_.offset);
        const auto there = table_->output_size - std::min(table_->output_size, offset);
        const auto length = options_.length < 0
                                ? there
                                : std::min(there, static_cast<std::uint64_t>(options_.length));
        const auto write = [&](const Bytes& data) {
            count(data, counted_->bytes());
            sink_(data);
            return true;
        };
        const auto given =
            read_range(*codec_, counted_->access(), *table_, {.offset = offset, .length = length},
                       write, options_.executor);
        done_.input = counted_->bytes();
        wanted_.advance(static_cast<std::int64_t>(given));
        return given == length;
    }

    Decompressed read_all() {
        Blocks blocks(input_);
        BackgroundSink background(sink_);
        const bool on_one_thread = options_.executor.resolve()->concurrency() == 1;
        const auto write = [&](const Bytes& data) {
            const Bytes part = wanted_.part_of(data);
            count(part, blocks.size());
            if (!part.empty()) on_one_thread ? sink_(part) : background.write(part);
            return !wanted_.complete() || is_worth_checking(data);
        };
        if (options_.copy_unknown && options_.codec.format.empty() && !blocks.recognised()) {
            for (Bytes block = blocks.next(); !block.empty() && write(block);) {
                block = blocks.next();
            }
            background.finish();
            return {.transfer = done_};
        }
        const Bytes first = blocks.first();
        const bool by_table = table_ != nullptr && is_worth_cutting_by(*table_);
        const auto result = [&] {
            try {
                return decompress_parallel([&] { return blocks.next(); }, write,
                                           {.decompress = options_.codec,
                                            .executor = options_.executor,
                                            .table = by_table ? table_ : nullptr,
                                            .on_piece = options_.on_piece});
            } catch (...) {
                background.finish();  // what was right so far
                throw;
            }
        }();
        background.finish();
        done_.input = blocks.size();
        return {.transfer = done_,
                .codec = result.codec,
                .warning = result.warning,
                .streams = result.streams,
                .check = result.codec == nullptr ? "" : result.codec->check(first)};
    }

    // The check of what was given may follow further back: it is looked for, but not without end.
    bool is_worth_checking(const Bytes& data) {
        beyond_ += data.size();
        return beyond_ < check_distance_max;
    }

    // Before it is given, so that whoever is told can keep it back.
    void count(const Bytes& given, std::int64_t read) {
        done_.input = read;
        done_.output += static_cast<std::int64_t>(given.size());
        if (options_.on_progress) options_.on_progress(done_);
    }

    InputFile& input_;
    const Sink& sink_;
    const DecompressStreamOptions& options_;
    Wanted wanted_;
    Transfer done_;
    std::size_t beyond_ = 0;  // decoded behind what is wanted
    const Codec* codec_ = nullptr;
    const SeekTable* table_ = nullptr;
    std::optional<SeekTable> own_table_;
    std::optional<CountedAccess> counted_;
};

}  // namespace

Decompressed decompress_stream(InputFile& input, const Sink& sink,
                               const DecompressStreamOptions& options) {
    return Decompression(input, sink, options).run();
}

}  // namespace satchel
