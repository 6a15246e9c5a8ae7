// Finding the pieces of files that have marks, and those that a table tells of.
#include "text/pieces.hpp"

#include <satchel/log.hpp>
#include <satchel/units.hpp>

#include "bits.hpp"
#include "bz2_decoder.hpp"
#include "bz2_format.hpp"
#include "bz2_guess.hpp"
#include "codec_table.hpp"
#include "deflate_body.hpp"
#include "seek_table.hpp"
#include "text/piece_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

// How much is read at a time: little at first, because many look only for a place to begin at.
constexpr std::size_t read_size_min = std::size_t{64} << 10;
constexpr std::size_t read_size_max = std::size_t{1} << 20;

// A chunk of more than this is not decoded as a piece.
constexpr std::size_t piece_size_max = std::size_t{16} << 20;

// A part of a file from some place on, read as it is needed.
class Window {
  public:
    Window(const InputFile& file, std::int64_t offset) : file_(file), offset_(offset) {}

    [[nodiscard]] std::span<const std::byte> data() const { return data_; }
    [[nodiscard]] Bytes slice(std::size_t begin, std::size_t size) const {
        return Bytes::copy_of(data().subspan(begin, std::min(size, data_.size() - begin)));
    }
    [[nodiscard]] std::int64_t offset() const { return offset_; }

    // False at the end of the file.
    bool read_more() {
        const auto size = data_.size();
        data_.resize(size + std::clamp(size, read_size_min, read_size_max));
        const auto at = offset_ + static_cast<std::int64_t>(size);
        const auto read = file_.read_at(at, std::span(data_).subspan(size));
        data_.resize(size + read);
        return read != 0;
    }

    void drop(std::size_t size) {
        data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(size));
        offset_ += static_cast<std::int64_t>(size);
    }

  private:
    const InputFile& file_;
    std::int64_t offset_;
    std::vector<std::byte> data_;
};

// A border is looked at with so many bytes before it.
constexpr std::size_t context_size = empty_stored_block.size() + 1;

// Whether an empty block ends right before the first one of a border, the header of which is the
// last byte of `before`.
bool is_behind_empty_block(std::span<const std::byte> before) {
    return before.size() >= context_size &&
           std::ranges::equal(before.last(context_size).first(empty_stored_block.size()),
                              empty_stored_block);
}

// Where the first border ends that begins at byte `from` of the data or behind it. Where more than
// two empty blocks follow each other, as in notes (see deflate_note.hpp), only the first two count:
// else borders would overlap, and which of them are found would depend on where one looks first.
std::optional<std::size_t> border_in(std::span<const std::byte> data, std::size_t from) {
    while (true) {
        const auto hit =
            std::ranges::search(data.subspan(std::min(from, data.size())), border_bytes);
        if (hit.empty()) return std::nullopt;
        const auto begin = static_cast<std::size_t>(hit.begin() - data.begin());
        if (!is_behind_empty_block(data.first(begin))) return begin + border_bytes.size();
        from = begin + 1;
    }
}

// A border may lie across the end of the data that is there.
std::size_t searched_in(std::span<const std::byte> data, std::size_t from) {
    return std::max(from, data.size() - std::min(data.size(), border_bytes.size() - 1));
}

// Moves the window to the next border that begins `searched` bytes behind its front or later: it
// then begins `context_size` bytes before the border's end. False if there is none.
bool skip_to_border(Window& window, std::size_t searched) {
    while (true) {
        if (const auto end = border_in(window.data(), searched)) {
            window.drop(*end - context_size);
            return true;
        }
        searched = searched_in(window.data(), searched);
        const auto dropped = searched - std::min(searched, context_size);
        window.drop(dropped);
        searched -= dropped;
        if (!window.read_more()) return false;
    }
}

// Where in the window the next border ends that begins at `from` or behind it; nothing if the file
// ends before, or it is too far.
std::optional<std::size_t> end_of_next_border(Window& window, std::size_t from) {
    while (true) {
        if (const auto end = border_in(window.data(), from)) return end;
        from = searched_in(window.data(), from);
        if (from > piece_size_max || !window.read_more()) return std::nullopt;
    }
}

[[noreturn]] void fail(const Piece& piece) {
    throw CorruptData(
        "damaged data, or a part that is too large to be read by itself (then reading without a "
        "blocksize helps), begins",
        piece.offset);
}

