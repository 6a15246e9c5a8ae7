// zstd (RFC 8878): a frame for each chunk, and a table of them at the end.
//
//     file     := announcement | frame … | table
//     announcement := 5B 2A 4D 18 | 08 00 00 00 | "satchel" 01
//     table    := 5E 2A 4D 18 | size(4) | entry … | number of frames(4) | 00 | B1 EA 92 8F
//     entry    := compressed size(4) | size(4)                        (all little-endian)
//
// Every frame says how large its contents are and ends with a check of them. The format defines
// that frames which follow each other are one file, so frames need no joining. The table, which the
// zstd project calls the seekable format, and the announcement are skippable frames, which all
// decoders skip. What is announced is the table: without it, nobody would notice that a file was
// cut off between two frames. A file without chunks has one empty frame.
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/seek.hpp>
#include <satchel/tasks/splitter.hpp>

#include "codec_table.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace satchel::detail {
namespace {

constexpr std::uint64_t skippable_magic = 0x184D'2A50;  // the lowest four bits are free
constexpr std::uint64_t table_magic = skippable_magic | 0xE;
constexpr std::uint64_t announcement_magic = skippable_magic | 0xB;
constexpr std::array announcement_text{std::byte{'s'}, std::byte{'a'}, std::byte{'t'},
                                       std::byte{'c'}, std::byte{'h'}, std::byte{'e'},
                                       std::byte{'l'}, std::byte{1}};
constexpr std::uint64_t seekable_magic = 0x8F92'EAB1;
constexpr std::size_t skippable_header_size = 8;
constexpr std::size_t table_entry_size = 8;
constexpr std::size_t table_footer_size = 9;

// What pieces should be decoded to, and what they may take.
constexpr std::size_t piece_output = std::size_t{1} << 20;
constexpr std::size_t piece_output_max = std::size_t{16} << 20;
constexpr std::size_t piece_input_max = std::size_t{16} << 20;

struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using CompressContext = std::unique_ptr<ZSTD_CCtx, FreeContext>;
using DecompressContext = std::unique_ptr<ZSTD_DCtx, FreeContext>;

template <class Context>
Context checked(Context context) {
    if (!context) throw std::bad_alloc();
    return context;
}

std::size_t check_encoded(std::size_t result) {
    if (ZSTD_isError(result) == 0) return result;
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) throw std::bad_alloc();
    throw Error(fmt::format("cannot compress to zstd: {}", ZSTD_getErrorName(result)));
}

constexpr std::initializer_list<unsigned> frame_magic{0x28, 0xB5, 0x2F, 0xFD};

// Whether `data` begins a skippable frame, or may do so from its second byte on.
bool is_skippable(std::span<const std::byte> data) {
    constexpr std::byte kind_mask{0xF0};
    return data.size() >= 2 && (data[0] & kind_mask) == std::byte{0x50} &&
           begins(data.subspan(1), {0x2A, 0x4D, 0x18});
}

Bytes compressed_frame(std::span<const std::byte> chunk, std::int64_t level) {
    thread_local const auto context = checked(CompressContext(ZSTD_createCCtx()));
    check_encoded(ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_and_parameters));
    check_encoded(
        ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, static_cast<int>(level)));
    check_encoded(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1));
    Buffer out(ZSTD_compressBound(chunk.size()));
    out.resize(check_encoded(
        ZSTD_compress2(context.get(), out.data(), out.size(), chunk.data(), chunk.size())));
    return std::move(out).freeze();
}

void append_number(Buffer& out, std::uint64_t value) {
    out.append(
        bytes_of({byte_of(value, 0), byte_of(value, 1), byte_of(value, 2), byte_of(value, 3)}));
}

// Sizes of a frame.
struct Entry {
    std::uint64_t compressed_size = 0;
    std::uint64_t size = 0;

    friend bool operator==(const Entry&, const Entry&) = default;
};

class ZstdJoiner : public Joiner {
  public:
    explicit ZstdJoiner(std::int64_t level) : level_(level) {}

    Bytes begin() override {
        Buffer out;
        append_number(out, announcement_magic);
        append_number(out, announcement_text.size());
        out.append(announcement_text);
        return std::move(out).freeze();
    }

