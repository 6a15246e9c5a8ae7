// Finding the blocks of bzip2 data, by the magic number before each.
//
// That number may also occur inside of a block, and nothing but its codes tells where a block ends.
// So what lies between two of them is a guess: most are right.
//
// In a Piece, `begin` and `end` are bits of the file; 0: no block begins, or ends, there.
#include "bit_reader.hpp"
#include "bz2_block_decoder.hpp"
#include "bz2_decoder.hpp"
#include "bz2_guess.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace satchel::detail {
namespace {

constexpr unsigned magic_bits = bz2_magic_bits;

// 900 001 codes of 20 bits, the longest there are, and the tables before them, generously.
constexpr std::size_t compressed_size_max = std::size_t{3} << 20;

// What a piece takes: itself and a copy, the tables of its decoder, and what it decodes to.
constexpr std::uint64_t piece_memory = std::uint64_t{24} << 20;

// For two bytes that lie inside of a magic number: the bits of the byte before at which it may
// begin.
class MagicTable {
  public:
    MagicTable() {
        for (const auto magic : {bz2_block_magic, bz2_end_magic}) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                const auto inner = magic >> (magic_bits - 16 - (8 - bit)) & 0xFFFF;
                starts_[inner] |= static_cast<std::uint8_t>(1U << bit);
            }
        }
    }

    [[nodiscard]] unsigned starts(std::byte first, std::byte second) const {
        return starts_[std::to_integer<std::size_t>(first) << 8 |
                       std::to_integer<std::size_t>(second)];
    }

  private:
    std::array<std::uint8_t, 65'536> starts_{};
};

// The bit at which the next magic number begins that is whole, from bit `from` on; nothing if there
// is none.
std::optional<std::uint64_t> find_magic(std::span<const std::byte> data, std::uint64_t from) {
    static const MagicTable table;
    for (auto i = static_cast<std::size_t>(from / 8); i + 2 < data.size(); ++i) {
        const unsigned starts = table.starts(data[i + 1], data[i + 2]);
        if (starts == 0) [[likely]]
            continue;
        for (unsigned bit = 0; bit < 8; ++bit) {
            const auto position = i * 8 + bit;
            if ((starts >> bit & 1) == 0 || position < from) continue;
            if (position + magic_bits > data.size() * 8) return std::nullopt;
            const auto magic = read_bits(data, position, magic_bits);
            if (magic == bz2_block_magic || magic == bz2_end_magic) return position;
        }
    }
    return std::nullopt;
}

class Bz2Splitter : public Splitter {
  public:
    std::size_t cut(std::span<const std::byte> data, std::uint64_t offset, bool at_end) override {
        // A magic number that begins in the first byte is not the end of this piece.
        if (const auto hit = find_magic(data, std::max(searched_, std::uint64_t{8}))) {
            return begin_at(static_cast<std::size_t>(*hit / 8), offset * 8 + *hit);
        }
        if (at_end || data.size() > compressed_size_max) return begin_at(data.size(), 0);
        searched_ = data.size() < 8 ? 0 : data.size() * 8 - 64;
        return 0;
    }

    void describe(Piece& piece) override {
        piece.begin = last_;
        piece.end = next_;
    }

    std::unique_ptr<Guess> guess(const Piece& piece) const override {
        if (piece.begin == 0 || piece.end == 0) return nullptr;
        const auto begin = piece.begin - piece.offset * 8;
        const auto end = piece.end - piece.offset * 8;
        if (read_bits(piece.data, begin, magic_bits) != bz2_block_magic) return nullptr;
        Buffer data(piece.data.size() + piece.following.size());
        std::ranges::copy(piece.following, std::ranges::copy(piece.data, data.data()).out);
        BitReader bits(data, begin + magic_bits + bz2_crc_bits);
        Bz2BlockDecoder decoder;
        decoder.begin(bz2_block_size_max);
        if (decoder.read(bits) != Bz2BlockDecoder::Status::complete || bits.position() != end) {
            return nullptr;
        }
        auto guess = std::make_unique<Bz2Guess>();
        guess->used = piece.data.size();
        guess->begin = piece.begin;
        guess->end = piece.end;
        guess->crc = static_cast<std::uint32_t>(read_bits(data, begin + magic_bits, bz2_crc_bits));
        guess->block = expand_bz2_block(decoder.decode_and_release());
        if (!guess->block.is_right(guess->crc)) return nullptr;
        guess->data = guess->block.data;
        return guess;
    }

    void learn(std::size_t /*used*/, std::size_t /*size*/) override {}
    std::uint64_t limit_piece(std::uint64_t /*bytes*/) override { return piece_memory; }

    // The byte in which the block ends, and what its decoder wants to see behind it.
    std::size_t lookahead() const override { return 1 + Bz2BlockDecoder::lookahead_bits / 8; }

  private:
    std::size_t begin_at(std::size_t size, std::uint64_t next) {
        last_ = next_;
        next_ = next;
        searched_ = 0;
        return size;
    }

    std::uint64_t last_ = 0;
    std::uint64_t next_ = 0;  // where the piece begins that is cut next
    std::uint64_t searched_ = 0;
};

}  // namespace

std::unique_ptr<Splitter> make_bz2_splitter() { return std::make_unique<Bz2Splitter>(); }

}  // namespace satchel::detail
