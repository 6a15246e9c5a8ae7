// xz streams are taken apart here, so that blocks that were decoded elsewhere can take the place of
// those of the file; codec_xz.cpp has the grammar.
//
// Blocks whose header tells both sizes, as those of `xz -T` and ours do, are cut out and decoded in
// parallel; all others one after the other. That every block is the one of which the index tells is
// checked in any case. In a Piece, `begin` is 1 where a block begins, and then `end` is the kind of
// its check.
#include "xz_decoder.hpp"

#include "codec_table.hpp"
#include "lzma_memory.hpp"
#include "seek_table.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <lzma.h>

namespace satchel::detail {
namespace {

constexpr std::size_t stream_header_size = LZMA_STREAM_HEADER_SIZE;
constexpr std::array<std::byte, 6> stream_magic{std::byte{0xFD}, std::byte{'7'}, std::byte{'z'},
                                                std::byte{'X'},  std::byte{'Z'}, std::byte{0}};
constexpr std::byte index_indicator{0};  // where else the size of a block's header would be

// What a piece may hold at most.
constexpr std::uint64_t piece_max = seek_piece_max;

// As much is read before it is decoded where no block can be cut out.
constexpr std::uint64_t piece_unknown = std::uint64_t{1} << 20;

const std::uint8_t* pointer(const std::byte* data) {
    return reinterpret_cast<const std::uint8_t*>(data);
}

std::uint8_t* pointer(std::byte* data) { return reinterpret_cast<std::uint8_t*>(data); }

std::string_view text_of(lzma_ret result) {
    switch (result) {
        case LZMA_FORMAT_ERROR:
            return "not xz data: it does not begin with FD 37 7A 58 5A 00";
        case LZMA_OPTIONS_ERROR:
            return "cannot decode xz data: it uses options that this liblzma does not know";
        case LZMA_UNSUPPORTED_CHECK:
            return "cannot verify xz data: it has a check of a kind that this liblzma does not "
                   "know";
        default:
            return "damaged data: xz data is malformed or a check is wrong";
    }
}

// The header of a block, and what follows from it.
class BlockHeader {
  public:
    BlockHeader() {
        block.version = 1;
        block.filters = filters_.data();
        filters_.fill({LZMA_VLI_UNKNOWN, nullptr});
    }
    BlockHeader(const BlockHeader&) = delete;
    BlockHeader& operator=(const BlockHeader&) = delete;
    ~BlockHeader() { clear(); }

    static std::size_t size(std::byte first) {
        return lzma_block_header_size_decode(std::to_integer<std::uint32_t>(first));
    }

    // REQUIRES: `data` begins with a whole header.
    lzma_ret decode(std::span<const std::byte> data, lzma_check check) {
        clear();
        block.check = check;
        block.header_size = static_cast<std::uint32_t>(size(data.front()));
        return lzma_block_header_decode(&block, nullptr, pointer(data.data()));
    }

    lzma_block block{};

  private:
    void clear() {
        for (lzma_filter& filter : filters_) {
            std::free(filter.options);
            filter = {LZMA_VLI_UNKNOWN, nullptr};
        }
    }

    std::array<lzma_filter, LZMA_FILTERS_MAX + 1> filters_{};
};

class XzGuess : public Guess {
  public:
    lzma_check check = LZMA_CHECK_NONE;
    lzma_vli unpadded_size = 0;
};

class XzSplitter : public Splitter {
  public:
    // The first block's header tells whether blocks tell their sizes.
    bool needs_no_table(std::span<const std::byte> data) const override {
        lzma_stream_flags flags{};
        if (data.size() <= stream_header_size ||
            lzma_stream_header_decode(&flags, pointer(data.data())) != LZMA_OK) {
            return false;
        }
        data = data.subspan(stream_header_size);
        BlockHeader header;
        return BlockHeader::size(data.front()) <= data.size() &&
               header.decode(data, flags.check) == LZMA_OK &&
               header.block.compressed_size != LZMA_VLI_UNKNOWN &&
               header.block.uncompressed_size != LZMA_VLI_UNKNOWN;
    }

