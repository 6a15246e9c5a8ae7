// Cutting gzip and zlib files at borders and at the starts of members, and decoding the pieces.
//
// A border is the double empty stored block that deflate.hpp describes; `pigz -i` writes the same.
// Members that follow each other (BGZF, pgzip, MiGz, `cat a.gz b.gz`) are found by their headers.
// Both may occur by chance, or in a compressed file that is stored inside of another, so that what
// a piece decodes to counts only where the decoder really comes to its start.
//
// In a Piece, `begin` and `end` say what the place is.
#include "deflate_body.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <optional>
#include <random>

namespace satchel::detail {
namespace {

constexpr std::array member_bytes{std::byte{0x1F}, std::byte{0x8B}, std::byte{0x08}};

// A final block, stored: behind a border, it makes what comes before a whole stream. What it holds
// is drawn at random by each process. So where a border was none, but inside of a block that takes
// ours for its own data, that is noticed, and no file can be made for which it is not.
constexpr std::size_t mark_size = 8;
constexpr std::size_t ending_size = 5 + mark_size;
const std::array<std::byte, ending_size>& ending() {
    static const auto bytes = [] {
        std::array<std::byte, ending_size> block{std::byte{0x01}, std::byte{mark_size},
                                                 std::byte{0x00}, std::byte{0xFF - mark_size},
                                                 std::byte{0xFF}};
        std::random_device random;
        for (std::size_t k = ending_size - mark_size; k < ending_size; ++k) {
            block[k] = static_cast<std::byte>(random());
        }
        return block;
    }();
    return bytes;
}

// What pieces should be decoded to: worth a task. More is needed where borders are far apart, but
// no piece may take all the memory.
constexpr std::size_t piece_output = std::size_t{1} << 20;
constexpr std::size_t piece_output_max = std::size_t{16} << 20;

// How far borders are searched; where none was found, there will hardly be one.
constexpr std::size_t piece_input_max = std::size_t{8} << 20;
constexpr std::size_t piece_input_unknown = std::size_t{256} << 10;

std::size_t find(std::span<const std::byte> data, std::size_t from,
                 std::span<const std::byte> what) {
    if (from >= data.size()) return data.size();
    const void* const hit =
        ::memmem(data.data() + from, data.size() - from, what.data(), what.size());
    if (hit == nullptr) return data.size();
    return static_cast<std::size_t>(static_cast<const std::byte*>(hit) - data.data());
}

class DeflateSplitter : public Splitter {
  public:
    explicit DeflateSplitter(const DeflateWrapper& wrapper) : wrapper_(wrapper) {}

    std::size_t cut(std::span<const std::byte> data, std::uint64_t offset, bool at_end) override {
        if (offset == 0) next_ = deflate_start;
        const bool is_lost = next_ == deflate_lost;
        const auto limit = is_lost ? piece_input_unknown : piece_input_max;
        const auto least = is_lost ? 1 : minimum_;  // any border is welcome
        if (const auto size = next_place(data, least)) return begin_at(size, place_);
        if (at_end) return begin_at(data.size(), deflate_unknown);
        if (data.size() < limit) return 0;
        // A border may lie across this end: then it is found in the next piece.
        return begin_at(data.size(), deflate_lost);
    }

    void describe(Piece& piece) override {
        piece.begin = last_;
        piece.end = next_;
    }

    std::unique_ptr<Guess> guess(const Piece& piece) const override;

    // A piece is copied once.
    std::uint64_t limit_piece(std::uint64_t /*bytes*/) override {
        return 2 * piece_input_max + piece_output_max;
    }

    void learn(std::size_t used, std::size_t size) override {
        if (used == 0 || size == 0) return;
        const auto ratio = static_cast<double>(size) / static_cast<double>(used);
        minimum_ = std::max<std::size_t>(
            1, static_cast<std::size_t>(static_cast<double>(piece_output) / ratio));
        if (size > capacity_) capacity_ = std::min(size, piece_output_max);
    }

  private:
    // The first border or start that makes a piece of at least `least` bytes; 0 if there is none so
    // far.
    std::size_t next_place(std::span<const std::byte> data, std::size_t least) {
        while (true) {
            const auto from = std::max(searched_, least > 9 ? least - 9 : 0);
            const auto at_border = find(data, from, border_bytes) + border_bytes.size();
            const auto at_start = wrapper_.may_begin == nullptr
                                      ? data.size()
                                      : find(data, std::max(searched_, least), member_bytes);
            const auto place = std::min(at_border, at_start);
            if (place >= data.size()) {
                // What may be the beginning of either is looked at again with what follows it.
                searched_ = data.size() - std::min(data.size(), head_room);
                return 0;
            }
            if (at_border <= at_start) return place_ = deflate_border, place;
            if (data.size() - place < head_room) return searched_ = place, 0;
            if (wrapper_.may_begin(data.subspan(place))) return place_ = deflate_start, place;
            searched_ = place + 1;
        }
    }

    std::size_t begin_at(std::size_t size, DeflatePlace place) {
        last_ = next_;
        next_ = place;
        searched_ = 0;
        return size;
    }

    static constexpr std::size_t head_room = 16;

