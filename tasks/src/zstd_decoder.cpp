// zstd frames (RFC 8878) by libzstd, with the skippable ones and the table that ours have.
#include "zstd_decoder.hpp"

#include <satchel/units.hpp>

#include "codec_table.hpp"
#include "zstd_format.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <new>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <zstd_errors.h>

namespace satchel::detail {
namespace {

// What pieces should be decoded to, and what they may take.
constexpr std::size_t piece_output = std::size_t{1} << 20;
constexpr std::size_t piece_output_max = std::size_t{16} << 20;
constexpr std::size_t piece_input_max = std::size_t{16} << 20;

// Frames that do not say what they hold are kept apart from the others, in pieces of this size.
constexpr std::size_t piece_input_unknown = std::size_t{16} << 10;

class ZstdGuess : public Guess {
  public:
    std::vector<ZstdEntry> frames;
};

// A piece is a number of whole frames.
class ZstdSplitter : public Splitter {
  public:
    // The first frame with contents says whether frames say what they hold.
    bool needs_no_table(std::span<const std::byte> data) const override {
        while (is_skippable(data) && frame_size(data) != 0) data = data.subspan(frame_size(data));
        return begins(data, frame_magic) && known_contents(data) != 0;
    }

    std::size_t cut(std::span<const std::byte> data, std::uint64_t offset, bool at_end) override {
        if (offset == 0) next_ = true;
        begin_ = false;
        std::size_t size = 0;
        std::uint64_t output = 0;
        while (next_ && size < data.size()) {
            const auto rest = data.subspan(size);
            const auto frame = frame_size(rest);
            if (frame == 0) break;
            const auto contents = known_contents(rest);
            const bool can_be_guessed = contents != 0;
            const bool fits = can_be_guessed == begin_ && output + contents <= piece_output_max;
            if (size != 0 && !fits) return size;
            begin_ = can_be_guessed;
            size += frame;
            output += contents;
            if (output >= piece_output || (!begin_ && size >= piece_input_unknown)) return size;
        }
        // A frame that is not whole yet: more will tell, but not without end.
        if (next_ && !at_end && data.size() < piece_input_max) return 0;
        if (size != 0) return size;
        next_ = begin_ = false;
        return data.size();
    }

    void describe(Piece& piece) override { piece.begin = begin_ ? 1 : 0; }

    std::unique_ptr<Guess> guess(const Piece& piece) const override {
        const std::span<const std::byte> data(piece.data);
        if (piece.begin == 0) return nullptr;
        const auto size = content_size(piece);
        if (!size) return nullptr;
        thread_local const auto context = checked_zstd(ZstdDecompressContext(ZSTD_createDCtx()));
        auto guess = std::make_unique<ZstdGuess>();
        Buffer out(*size);
        std::size_t written = 0;
        while (guess->used < data.size()) {
            const auto rest = data.subspan(guess->used);
            const auto frame = frame_size(rest);
            if (frame == 0) return nullptr;
            const auto decoded = ZSTD_decompressDCtx(context.get(), out.data() + written,
                                                     out.size() - written, rest.data(), frame);
            if (ZSTD_isError(decoded) != 0) return nullptr;
            guess->frames.push_back({frame, decoded});
            guess->used += frame;
            written += decoded;
        }
        out.resize(written);
        guess->data = std::move(out).freeze();
        guess->streams = guess->frames.size();
        guess->from_start = true;
        return guess;
    }

    // The frames themselves say how much they hold.
    void learn(std::size_t /*used*/, std::size_t /*size*/) override {}
    std::uint64_t limit_piece(std::uint64_t /*bytes*/) override {
        return piece_input_max + piece_output_max;
    }

  private:
    // Bytes of the frame that `data` begins with; 0 if it is not whole. What is no frame by RFC
    // 8878 is none, though libzstd knows the frames of its first versions, too.
    static std::size_t frame_size(std::span<const std::byte> data) {
        if (!begins(data, frame_magic) && !is_skippable(data)) return 0;
        const auto size = ZSTD_findFrameCompressedSize(data.data(), data.size());
        return ZSTD_isError(size) != 0 ? 0 : size;
    }

    // What the frame that `data` begins with says that it holds; 0 if it does not say that, or it
    // is too much. Empty ones, as the skippable are, are left to the stream's decoder: of those,
    // libzstd refuses some as a stream that it takes as a whole.
    static std::uint64_t known_contents(std::span<const std::byte> data) {
        const auto size = ZSTD_getFrameContentSize(data.data(), data.size());
        return size > piece_output_max ? 0 : size;
    }

