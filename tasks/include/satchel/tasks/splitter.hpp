/// Splitter: how one compressed stream is decoded by several threads.
///
/// Compressed data is cut where decoding may begin, to pieces. What a piece decodes to is found out
/// anywhere, in parallel, without knowing what comes before it: that is a guess, because what looks
/// like such a place may be chance, or forged. The stream's own `Decoder` goes through the pieces
/// in order and takes a guess over only if it stands exactly where the guess begins; what is left,
/// it decodes itself. So whatever the guesses are, the result is that of the decoder alone.
///
/// A codec whose streams cannot be cut has no splitter. See `decompress_parallel`.
///
/// Thread safety: `Splitter::guess` may be called from several threads, also beside the other
/// functions, which belong to one thread.
#pragma once

#include <satchel/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace satchel {

/// A part of a compressed file.
struct Piece {
    Bytes data{};
    std::uint64_t offset = 0;       ///< of the data in the file
    std::uint64_t begin = 0;        ///< where decoding may begin: for the codec; see its file
    std::uint64_t end = 0;          ///< and where it may end
    Bytes following{};              ///< the next bytes of the file, as many as the splitter wants
    std::uint64_t output_size = 0;  ///< what it decodes to, where a table tells that; else 0
};

/// What a piece may decode to. Codecs derive from it what their decoders need besides.
class Guess {
  public:
    Guess() = default;
    Guess(const Guess&) = delete;
    Guess& operator=(const Guess&) = delete;
    virtual ~Guess() = default;

    Bytes data{};               ///< decoded; its checks were right as far as the piece tells
    std::size_t used = 0;       ///< bytes of the piece that it accounts for
    std::uint64_t streams = 0;  ///< that begin in it
    bool from_start = false;    ///< it begins where a stream begins, not inside of one
    std::uint64_t check = 0;    ///< of the data, where pieces have no checks of their own; else 0
};

/// Cuts one file.
class Splitter {
  public:
    Splitter() = default;
    Splitter(const Splitter&) = delete;
    Splitter& operator=(const Splitter&) = delete;
    virtual ~Splitter() = default;

    /// Whether the pieces of a file that begins with `data` can be found without a table of them,
    /// as far as its beginning tells.
    [[nodiscard]] virtual bool needs_no_table(std::span<const std::byte> /*data*/) const {
        return true;
    }

    /// How many bytes from the front of `data`, the file from `offset` on, become the next piece;
    /// 0: more must be read before that can be told. At the end of the file it is never 0.
    [[nodiscard]] virtual std::size_t cut(std::span<const std::byte> data, std::uint64_t offset,
                                          bool at_end) = 0;

    /// Fills in `begin` and `end` of the piece that was cut last.
    virtual void describe(Piece& piece) = 0;

    /// Decodes a piece; nothing if it cannot be decoded by itself.
    [[nodiscard]] virtual std::unique_ptr<Guess> guess(const Piece& piece) const = 0;

    /// Is told that `used` bytes of the file were decoded to `size`, which helps to cut pieces that
    /// are worth a task and no larger. Not called where `on_piece` is told of the pieces, which may
    /// not depend on timing.
    virtual void learn(std::size_t used, std::size_t size) = 0;

    /// Asks for pieces that take no more than `bytes` of memory each: what they are cut out of the
    /// file with, what they decode to, and their decoder. Gives what one may take all the same.
    [[nodiscard]] virtual std::uint64_t limit_piece(std::uint64_t /*bytes*/) { return UINT64_MAX; }

    /// Whether pieces are so large that only one more than there are threads should be held.
    [[nodiscard]] virtual bool pieces_are_large() const { return false; }

    /// Bytes behind a piece that `guess` wants to see.
    [[nodiscard]] virtual std::size_t lookahead() const { return 0; }
};

}  // namespace satchel