    std::size_t cut(std::span<const std::byte> data, std::uint64_t offset, bool at_end) override {
        const auto size = next_size(data, offset);
        if (size && (*size <= data.size())) return *size;
        const auto worth_waiting_for = size && *size <= piece_max ? piece_max : piece_unknown;
        if (!at_end && data.size() < worth_waiting_for) return 0;
        place_ = Place::unknown;
        last_ = Place::unknown;
        return data.size();
    }

    void describe(Piece& piece) override {
        piece.begin = last_ == Place::block ? 1 : 0;
        piece.end = static_cast<std::uint64_t>(check_);
    }

    std::unique_ptr<Guess> guess(const Piece& piece) const override {
        if (piece.begin == 0) return nullptr;
        BlockHeader header;
        const auto check = static_cast<lzma_check>(piece.end);
        if (BlockHeader::size(piece.data[0]) > piece.data.size()) return nullptr;
        if (header.decode(piece.data, check) != LZMA_OK) return nullptr;
        // Where the header does not tell, the stream's index may have.
        const auto size = header.block.uncompressed_size == LZMA_VLI_UNKNOWN
                              ? piece.output_size
                              : header.block.uncompressed_size;
        if (!can_be_guessed(header, piece.data.size(), size)) return nullptr;
        auto guess = std::make_unique<XzGuess>();
        Buffer out(static_cast<std::size_t>(size));
        std::size_t in_position = header.block.header_size;
        std::size_t out_position = 0;
        const auto result = lzma_block_buffer_decode(
            &header.block, pooled_lzma_memory(), pointer(piece.data.data()), &in_position,
            piece.data.size(), pointer(out.data()), &out_position, out.size());
        if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
        if (result != LZMA_OK || in_position != piece.data.size()) return nullptr;
        out.resize(out_position);
        guess->data = std::move(out).freeze();
        guess->used = in_position;
        guess->check = check;
        guess->unpadded_size = lzma_block_unpadded_size(&header.block);
        return guess;
    }

    void learn(std::size_t /*used*/, std::size_t /*size*/) override {}

    bool pieces_are_large() const override { return true; }

    std::uint64_t limit_piece(std::uint64_t bytes) override {
        return piece_memory_ = std::max<std::uint64_t>(bytes, 2 * piece_unknown);
    }

  private:
    enum class Place { unknown, block };

    // Whether a block may be decoded by itself.
    [[nodiscard]] bool can_be_guessed(const BlockHeader& header, std::uint64_t compressed,
                                      std::uint64_t size) const {
        if (size > piece_max) return false;
        const auto decoder = lzma_raw_decoder_memusage(header.block.filters);
        return decoder + compressed + size <= piece_memory_;
    }

    // The size of the piece that `data` begins with, which may not be there yet; nothing if that
    // cannot be told.
    std::optional<std::size_t> next_size(std::span<const std::byte> data, std::uint64_t offset) {
        if (offset == 0 || place_ == Place::unknown) return up_to_block(data);
        if (data.front() == index_indicator) return up_to_block(data);
        const auto header_size = BlockHeader::size(data.front());
        if (header_size > data.size()) return std::nullopt;
        BlockHeader header;
        const bool known = header.decode(data, check_) == LZMA_OK &&
                           header.block.compressed_size != LZMA_VLI_UNKNOWN &&
                           can_be_guessed(header, lzma_block_total_size(&header.block),
                                          header.block.uncompressed_size);
        if (!known) return up_to_block(data);
        last_ = Place::block;
        return static_cast<std::size_t>(lzma_block_total_size(&header.block));
    }

