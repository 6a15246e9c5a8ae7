// Ranges, piece by piece.
#include <satchel/stream.hpp>
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/seek.hpp>
#include <satchel/tasks/splitter.hpp>

#include "seek_table.hpp"

#include <algorithm>
#include <memory>
#include <optional>

namespace satchel {
namespace {

// Goes through the pieces of a range, and stops at the first gap.
class Pieces {
  public:
    Pieces(const SeekTable& table, std::uint64_t begin, std::uint64_t end)
        : next_(std::ranges::upper_bound(table.pieces, begin, {}, &end_of)),
          last_(table.pieces.end()),
          reached_(begin),
          end_(end) {}

    std::optional<SeekPiece> next() {
        if (reached_ >= end_ || next_ == last_ || next_->output_offset > reached_) {
            return std::nullopt;
        }
        reached_ = end_of(*next_);
        return *next_++;
    }

  private:
    static std::uint64_t end_of(const SeekPiece& piece) {
        return piece.output_offset + piece.output_size;
    }

    std::vector<SeekPiece>::const_iterator next_;
    std::vector<SeekPiece>::const_iterator last_;
    std::uint64_t reached_;
    std::uint64_t end_;
};

}  // namespace

RandomAccess random_access(const InputFile& file) {
    return {static_cast<std::uint64_t>(file.status().size),
            [&file](std::uint64_t offset, std::uint64_t size) {
                return file.read_at(static_cast<std::int64_t>(offset),
                                    static_cast<std::int64_t>(size));
            }};
}

std::shared_ptr<const Guess> detail::decode_as_told(const SeekPiece& told, const Splitter& splitter,
                                                    const RandomAccess& file) {
    if (!can_be_decoded(told, file.size)) return nullptr;
    const Bytes data = file.read(told.offset, told.size + splitter.lookahead());
    if (data.size() < told.size) return nullptr;
    const auto size = static_cast<std::size_t>(told.size);
    const Piece piece{.data = data.slice(0, size),
                      .offset = told.offset,
                      .begin = told.begin,
                      .end = told.end,
                      .following = data.slice(size),
                      .output_size = told.output_size};
    auto guess = splitter.guess(piece);
    const bool as_told =
        guess && guess->data.size() == told.output_size && guess->check == told.check;
    return as_told ? std::move(guess) : nullptr;
}

std::uint64_t read_range(const Codec& codec, const RandomAccess& file, const SeekTable& table,
                         const OutputRange& range, const std::function<bool(const Bytes&)>& write,
                         const ExecutorReference& executor) {
    const auto splitter = codec.splitter();
    if (!splitter || !table.is_confirmed || range.offset >= table.output_size) return 0;
    const auto end = range.offset + std::min(range.length, table.output_size - range.offset);
    Pieces pieces(table, range.offset, end);
    std::uint64_t position = range.offset;
    bool go_on = true;

    const auto next = [&] { return go_on ? pieces.next() : std::nullopt; };
    const auto decode = [&](const SeekPiece& piece) {
        return std::pair(piece.output_offset, detail::decode_as_told(piece, *splitter, file));
    };
    const auto give = [&](const std::pair<std::uint64_t, std::shared_ptr<const Guess>>& piece) {
        const auto& [offset, guess] = piece;
        if (!guess) go_on = false;
        if (!go_on) return;
        const auto part = guess->data.slice(static_cast<std::size_t>(position - offset),
                                            static_cast<std::size_t>(end - position));
        position += part.size();
        go_on = part.empty() || write(part);
    };
    const auto resolved = executor.resolve();
    const auto window = splitter->pieces_are_large() ? resolved->concurrency() + 1 : 0;
    stream(next, decode, give, {.window = window, .executor = *resolved});
    return position - range.offset;
}

}  // namespace satchel