    const DeflateWrapper& wrapper_;
    DeflatePlace last_ = deflate_lost;
    DeflatePlace next_ = deflate_lost;  // where the piece begins that is cut next
    DeflatePlace place_ = deflate_unknown;
    std::size_t searched_ = 0;
    std::size_t minimum_ = std::size_t{16} << 10;
    std::atomic<std::size_t> capacity_ = piece_output;
};

// Decodes a piece part by part.
class PieceDecoder {
  public:
    PieceDecoder(const DeflateWrapper& wrapper, const Piece& piece, std::size_t capacity)
        : wrapper_(wrapper),
          size_(piece.data.size()),
          ends_at_border_(piece.end == deflate_border),
          input_(size_ + ending_size),
          output_(std::min(std::max<std::size_t>(capacity, 4096), piece_output_max) + mark_size) {
        std::ranges::copy(ending(), std::ranges::copy(piece.data, input_.data()).out);
        input_.resize(size_ + (ends_at_border_ ? ending_size : 0));
    }

    std::unique_ptr<DeflateGuess> decode(bool from_start) {
        auto guess = std::make_unique<DeflateGuess>();
        guess->from_start = from_start;
        bool inside = !from_start;
        while (position_ < size_ || (inside && ends_at_border_)) {
            const auto header = inside ? std::span<const std::byte>() : take_header();
            if (!inside && header.empty()) break;
            auto part = decode_part();
            if (!part) break;
            part->is_block = wrapper_.is_block(header);
            guess->parts.push_back(*part);
            inside = !part->ends_stream;
            if (inside || wrapper_.may_begin == nullptr) break;
        }
        if (guess->parts.empty()) return nullptr;
        guess->check = wrapper_.check.initial;
        for (const auto& part : guess->parts) {
            guess->check = wrapper_.check.join(static_cast<std::uint32_t>(guess->check), part.check,
                                               part.size);
        }
        guess->used = guess->parts.back().end;
        guess->streams = guess->parts.size() - (from_start ? 0 : 1);
        output_.resize(written_);
        guess->data = std::move(output_).freeze();
        return guess;
    }

  private:
    [[nodiscard]] std::span<const std::byte> rest() const {
        return std::span<const std::byte>(input_).subspan(position_);
    }

    // Empty if it is not whole.
    std::span<const std::byte> take_header() {
        const auto data = rest().first(size_ - position_);
        const auto header = data.first(std::min(wrapper_.header_size(data), data.size()));
        position_ += header.size();
        return header;
    }

    std::optional<DeflateGuess::Part> decode_part() {
        auto whole = inflate();
        if (whole.result != InflatedWhole::Result::ended) return std::nullopt;
        const bool is_ended_by_us =
            ends_at_border_ && position_ + whole.input_size == input_.size();
        if (is_ended_by_us) {
            if (!holds_mark(written_ + whole.output_size)) return std::nullopt;
            whole.output_size -= mark_size;
        }
        DeflateGuess::Part part;
        const std::span<const std::byte> data(output_.data() + written_, whole.output_size);
        part.check = wrapper_.check.append(wrapper_.check.initial, data);
        part.size = data.size();
        position_ += whole.input_size;
        written_ += whole.output_size;
        if (is_ended_by_us) {
            position_ = size_;
        } else if (position_ + wrapper_.trailer_size > size_) {
            written_ -= whole.output_size;
            return std::nullopt;
        } else {
            wrapper_.read_trailer(rest().first(wrapper_.trailer_size), part);
            part.ends_stream = true;
            position_ += wrapper_.trailer_size;
        }
        part.end = position_;
        return part;
    }

    // Whether what was decoded, up to `end`, ends with the mark, but not with all of our block and
    // the border before it, as it does where a stored block has swallowed them.
    [[nodiscard]] bool holds_mark(std::size_t end) const {
        const auto ends_as_input = [&](std::size_t size) {
            return end >= size && std::memcmp(output_.data() + end - size,
                                              input_.data() + input_.size() - size, size) == 0;
        };
        return end >= written_ + mark_size && ends_as_input(mark_size) &&
               !ends_as_input(ending_size + border_bytes.size());
    }

    InflatedWhole inflate() {
        while (true) {
            const std::span<std::byte> all(output_.data(), output_.size());
            const auto whole = inflate_whole(rest(), all.subspan(written_));
            if (whole.result != InflatedWhole::Result::no_room) return whole;
            if (output_.size() >= piece_output_max + mark_size) return {};
            output_.resize(std::min(2 * output_.size(), piece_output_max + mark_size));
        }
    }

    const DeflateWrapper& wrapper_;
    std::size_t size_;
    bool ends_at_border_;
    Buffer input_;
    Buffer output_;
    std::size_t position_ = 0;
    std::size_t written_ = 0;
};

std::unique_ptr<Guess> DeflateSplitter::guess(const Piece& piece) const {
    if (piece.begin != deflate_border && piece.begin != deflate_start) return nullptr;
    // In front of where a piece had to end, no stream ends: nothing would come of it.
    if (piece.end == deflate_lost) return nullptr;
    if (piece.data.size() > piece_input_max * 2) return nullptr;
    const auto capacity = piece.output_size != 0 ? piece.output_size : capacity_.load();
    return PieceDecoder(wrapper_, piece, capacity).decode(piece.begin == deflate_start);
}

}  // namespace

std::unique_ptr<Splitter> make_deflate_splitter(const DeflateWrapper& wrapper) {
    return std::make_unique<DeflateSplitter>(wrapper);
}

}  // namespace satchel::detail
