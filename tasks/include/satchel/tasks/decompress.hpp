/// Decompressor: decodes a compressed file of any size and any number of streams, block by block;
/// decompress_parallel: the same on all processors, where the file allows it.
///
///     satchel::Decompressor decompressor([&] { return read_block(file); });  // empty at the end
///     for (auto block = decompressor.next(); !block.empty(); block = decompressor.next()) {
///         write(block);
///     }
///     if (!decompressor.warning().empty()) report(decompressor.warning());
///
/// The format is told by the content. Streams that follow each other are decoded as one; zeros
/// after gzip, and by fours after xz, are padding; other bytes after the last stream are an error
/// after xz, elsewhere ignored with a warning. Memory does not depend on the file's size or ratio.
///
/// Thread safety: a `Decompressor` belongs to one thread at a time.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/executor.hpp>
#include <satchel/tasks/codec.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace satchel {

struct SeekPiece;
struct SeekTable;

/// How a file is to be decoded.
struct DecompressOptions {
    /// The codec's name; empty: told by the content.
    std::string format{};
    /// Whether garbage after the data, and padding of gzip, are errors.
    bool strict = false;
    /// Bytes of memory to use at most; 0: no limit. Fewer pieces are decoded at the same time then,
    /// or none; a file that needs more even so is refused with OverMemoryLimit.
    std::uint64_t memory = 0;
};

class Decompressor {
  public:
    /// `read` gives the next block of the file, of any size, and an empty one at its end.
    /// Throws InvalidArgument if there is no such format.
    explicit Decompressor(std::function<Bytes()> read, const DecompressOptions& options = {});
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;
    ~Decompressor();

    /// The next block of what was compressed; empty at its end, when everything was there and every
    /// check was right. Throws CorruptData, after what could be decoded before the damage was
    /// given; whatever `read` throws passes through. Not to be called again after it threw.
    [[nodiscard]] Bytes next();

    /// The format, known after the first `next`; else nullptr.
    [[nodiscard]] const Codec* codec() const noexcept;

    /// What was ignored after the last stream, or what should be there and is not; empty if all is
    /// well. Known after the last `next`.
    [[nodiscard]] const std::string& warning() const noexcept;

    /// How many bytes of the file were decoded so far.
    [[nodiscard]] std::uint64_t offset() const noexcept;

  private:
    class State;
    std::unique_ptr<State> state_;
};

/// How decompress_parallel() runs.
struct ParallelDecompressOptions {
    DecompressOptions decompress = {};
    ExecutorReference executor = {};
    /// Where to cut the file; must outlive the call. Null: that is found out.
    const SeekTable* table = nullptr;
    /// Is told of every piece that was decoded by itself: the makings of a SeekTable. On the
    /// calling thread, in order. What is told depends on the file and its blocks, never on threads
    /// or timing.
    std::function<void(const SeekPiece&)> on_piece = {};
};

/// What decompress_parallel() found out.
struct DecompressResult {
    const Codec* codec = nullptr;
    std::string warning{};      ///< as Decompressor::warning
    std::uint64_t streams = 0;  ///< gzip members, bzip2 and xz streams, zstd frames
};

/// Decodes the file that `read` gives, as Decompressor does, and gives it to `write` in order, both
/// on the calling thread. Files of satchel, `pigz -i`, bgzip and others of many members are decoded
/// in parallel, as are .bz2 files, and .xz and .zst files of several blocks or frames; others as by
/// Decompressor, but beside reading and writing. `write` returns whether to go on. Memory: some
/// pieces of the file for each thread.
///
/// Throws as Decompressor does, after `write` was given what could be decoded before the damage;
/// whatever `read` and `write` throw passes through.
DecompressResult decompress_parallel(const std::function<Bytes()>& read,
                                     const std::function<bool(const Bytes&)>& write,
                                     const ParallelDecompressOptions& options = {});

}  // namespace satchel