    // Up to behind the next header of a stream, where a block begins.
    std::optional<std::size_t> up_to_block(std::span<const std::byte> data) {
        auto rest = data;
        while (true) {
            const auto hit = std::ranges::search(rest, stream_magic);
            if (hit.empty()) return std::nullopt;
            rest = rest.subspan(static_cast<std::size_t>(hit.begin() - rest.begin()));
            if (rest.size() < stream_header_size) return std::nullopt;
            lzma_stream_flags flags{};
            if (lzma_stream_header_decode(&flags, pointer(rest.data())) == LZMA_OK) {
                check_ = flags.check;
                last_ = Place::unknown;
                place_ = Place::block;
                return data.size() - rest.size() + stream_header_size;
            }
            rest = rest.subspan(1);
        }
    }

    std::uint64_t piece_memory_ = std::numeric_limits<std::uint64_t>::max();
    Place last_ = Place::unknown;
    Place place_ = Place::unknown;  // where the piece begins that is cut next
    lzma_check check_ = LZMA_CHECK_NONE;
};

class XzDecoder : public Decoder {
  public:
    XzDecoder() = default;
    XzDecoder(const XzDecoder&) = delete;
    XzDecoder& operator=(const XzDecoder&) = delete;
    ~XzDecoder() override {
        lzma_end(&stream_);
        lzma_index_hash_end(index_, nullptr);
    }

    Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) override {
        while (part_ != Part::done) {
            if (part_ == Part::block || part_ == Part::alone) {
                if (output.empty()) return Status::needs_output;
                const auto status = decode_data(input, output);
                if (status != Status::finished) return status;
            } else if (!read_field(input)) {
                return Status::needs_input;
            }
        }
        return Status::finished;
    }

    void reset(std::uint64_t offset) override {
        part_ = Part::start;
        field_size_ = 0;
        offset_ = offset;
    }

    void limit_memory(std::uint64_t bytes) override { memory_ = bytes; }

    bool stands_before(const Guess& guess) const override {
        const auto* const block = dynamic_cast<const XzGuess*>(&guess);
        return block != nullptr && part_ == Part::between && block->check == flags_.check;
    }

    Status take_over(const Guess& guess) override {
        const auto& block = static_cast<const XzGuess&>(guess);
        offset_ += block.used;
        count_block(block.unpadded_size, block.data.size());
        return Status::needs_input;
    }

    bool may_be_followed() const override { return !is_alone_; }

  private:
    enum class Part { start, header, between, block_header, block, index, footer, alone, done };

    // Reads what there is of the current part; true if it is complete, then the next one is
    // current.
    bool read_field(std::span<const std::byte>& input) {
        switch (part_) {
            case Part::start:
                if (input.empty()) return false;
                start(input.front());
                return true;
            case Part::header:
                if (!gather(input, stream_header_size)) return false;
                begin_stream();
                return go_to(Part::between);
            case Part::between:
                if (input.empty()) return false;
                return go_to(input.front() == index_indicator ? Part::index : Part::block_header);
            case Part::block_header:
                if (!gather(input, 1) || !gather(input, BlockHeader::size(field_[0]))) return false;
                begin_block();
                return go_to(Part::block);
            case Part::index:
                return read_index(input);
            default:
                if (!gather(input, stream_header_size)) return false;
                check_footer();
                return go_to(Part::done);
        }
    }

    bool go_to(Part part) {
        part_ = part;
        field_size_ = 0;
        return true;
    }

    bool gather(std::span<const std::byte>& input, std::size_t size) {
        offset_ += detail::gather(input, std::span(field_).first(size), field_size_);
        return field_size_ >= size;
    }

    // A .lzma file holds one stream, so that format is possible at the start of a file only.
    void start(std::byte first) {
        if (std::exchange(is_alone_, false) && offset_ != 0) {
            throw CorruptData("damaged data: something follows the end of the .lzma data", offset_);
        }
        if (first == stream_magic[0] || offset_ != 0) {
            go_to(Part::header);
            return;
        }
        check(lzma_alone_decoder(&stream_, memory_));
        is_alone_ = true;
        go_to(Part::alone);
    }

