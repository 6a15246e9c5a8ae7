// What gzip and zlib have in common around a deflate stream: a check of what it holds, and pieces
// of it that were decoded elsewhere.
#pragma once

#include <satchel/tasks/splitter.hpp>

#include "deflate.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace satchel::detail {

/// A checksum that can be joined.
struct CheckKind {
    std::uint32_t initial;
    std::uint32_t (*append)(std::uint32_t check, std::span<const std::byte> data);
    std::uint32_t (*join)(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);
};
inline constexpr CheckKind crc32_kind{crc32_initial, crc32_append, crc32_join};
inline constexpr CheckKind adler32_kind{adler32_initial, adler32_append, adler32_join};

/// What a piece holds: for every stream that it has a part of, what follows from that part alone.
class DeflateGuess : public Guess {
  public:
    struct Part {
        std::uint32_t check = 0;
        std::uint64_t size = 0;    ///< bytes of `data`, from where the last part's end
        std::uint64_t end = 0;     ///< where in the piece this part ends, with its trailer
        bool ends_stream = false;  ///< the trailer is there, and says:
        std::uint32_t said_check = 0;
        std::uint32_t said_size = 0;
        bool is_block = false;  ///< the stream begins here, and is_block() of its header
    };
    std::vector<Part> parts;
};

/// The inside of one stream.
class DeflateBody {
  public:
    /// `trailer_size` bytes follow the stream.
    DeflateBody(const CheckKind& kind, std::size_t trailer_size)
        : kind_(kind), inflater_(make_inflater(trailer_size)), check_(kind.initial) {}

    void reset(std::uint64_t offset);

    /// As Decoder::decode.
    Decoder::Status decode(std::span<const std::byte>& input, std::span<std::byte>& output);

    /// Whether a piece may follow that begins behind a border.
    [[nodiscard]] bool at_border() const { return moved_ || inflater_->at_border(); }

    /// Moves behind `data`, of this check, to a border at `offset` of the file.
    void append(std::span<const std::byte> data, std::uint32_t check, std::uint64_t offset);

    /// As Inflater::unread.
    [[nodiscard]] std::span<const std::byte> unread() const {
        return moved_ ? std::span<const std::byte>() : inflater_->unread();
    }

    [[nodiscard]] std::uint32_t check() const { return check_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }

  private:
    void remember(std::span<const std::byte> data);

    const CheckKind& kind_;
    std::unique_ptr<Inflater> inflater_;
    std::uint32_t check_;
    std::uint64_t size_ = 0;
    std::vector<std::byte> history_;  // what the inflater would know, had it decoded everything
    std::uint64_t offset_ = 0;
    bool moved_ = false;  // since the inflater was used
};

/// How a format wraps deflate.
struct DeflateWrapper {
    const CheckKind& check;
    std::size_t trailer_size;
    /// Bytes of the header that `data` begins with; 0 if it is not whole, or of a rare kind.
    std::size_t (*header_size)(std::span<const std::byte> data);
    /// Whether a stream may begin with `data`, seen from inside of another one; nullptr: no two
    /// streams follow each other.
    bool (*may_begin)(std::span<const std::byte> data);
    void (*read_trailer)(std::span<const std::byte> trailer, DeflateGuess::Part& part);
    /// Whether that header is one of a file of blocks, the last of which is empty.
    bool (*is_block)(std::span<const std::byte> header) = [](auto) { return false; };
};

/// What `Piece::begin` and `Piece::end` say: a border, the start of a stream, or neither: the end
/// of the file, or where nothing was found for so long that a piece had to end.
enum DeflatePlace : std::uint64_t { deflate_unknown, deflate_border, deflate_start, deflate_lost };

/// What a border looks like; a piece begins behind it.
inline constexpr std::array border_bytes{std::byte{0x00}, std::byte{0x00}, std::byte{0xFF},
                                         std::byte{0xFF}, std::byte{0x00}, std::byte{0x00},
                                         std::byte{0x00}, std::byte{0xFF}, std::byte{0xFF}};

std::unique_ptr<Splitter> make_deflate_splitter(const DeflateWrapper& wrapper);

}  // namespace satchel::detail