// As for a file that is read as a whole.
std::string ignored_garbage(std::string_view codec, std::uint64_t offset) {
    return fmt::format("ignored garbage after the {} data, at offset {}", codec, offset);
}

bool is_all_zero(std::span<const std::byte> data) {
    return std::ranges::all_of(data, [](std::byte byte) { return byte == std::byte{0}; });
}

// Checks those streams of which the piece is all.
void check_whole_streams(const DeflateGuess& guess, std::uint64_t offset) {
    bool whole = guess.from_start;
    for (const auto& part : guess.parts) {
        const bool right = part.said_check == part.check &&
                           part.said_size == static_cast<std::uint32_t>(part.size);
        if (part.ends_stream && whole && !right) {
            throw CorruptData("damaged data: the check at the end of a gzip member is wrong",
                              offset + part.end);
        }
        whole = part.ends_stream;
    }
}

// gzip: from border to border.
class DeflatePieces : public Pieces {
  public:
    DeflatePieces(const InputFile& file, const Codec& codec, std::int64_t from)
        : Pieces(codec),
          name_(file.name()),
          window_(file, before(from, border_bytes.size() + context_size)) {
        // A border that ends where one looks for the first counts.
        const auto searched = before(from, border_bytes.size()) - window_.offset();
        if (from == 0) {
            next_place_ = deflate_start;
            begin_ = 0;
        } else if (skip_to_border(window_, static_cast<std::size_t>(searched))) {
            next_place_ = deflate_border;
        }
    }

    std::optional<Piece> next() override {
        if (next_place_ == deflate_unknown) return std::nullopt;
        const auto border = end_of_next_border(window_, begin_);
        const auto end = border.value_or(window_.data().size());
        if (end == begin_) return std::nullopt;
        Piece piece{.data = window_.slice(begin_, end - begin_),
                    .offset = static_cast<std::uint64_t>(window_.offset()) + begin_,
                    .begin = next_place_,
                    .end = border ? deflate_border : deflate_unknown};
        next_place_ = border ? deflate_border : deflate_unknown;
        if (border) window_.drop(end - context_size);
        begin_ = context_size;
        return piece;
    }

    Bytes decode(const Piece& piece) const override {
        const auto guess = splitter().guess(piece);
        if (!guess) fail(piece);
        const auto& deflate = static_cast<const DeflateGuess&>(*guess);
        check_whole_streams(deflate, piece.offset);
        const auto rest = std::span<const std::byte>(piece.data).subspan(guess->used);
        if (is_all_zero(rest)) return guess->data;
        const bool at_end = piece.end == deflate_unknown;
        const bool between_streams = deflate.parts.empty() || deflate.parts.back().ends_stream;
        if (!at_end || !between_streams || gzip_codec().recognises(rest)) fail(piece);
        log_warning("text", name_ + ": " + ignored_garbage("gzip", piece.offset + guess->used));
        return guess->data;
    }

  private:
    static std::int64_t before(std::int64_t from, std::size_t distance) {
        return std::max(from - static_cast<std::int64_t>(distance), std::int64_t{0});
    }

    std::string name_;
    Window window_;
    DeflatePlace next_place_ = deflate_unknown;
    std::size_t begin_ = context_size;  // of the next piece, in the window
};

// bzip2: its splitter finds the blocks that begin behind the byte at which it does.
class Bz2Pieces : public Pieces {
  public:
    Bz2Pieces(const InputFile& file, const Codec& codec, std::int64_t from)
        : Pieces(codec), window_(file, std::max<std::int64_t>(from - 1, 0)) {}