    void begin_stream() {
        check(lzma_stream_header_decode(&flags_, pointer(field_.data())));
        if (lzma_check_is_supported(flags_.check) == 0) check(LZMA_UNSUPPORTED_CHECK);
        index_ = lzma_index_hash_init(index_, nullptr);
        if (index_ == nullptr) throw std::bad_alloc();
    }

    void begin_block() {
        check(header_.decode(std::span(field_).first(field_size_), flags_.check));
        const auto needed = lzma_raw_decoder_memusage(header_.block.filters);
        if (needed > memory_) throw OverMemoryLimit("the xz data", needed, memory_);
        check(lzma_block_decoder(&stream_, &header_.block));
    }

    Status decode_data(std::span<const std::byte>& input, std::span<std::byte>& output) {
        stream_.next_in = pointer(input.data());
        stream_.avail_in = input.size();
        stream_.next_out = pointer(output.data());
        stream_.avail_out = output.size();
        const lzma_ret result = lzma_code(&stream_, LZMA_RUN);
        offset_ += input.size() - stream_.avail_in;
        input = input.last(stream_.avail_in);
        output = output.last(stream_.avail_out);
        if (result == LZMA_OK || result == LZMA_BUF_ERROR) {
            return output.empty() ? Status::needs_output : Status::needs_input;
        }
        if (result == LZMA_MEMLIMIT_ERROR) {
            throw OverMemoryLimit("the .lzma data", lzma_memusage(&stream_), memory_);
        }
        if (result != LZMA_STREAM_END) check(result);
        if (part_ == Part::alone) {
            go_to(Part::done);
        } else {
            count_block(lzma_block_unpadded_size(&header_.block), header_.block.uncompressed_size);
            go_to(Part::between);
        }
        return Status::finished;
    }

    void count_block(lzma_vli unpadded_size, lzma_vli size) {
        check(lzma_index_hash_append(index_, unpadded_size, size));
    }

    bool read_index(std::span<const std::byte>& input) {
        if (input.empty()) return false;
        std::size_t position = 0;
        const auto result =
            lzma_index_hash_decode(index_, pointer(input.data()), &position, input.size());
        offset_ += position;
        input = input.subspan(position);
        if (result == LZMA_STREAM_END) return go_to(Part::footer);
        check(result);
        return false;
    }

    void check_footer() const {
        lzma_stream_flags footer{};
        const auto result = lzma_stream_footer_decode(&footer, pointer(field_.data()));
        check(result == LZMA_FORMAT_ERROR ? LZMA_DATA_ERROR : result);
        if (footer.backward_size != lzma_index_hash_size(index_)) check(LZMA_DATA_ERROR);
        check(lzma_stream_flags_compare(&flags_, &footer));
    }

    void check(lzma_ret result) const {
        if (result == LZMA_OK) return;
        if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
        throw CorruptData(std::string(text_of(result)), offset_);
    }

    Part part_ = Part::start;
    std::uint64_t memory_ = std::numeric_limits<std::uint64_t>::max();
    bool is_alone_ = false;  // the stream is, or was, a .lzma file
    std::uint64_t offset_ = 0;
    std::array<std::byte, LZMA_BLOCK_HEADER_SIZE_MAX> field_{};
    std::size_t field_size_ = 0;
    lzma_stream_flags flags_{};
    lzma_stream stream_ = LZMA_STREAM_INIT;
    BlockHeader header_;
    lzma_index_hash* index_ = nullptr;
};

}  // namespace

std::unique_ptr<Decoder> make_xz_decoder() { return std::make_unique<XzDecoder>(); }
std::unique_ptr<Splitter> make_xz_splitter() { return std::make_unique<XzSplitter>(); }

}  // namespace satchel::detail