    Bytes append(const CompressedChunk& chunk) override {
        entries_.push_back({chunk.data.size(), chunk.input_size});
        return chunk.data;
    }

    Bytes finish() override {
        Buffer out;
        if (entries_.empty()) {
            const Bytes frame = compressed_frame({}, level_);
            out.append(frame);
            entries_.push_back({frame.size(), 0});
        }
        append_number(out, table_magic);
        append_number(out, entries_.size() * table_entry_size + table_footer_size);
        for (const Entry& entry : entries_) {
            append_number(out, entry.compressed_size);
            append_number(out, entry.size);
        }
        append_number(out, entries_.size());
        out.append(bytes_of({0}));
        append_number(out, seekable_magic);
        return std::move(out).freeze();
    }

  private:
    std::int64_t level_;
    std::vector<Entry> entries_;
};

// Nothing checks the table itself, so it is compared with what the frames say of their contents.
// One that is no longer a frame at all is what somebody may want to read around.
bool agrees_with_frame(const SeekPiece& piece, const RandomAccess& file) {
    constexpr std::uint64_t header_size_max = 18;
    const Bytes header = file.read(piece.offset, header_size_max);
    const auto size = ZSTD_getFrameContentSize(header.data(), header.size());
    return size == piece.output_size || size == ZSTD_CONTENTSIZE_ERROR;
}

// The frames that the table at the end of `file` tells of; nothing if there is none, or if it is
// not that of the whole file.
std::optional<SeekTable> table_of_frames(const RandomAccess& file) {
    constexpr std::uint64_t least = skippable_header_size + table_footer_size;
    if (file.size < least) return std::nullopt;
    const Bytes footer = file.read(file.size - table_footer_size, table_footer_size);
    if (footer.size() != table_footer_size ||
        little_endian(std::span(footer).last(4)) != seekable_magic) {
        return std::nullopt;
    }
    const auto count = little_endian(std::span(footer).first(4));
    const bool has_checks = (footer[4] & std::byte{0x80}) != std::byte{0};
    const auto entry_size = table_entry_size + (has_checks ? 4U : 0U);
    const auto contents_size = count * entry_size + table_footer_size;
    if (contents_size > file.size - skippable_header_size) return std::nullopt;
    const auto begin = file.size - contents_size - skippable_header_size;
    const Bytes frame = file.read(begin, file.size - begin);
    if (frame.size() != file.size - begin) return std::nullopt;
    const std::span<const std::byte> data(frame);
    const bool is_table = little_endian(data.first(4)) == table_magic &&
                          little_endian(data.subspan(4, 4)) == contents_size;
    if (!is_table) return std::nullopt;
    SeekTable table;
    std::uint64_t compressed = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = data.subspan(skippable_header_size + i * entry_size, table_entry_size);
        const Entry sizes{little_endian(entry.first(4)), little_endian(entry.last(4))};
        table.pieces.push_back({.offset = compressed,
                                .size = sizes.compressed_size,
                                .begin = 1,
                                .output_offset = table.output_size,
                                .output_size = sizes.size});
        compressed += sizes.compressed_size;
        table.output_size += sizes.size;
    }
    // Before the frames, there is nothing but our announcement.
    constexpr std::uint64_t announcement_size = skippable_header_size + announcement_text.size();
    if (compressed > begin) return std::nullopt;
    const auto base = begin - compressed;
    const bool announced =
        base == announcement_size &&
        std::ranges::equal(file.read(skippable_header_size, announcement_text.size()),
                           announcement_text);
    if (base != 0 && !announced) return std::nullopt;
    for (auto& piece : table.pieces) {
        piece.offset += base;
        if (!agrees_with_frame(piece, file)) return std::nullopt;
    }
    return table;
}

class ZstdGuess : public Guess {
  public:
    std::vector<Entry> frames;
};