    std::optional<Piece> next() override {
        while (auto piece = cut()) {
            if (piece->begin == 0) continue;  // what stands before the first block
            const auto bit = piece->begin - piece->offset * 8;
            const bool is_block = read_bits(piece->data, bit, bz2_magic_bits) == bz2_block_magic;
            // Parts that lie behind the last block see the end of the stream, too.
            if (std::exchange(gave_block_, is_block) && !is_block) {
                look_for_garbage(*piece, bit + bz2_magic_bits + bz2_crc_bits);
            }
            if (is_block) return piece;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::string warning() const override { return warning_; }

    Bytes decode(const Piece& piece) const override {
        const auto guess = splitter().guess(piece);
        if (!guess) fail(piece);
        return whole_bz2_block(static_cast<const Bz2Guess&>(*guess).block);
    }

  private:
    // Behind a stream, which ends at bit `end` of the piece.
    void look_for_garbage(const Piece& piece, std::uint64_t end) {
        constexpr std::string_view stream_begin = "BZh";
        const auto used = std::min(static_cast<std::size_t>((end + 7) / 8), piece.data.size());
        const Bytes rest = piece.data.slice(used);
        if (is_all_zero(rest) || rest.text().starts_with(stream_begin)) return;
        warning_ = ignored_garbage("bz2", piece.offset + used);
    }

    std::optional<Piece> cut() {
        const auto offset = static_cast<std::uint64_t>(window_.offset());
        std::size_t size = 0;
        while ((size = splitter().cut(window_.data(), offset, at_end_)) == 0) {
            if (at_end_) return std::nullopt;
            at_end_ = !window_.read_more();
        }
        if (!at_end_ && window_.data().size() == size) at_end_ = !window_.read_more();
        Piece piece{.data = window_.slice(0, size), .offset = offset};
        splitter().describe(piece);
        piece.following = window_.slice(size, splitter().lookahead());
        window_.drop(size);
        return piece;
    }

    Window window_;
    std::string warning_;
    bool gave_block_ = false;
    bool at_end_ = false;
};

// As a table tells.
class TablePieces : public Pieces {
  public:
    TablePieces(const InputFile& file, const Codec& codec, std::int64_t from,
                std::shared_ptr<const SeekTable> table)
        : Pieces(codec), file_(random_access(file)), table_(std::move(table)) {
        next_ = at(static_cast<std::uint64_t>(from));
    }

    // It is read when it is decoded.
    std::optional<Piece> next() override {
        if (next_ == table_->pieces.end()) return std::nullopt;
        return Piece{.offset = (next_++)->offset};
    }

    Bytes decode(const Piece& piece) const override {
        const auto guess = decode_as_told(*at(piece.offset), splitter(), file_);
        if (!guess) fail(piece);
        return guess->data;
    }

  private:
    using Place = std::vector<SeekPiece>::const_iterator;

    // The first piece at `offset` or behind it.
    [[nodiscard]] Place at(std::uint64_t offset) const {
        return std::ranges::lower_bound(table_->pieces, offset, {}, &SeekPiece::offset);
    }

    RandomAccess file_;
    std::shared_ptr<const SeekTable> table_;
    Place next_;
};

bool is(const Codec& codec, std::string_view name) { return codec.info().name == name; }

std::string why_not_by_table(const SeekTable& table) {
    if (table.pieces.empty()) return {};  // a text of nothing
    if (table.pieces.size() == 1) return "it is a single block";
    const auto largest = std::ranges::max(table.pieces, {}, &SeekPiece::output_size);
    if (largest.output_size <= seek_piece_max && largest.size <= seek_piece_max) return {};
    return fmt::format(
        "it is compressed in blocks of {}, and those of up to {} can be decoded by themselves",
        format_bytes(largest.output_size), format_bytes(seek_piece_max));
}

}  // namespace

std::unique_ptr<Pieces> open_pieces(const InputFile& file, const Codec& codec, std::int64_t from) {
    if (is(codec, "bz2")) return std::make_unique<Bz2Pieces>(file, codec, from);
    if (auto table = piece_table(file, codec)) {
        return std::make_unique<TablePieces>(file, codec, from, std::move(table));
    }
    if (is(codec, "gzip")) return std::make_unique<DeflatePieces>(file, codec, from);
    throw CorruptData("the table of what can be decoded by itself is no longer there", 0);
}

std::string why_not_in_pieces(const InputFile& file, const Codec& codec) {
    if (is(codec, "bz2")) {
        std::array<std::byte, head_size_max> front{};
        const auto size = file.read_at(0, front);
        return codec.recognises(std::span(front).first(size)) ? "" : "it is no bzip2 data";
    }
    if (const auto table = piece_table(file, codec)) return why_not_by_table(*table);
    if (!is(codec, "gzip")) {
        return "there is no table in it of what can be decoded by itself, or a damaged one";
    }
    Window window(file, 0);
    return skip_to_border(window, 0) ? ""
                                     : "its gzip stream has no places where decoding may begin";
}

}  // namespace satchel::detail