    // What the frames of the piece hold; where one says nothing, a table may.
    static std::optional<std::size_t> content_size(const Piece& piece) {
        if (piece.output_size != 0) return static_cast<std::size_t>(piece.output_size);
        std::span<const std::byte> data(piece.data);
        std::uint64_t total = 0;
        while (!data.empty()) {
            const auto frame = frame_size(data);
            const auto size = known_contents(data);
            if (frame == 0 || size == 0) return std::nullopt;
            total += size;
            data = data.subspan(frame);
        }
        if (total > piece_output_max) return std::nullopt;
        return static_cast<std::size_t>(total);
    }

    bool begin_ = false;
    bool next_ = true;  // whether a frame begins where the next piece does
};

// Every frame is a stream, the skippable ones without contents.
class ZstdDecoder : public Decoder {
  public:
    Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) override {
        if (part_ == Part::magic) {
            if (!gather(input, magic_size)) return Status::needs_input;
            part_ = is_skippable(field()) ? Part::skippable_header : Part::frame_header;
            if (part_ == Part::frame_header && !begins(field(), frame_magic)) fail_magic();
        }
        // libzstd gets the header in one piece: where a call begins inside of one, version 1.5.4
        // may take what the call begins with for a frame.
        if (part_ == Part::frame_header) {
            if (!gather(input, magic_size + 1) || !gather(input, header_size(field_[magic_size]))) {
                return Status::needs_input;
            }
            part_ = Part::frame;
            auto header = field();
            const auto status = decode_frame(header, output);
            if (status != Status::needs_input) return status;
        }
        if (part_ == Part::frame) return decode_frame(input, output);
        return skip_frame(input) ? Status::finished : Status::needs_input;
    }

    void reset(std::uint64_t offset) override {
        ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
        part_ = Part::magic;
        field_size_ = 0;
        offset_ = offset;
        frame_ = {};
    }

    Status take_over(const Guess& guess) override {
        const auto& frames = static_cast<const ZstdGuess&>(guess).frames;
        if (announced_) entries_.insert(entries_.end(), frames.begin(), frames.end());
        has_data_ = true;
        offset_ += guess.used;
        part_ = Part::magic;
        return Status::finished;
    }

    // Of what a frame can ask for, the window is nearly all.
    void limit_memory(std::uint64_t bytes) override {
        const auto log = std::bit_width(std::max(bytes, std::uint64_t{1} << window_log_min)) - 1;
        window_log_ = std::min(window_log_, static_cast<int>(log));
        ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log_);
    }

    bool file_may_end() const override { return !announced_; }

    // Behind skippable frames alone, what is no frame is the first of the data, damaged.
    bool may_be_followed() const override { return has_data_; }

  private:
    static constexpr std::size_t magic_size = 4;
    static constexpr int window_log_min = 10;
    static constexpr int window_log_max = 27;  // what libzstd accepts by itself
    enum class Part {
        magic,
        frame_header,
        frame,
        skippable_header,
        announcement,
        table,
        table_footer,
        skipped
    };

    // Bytes of a frame's header, which its fifth describes: RFC 8878, 3.1.1.1.
    static std::size_t header_size(std::byte descriptor) {
        constexpr std::array<std::size_t, 4> dictionary_sizes{0, 1, 2, 4};
        constexpr std::array<std::size_t, 4> content_sizes{0, 2, 4, 8};
        const auto bits = std::to_integer<std::size_t>(descriptor);
        const bool is_single_segment = (bits & 32) != 0;
        const auto content_size =
            std::max<std::size_t>(content_sizes[bits >> 6], is_single_segment);
        const std::size_t window_size = is_single_segment ? 0 : 1;
        return magic_size + 1 + window_size + dictionary_sizes[bits & 3] + content_size;
    }

    // Collects a field of `size` bytes, which may come in several pieces.
    bool gather(std::span<const std::byte>& input, std::size_t size) {
        offset_ += detail::gather(input, std::span(field_).first(size), field_size_);
        return field_size_ >= size;
    }

    [[nodiscard]] std::span<const std::byte> field() const {
        return std::span(field_).first(field_size_);
    }

    Status decode_frame(std::span<const std::byte>& input, std::span<std::byte>& output) {
        while (true) {
            ZSTD_inBuffer in{input.data(), input.size(), 0};
            ZSTD_outBuffer out{output.data(), output.size(), 0};
            const auto result = ZSTD_decompressStream(context_.get(), &out, &in);
            const bool is_field = input.data() == field_.data();
            input = input.subspan(in.pos);
            output = output.subspan(out.pos);
            if (!is_field) offset_ += in.pos;
            frame_.compressed_size += in.pos;
            frame_.size += out.pos;
            if (ZSTD_isError(result) != 0) fail(result);
            if (result == 0) {
                // Only what a table will follow needs to be remembered.
                if (announced_) entries_.push_back(frame_);
                has_data_ = true;
                return Status::finished;
            }
            if (output.empty()) return Status::needs_output;
            if (input.empty()) return Status::needs_input;
        }
    }