// A piece is a number of whole frames.
class ZstdSplitter : public Splitter {
  public:
    std::size_t cut(std::span<const std::byte> data, std::uint64_t offset, bool at_end) override {
        if (offset == 0) next_ = true;
        begin_ = next_;
        std::size_t size = 0;
        while (next_ && size < minimum_ && size < data.size()) {
            const auto rest = data.subspan(size);
            const auto frame = ZSTD_findFrameCompressedSize(rest.data(), rest.size());
            if (ZSTD_isError(frame) != 0) break;
            if (is_skippable(rest)) {
                if (size == 0) begin_ = false;
                return size == 0 ? frame : size;
            }
            size += frame;
        }
        if (size != 0 && (size >= minimum_ || at_end)) return size;
        // A frame that is not whole yet: more will tell, but not without end.
        if (!at_end && next_ && data.size() < piece_input_max) return 0;
        if (size != 0) return size;
        next_ = begin_ = false;
        return data.size();
    }

    void describe(Piece& piece) override { piece.begin = begin_ ? 1 : 0; }

    std::unique_ptr<Guess> guess(const Piece& piece) const override {
        const std::span<const std::byte> data(piece.data);
        if (piece.begin == 0) return nullptr;
        const auto size = content_size(data);
        if (!size) return nullptr;
        thread_local const auto context = checked(DecompressContext(ZSTD_createDCtx()));
        auto guess = std::make_unique<ZstdGuess>();
        Buffer out(*size);
        std::size_t written = 0;
        while (guess->used < data.size()) {
            const auto rest = data.subspan(guess->used);
            const auto frame = ZSTD_findFrameCompressedSize(rest.data(), rest.size());
            if (ZSTD_isError(frame) != 0) return nullptr;
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

    void learn(std::size_t used, std::size_t size) override {
        if (size == 0) return;
        const auto ratio = static_cast<double>(size) / static_cast<double>(used);
        minimum_ = std::max<std::size_t>(
            1, static_cast<std::size_t>(static_cast<double>(piece_output) / ratio));
    }

  private:
    // What the frames say that they hold, if that is not too much. Empty ones are left to the
    // stream's decoder: of those, libzstd refuses some as a stream that it takes as a whole.
    static std::optional<std::size_t> content_size(std::span<const std::byte> data) {
        std::uint64_t total = 0;
        while (!data.empty()) {
            const auto frame = ZSTD_findFrameCompressedSize(data.data(), data.size());
            const auto size = ZSTD_getFrameContentSize(data.data(), data.size());
            if (ZSTD_isError(frame) != 0 || size == 0 || size > piece_output_max) {
                return std::nullopt;
            }
            total += size;
            data = data.subspan(frame);
        }
        if (total > piece_output_max) return std::nullopt;
        return static_cast<std::size_t>(total);
    }

    bool begin_ = false;
    bool next_ = true;  // whether a frame begins where the next piece does
    std::size_t minimum_ = std::size_t{16} << 10;
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
        offset_ += guess.used;
        part_ = Part::magic;
        return Status::finished;
    }

    bool file_may_end() const override { return !announced_; }

  private:
    static constexpr std::size_t magic_size = 4;
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
        if (field_size_ >= size) return true;
        const auto taken = input.first(std::min(size - field_size_, input.size()));
        std::ranges::copy(taken, field_.begin() + static_cast<std::ptrdiff_t>(field_size_));
        field_size_ += taken.size();
        offset_ += taken.size();
        input = input.subspan(taken.size());
        return field_size_ == size;
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
        if (part_ == Part::announcement && gather(input, announcement_text.size())) {
            check_announcement();
            return true;
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
        is_ours_ = magic == announcement_magic;
        if (skip_ == announcement_text.size()) {
            part_ = Part::announcement;
        } else if (is_ours_) {
            fail_announcement();
        } else if (magic == table_magic && announced_) {
            if (skip_ != entries_.size() * table_entry_size + table_footer_size) fail_table();
            part_ = Part::table;
            compared_ = 0;
        }
    }

    // Wherever this text stands, it means what it says; where it should stand, nothing else may.
    void check_announcement() {
        const bool announces = std::ranges::equal(field(), announcement_text);
        if (is_ours_ && !announces) fail_announcement();
        if (!announces) return;
        announced_ = true;
        entries_.clear();
    }

    // True when all entries are there.
    bool compare_table(std::span<const std::byte>& input) {
        while (compared_ < entries_.size()) {
            if (!gather(input, table_entry_size)) return false;
            const Entry entry{little_endian(field().first(4)), little_endian(field().last(4))};
            field_size_ = 0;
            if (entry != entries_[compared_++]) fail_table();
        }
        part_ = Part::table_footer;
        return true;
    }

    [[noreturn]] void fail_announcement() const {
        throw CorruptData("damaged data: the first frame of a zstd file of satchel is malformed",
                          offset_ - field_size_);
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
                    "cannot decode zstd data: it was compressed with a window of more than 128 MiB",
                    offset_);
            case ZSTD_error_dictionary_wrong:
                throw CorruptData("the zstd frame needs a dictionary, which is not there", offset_);
            default:
                throw CorruptData(fmt::format("damaged data: {}", ZSTD_getErrorName(result)),
                                  offset_);
        }
    }

    DecompressContext context_ = checked(DecompressContext(ZSTD_createDCtx()));
    Part part_ = Part::magic;
    std::array<std::byte, 18> field_{};  // a frame's header is the longest that it holds
    std::size_t field_size_ = 0;
    std::uint64_t skip_ = 0;  // what is left of the frame
    std::uint64_t offset_ = 0;
    Entry frame_;
    bool is_ours_ = false;    // the skippable frame is one for announcements
    bool announced_ = false;  // a table is to come, with these entries:
    std::vector<Entry> entries_;
    std::size_t compared_ = 0;
};

