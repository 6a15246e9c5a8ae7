// Pieces: the parts of a compressed file that can be decoded by themselves, from any place of the
// file on.
//
// Where they begin is told by the file: by a table (see satchel/tasks/seek.hpp), or by marks so
// long that they do not occur by chance (.gz, .bz2). That a mark is a true one shows when the piece
// before it is decoded, which must end exactly there; else it is an error.
#pragma once

#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/splitter.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace satchel::detail {

class Pieces {
  public:
    explicit Pieces(const Codec& codec) : splitter_(codec.splitter()) {}
    Pieces(const Pieces&) = delete;
    Pieces& operator=(const Pieces&) = delete;
    virtual ~Pieces() = default;

    /// The next piece; nothing at the end of the file.
    [[nodiscard]] virtual std::optional<Piece> next() = 0;

    /// What is odd about what follows the last piece that was given; empty: nothing.
    [[nodiscard]] virtual std::string warning() const { return {}; }

    /// What a piece holds. Throws CorruptData.
    [[nodiscard]] virtual Bytes decode(const Piece& piece) const = 0;

  protected:
    [[nodiscard]] Splitter& splitter() const { return *splitter_; }

  private:
    std::unique_ptr<Splitter> splitter_;
};

/// The byte of the file at which a piece begins, or in which its first bit lies.
[[nodiscard]] inline std::int64_t place_of(const Piece& piece) {
    return static_cast<std::int64_t>(piece.offset);
}

/// The pieces that begin at byte `from` of a file or behind it. The file must outlive them.
[[nodiscard]] std::unique_ptr<Pieces> open_pieces(const InputFile& file, const Codec& codec,
                                                  std::int64_t from);

/// Whether a file can be read piece by piece: why not, or nothing.
[[nodiscard]] std::string why_not_in_pieces(const InputFile& file, const Codec& codec);

}  // namespace satchel::detail