    // True when the frame has ended.
    bool skip_frame(std::span<const std::byte>& input) {
        if (part_ == Part::skippable_header) {
            if (!gather(input, skippable_header_size)) return false;
            begin_skippable();
        }
        if (part_ == Part::announcement) {
            if (!gather(input, announcement_text.size())) return false;
            look_for_announcement();
        }
        if (part_ == Part::table && !compare_table(input)) return false;
        if (part_ == Part::table_footer && gather(input, table_footer_size)) {
            if (little_endian(field().last(4)) != seekable_magic) fail_table();
            announced_ = false;
            entries_.clear();
            return true;
        }
        if (part_ != Part::skipped) return false;
        const auto skipped = std::min<std::uint64_t>(skip_, input.size());
        input = input.subspan(static_cast<std::size_t>(skipped));
        offset_ += skipped;
        skip_ -= skipped;
        return skip_ == 0;
    }

    void begin_skippable() {
        const auto magic = little_endian(field().first(magic_size));
        skip_ = little_endian(field().last(4));
        field_size_ = 0;
        part_ = Part::skipped;
        if (magic == table_magic && announced_) {
            if (skip_ != entries_.size() * table_entry_size + table_footer_size) fail_table();
            part_ = Part::table;
            compared_ = 0;
        } else if (skip_ >= announcement_text.size()) {
            part_ = Part::announcement;
        }
    }

    // The text is what announces, whatever is wrong with the header before it. What is wrong with
    // the text itself costs no data: the table is skipped, then.
    void look_for_announcement() {
        part_ = Part::skipped;
        skip_ -= field_size_;
        if (!std::ranges::equal(field(), announcement_text)) return;
        if (announced_) fail_table();  // that of the file before, which was cut off
        announced_ = true;
    }

    // True when all entries are there.
    bool compare_table(std::span<const std::byte>& input) {
        while (compared_ < entries_.size()) {
            if (!gather(input, table_entry_size)) return false;
            const ZstdEntry entry{little_endian(field().first(4)), little_endian(field().last(4))};
            field_size_ = 0;
            if (entry != entries_[compared_++]) fail_table();
        }
        part_ = Part::table_footer;
        return true;
    }

    [[noreturn]] void fail_table() const {
        throw CorruptData("damaged data: the table of the zstd frames does not match them",
                          offset_ - field_size_);
    }

    [[noreturn]] void fail_magic() const {
        throw CorruptData("not zstd data: it does not begin with 28 B5 2F FD", offset_);
    }

    [[noreturn]] void fail(std::size_t result) const {
        switch (ZSTD_getErrorCode(result)) {
            case ZSTD_error_memory_allocation:
                throw std::bad_alloc();
            case ZSTD_error_frameParameter_windowTooLarge:
                throw CorruptData(
                    fmt::format("cannot decode zstd data: it was compressed with a window of more "
                                "than {}{}",
                                format_bytes(std::uint64_t{1} << window_log_),
                                window_log_ < window_log_max
                                    ? ", and takes more memory than is allowed"
                                    : "; zstd --long=31 -d decodes it"),
                    offset_);
            case ZSTD_error_dictionary_wrong:
                throw CorruptData("the zstd frame needs a dictionary, which is not there", offset_);
            default:
                throw CorruptData(fmt::format("damaged data: {}", ZSTD_getErrorName(result)),
                                  offset_);
        }
    }

    ZstdDecompressContext context_ = checked_zstd(ZstdDecompressContext(ZSTD_createDCtx()));
    int window_log_ = window_log_max;
    Part part_ = Part::magic;
    std::array<std::byte, 18> field_{};  // a frame's header is the longest that it holds
    std::size_t field_size_ = 0;
    std::uint64_t skip_ = 0;  // what is left of the frame
    std::uint64_t offset_ = 0;
    ZstdEntry frame_;
    bool has_data_ = false;   // a frame was there that is not skippable
    bool announced_ = false;  // a table is to come, with these entries:
    std::vector<ZstdEntry> entries_;
    std::size_t compared_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> make_zstd_decoder() { return std::make_unique<ZstdDecoder>(); }

std::unique_ptr<Splitter> make_zstd_splitter() { return std::make_unique<ZstdSplitter>(); }

}  // namespace satchel::detail
