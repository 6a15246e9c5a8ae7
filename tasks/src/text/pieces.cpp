// Finding the pieces of files that have marks, and those that an index tells of.
#include "text/pieces.hpp"

#include "bits.hpp"
#include "bz2_decoder.hpp"
#include "bz2_format.hpp"
#include "codec_table.hpp"
#include "deflate_body.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

constexpr std::size_t read_size = std::size_t{1} << 20;

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
        data_.resize(size + read_size);
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

// gzip: from border to border.
class DeflatePieces : public Pieces {
  public:
    DeflatePieces(const InputFile& file, const Codec& codec, std::int64_t from)
        : Pieces(codec), window_(file, before(from, border_bytes.size() + context_size)) {
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

  private:
    static std::int64_t before(std::int64_t from, std::size_t distance) {
        return std::max(from - static_cast<std::int64_t>(distance), std::int64_t{0});
    }

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
            // What stands before the first block, and the end of a stream, hold nothing.
            const auto bit = piece->begin - piece->offset * 8;
            if (piece->begin == 0 || read_bits(piece->data, bit, 48) != bz2_block_magic) continue;
            return piece;
        }
        return std::nullopt;
    }

  private:
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
    bool at_end_ = false;
};

class IndexedPieces : public Pieces {
  public:
    IndexedPieces(const InputFile& file, const Codec& codec, std::int64_t from,
                  std::vector<IndexedPiece> index)
        : Pieces(codec), file_(file), index_(std::move(index)) {
        const auto first = std::ranges::lower_bound(index_, from, {}, &IndexedPiece::offset);
        next_ = static_cast<std::size_t>(first - index_.begin());
    }

    std::optional<Piece> next() override {
        if (next_ == index_.size()) return std::nullopt;
        const auto& [offset, size, end] = index_[next_++];
        return Piece{.data = file_.read_at(offset, size),
                     .offset = static_cast<std::uint64_t>(offset),
                     .begin = 1,
                     .end = end};
    }

  private:
    const InputFile& file_;
    std::vector<IndexedPiece> index_;
    std::size_t next_;
};

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

bool is(const Codec& codec, std::string_view name) { return codec.info().name == name; }

}  // namespace

Bytes Pieces::decode(const Piece& piece) const {
    const auto guess = splitter_->guess(piece);
    if (guess != nullptr) {
        if (const auto* deflate = dynamic_cast<const DeflateGuess*>(guess.get())) {
            check_whole_streams(*deflate, piece.offset);
        }
        const auto rest = std::span<const std::byte>(piece.data).subspan(guess->used);
        const auto is_padding = [](std::byte byte) { return byte == std::byte{0}; };
        if (std::ranges::all_of(rest, is_padding)) return guess->data;
    }
    throw CorruptData(
        "damaged data, or a part that is too large to be read by itself (then reading without a "
        "blocksize helps), begins",
        piece.offset);
}

std::unique_ptr<Pieces> open_pieces(const InputFile& file, const Codec& codec, std::int64_t from) {
    if (is(codec, "bz2")) return std::make_unique<Bz2Pieces>(file, codec, from);
    if (is(codec, "xz")) return std::make_unique<IndexedPieces>(file, codec, from, xz_index(file));
    if (is(codec, "zstd")) {
        return std::make_unique<IndexedPieces>(file, codec, from, zstd_index(file));
    }
    return std::make_unique<DeflatePieces>(file, codec, from);
}

std::string why_not_in_pieces(const InputFile& file, const Codec& codec) {
    if (is(codec, "bz2")) return {};
    if (is(codec, "xz")) return xz_index(file).size() > 1 ? "" : "it is a single xz block";
    if (is(codec, "zstd")) {
        return zstd_index(file).empty() ? "there is no table of zstd frames at its end" : "";
    }
    if (!is(codec, "gzip")) return fmt::format("it is of the format {}", codec.info().name);
    Window window(file, 0);
    return skip_to_border(window, 0) ? ""
                                     : "its gzip stream has no places where decoding may begin";
}

}  // namespace satchel::detail