class ZstdCodec : public Codec {
  public:
    const CodecInfo& info() const override {
        static constexpr std::array suffixes{Suffix{".zst", ""}, Suffix{".tzst", ".tar"}};
        static constexpr CodecInfo info{.name = "zstd",
                                        .suffix = ".zst",
                                        .suffixes = suffixes,
                                        .level_max = 19,
                                        .level_default = 3,
                                        .head_size = 4};
        return info;
    }

    bool recognises(std::span<const std::byte> head) const override {
        return begins(head, frame_magic) || is_skippable(head);
    }

    // A flag behind the magic number of the first frame with data tells.
    std::string_view check(std::span<const std::byte> data) const override {
        constexpr std::size_t head_size = 8;  // of a skippable frame: magic number, size
        constexpr std::byte has_checksum{0x04};
        while (is_skippable(data) && data.size() >= head_size) {
            const auto size = little_endian(data.subspan(4, 4));
            if (size > data.size() - head_size) return {};
            data = data.subspan(head_size + size);
        }
        if (!begins(data, frame_magic) || data.size() <= 4) return {};
        return (data[4] & has_checksum) == std::byte{0} ? "None" : "XXH64";
    }

    // Frames start without history. A chunk of one window or more costs little.
    std::int64_t default_chunk_size(std::int64_t level) const override {
        return std::int64_t{level < 10 ? 2 : 8} << 20;
    }

    std::uint64_t compress_memory(const CompressOptions& options) const override {
        const auto resolved = resolve(options);
        const auto level = static_cast<int>(resolved.level);
        // Windows of up to 8 MiB, and tables of up to eight times that; of a smaller chunk, less.
        constexpr std::uint64_t tables = 10;
        const auto window =
            std::min<std::uint64_t>(std::uint64_t{1} << (level < 10 ? 21 : 23),
                                    static_cast<std::uint64_t>(resolved.chunk_size));
        return tables * window + (std::uint64_t{1} << 20);
    }

    CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                   const CompressOptions& options) const override {
        const int level = checked_level(*this, chunk, options);
        return {.data = compressed_frame(chunk, level), .input_size = chunk.size()};
    }

    std::unique_ptr<Joiner> joiner(const CompressOptions& options) const override {
        return std::make_unique<ZstdJoiner>(resolve(options).level);
    }

    std::unique_ptr<Decoder> decoder() const override { return std::make_unique<ZstdDecoder>(); }

    std::unique_ptr<Splitter> splitter() const override { return std::make_unique<ZstdSplitter>(); }

    std::optional<SeekTable> seek_table(const RandomAccess& file) const override {
        return table_of_frames(file);
    }
};

}  // namespace

const Codec& zstd_codec() {
    static const ZstdCodec codec;
    return codec;
}

}  // namespace satchel::detail
