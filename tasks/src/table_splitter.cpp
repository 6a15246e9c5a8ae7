// Cutting by a table: pieces of it, and between them what has to be decoded in its place.
#include "seek_table.hpp"

#include <algorithm>

namespace satchel::detail {
namespace {

// What lies between pieces comes in parts of this size.
constexpr std::size_t gap_max = std::size_t{1} << 20;

class TableSplitter : public Splitter {
  public:
    TableSplitter(Splitter& splitter, const SeekTable& table)
        : splitter_(splitter), next_(table.pieces.begin()), last_(table.pieces.end()) {}

    std::size_t cut(std::span<const std::byte> data, std::uint64_t offset, bool at_end) override {
        constexpr auto anywhere = std::numeric_limits<std::uint64_t>::max();
        while (next_ != last_ && (next_->offset < offset || !can_be_decoded(*next_, anywhere))) {
            ++next_;
        }
        current_ = {};
        const bool at_piece = next_ != last_ && next_->offset == offset;
        if (!at_piece) {
            const auto gap = next_ == last_ ? gap_max : next_->offset - offset;
            return static_cast<std::size_t>(std::min<std::uint64_t>(gap, data.size()));
        }
        if (next_->size > data.size()) return at_end ? data.size() : 0;
        current_ = *next_++;
        return static_cast<std::size_t>(current_.size);
    }

    void describe(Piece& piece) override {
        piece.begin = current_.begin;
        piece.end = current_.end;
        piece.output_size = current_.output_size;
    }

    std::unique_ptr<Guess> guess(const Piece& piece) const override {
        return piece.output_size == 0 ? nullptr : splitter_.guess(piece);
    }

    void learn(std::size_t /*used*/, std::size_t /*size*/) override {}
    std::uint64_t limit_piece(std::uint64_t bytes) override {
        auto most = splitter_.limit_piece(bytes);
        for (auto piece = next_; piece != last_; ++piece) {
            most = std::max(most, piece->size + piece->output_size);
        }
        return most;
    }
    bool pieces_are_large() const override { return splitter_.pieces_are_large(); }
    std::size_t lookahead() const override { return splitter_.lookahead(); }

  private:
    Splitter& splitter_;
    std::vector<SeekPiece>::const_iterator next_;
    std::vector<SeekPiece>::const_iterator last_;
    SeekPiece current_;
};

}  // namespace

std::unique_ptr<Splitter> make_table_splitter(Splitter& splitter, const SeekTable& table) {
    return std::make_unique<TableSplitter>(splitter, table);
}

}  // namespace satchel::detail
