/// Codecs: compress chunks independently, join them to ONE valid stream of the format; decompress.
///
///     const satchel::Codec& gzip = satchel::codec("gzip");
///     satchel::CompressedChunk piece = gzip.compress_chunk(bytes, {.level = 6});      // anywhere
///     auto joiner = gzip.joiner({.level = 6});                                        // in order
///     write(joiner->begin()); write(joiner->append(piece)); write(joiner->finish());
///
///     satchel::Bytes file = satchel::compress(bytes, "gzip");                         // all at
///     once satchel::Bytes back = satchel::decompress(file);
///
/// A new codec is one file: a class derived from `Codec`, and one line in the table in `codec.cpp`.
///
/// Thread safety: a `Codec` is immutable and may be used from any thread; a `Joiner` or `Decoder`
/// belongs to one thread at a time.
#pragma once

#include <satchel/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace satchel {

/// What can be chosen when compressing. The output depends on these and on the input alone.
struct CompressOptions {
    /// 0: the codec's default. Else `CodecInfo::level_min … level_max`.
    std::int64_t level = 0;
    /// Bytes of input a chunk; 0: the codec's default for the level. 64 KiB to 1 GiB.
    std::int64_t chunk_size = 0;
};

/// What a format is called and what it needs.
struct CodecInfo {
    std::string_view name;    ///< "gzip"
    std::string_view suffix;  ///< ".gz", what `compress` adds
    std::vector<std::string_view>
        suffixes;  ///< what `decompress` takes off: ".gz", ".tgz" (-> ".tar")
    std::int64_t level_min, level_max, level_default;
    bool concatenates;  ///< the format allows several streams in one file
};

/// One chunk, compressed by itself. Plain data: it can be made on another machine.
struct CompressedChunk {
    Bytes data;                  ///< compressed; the last byte may be used in part (bz2)
    std::uint64_t input_size{};  ///< bytes before compression
    std::uint64_t check{};       ///< of those bytes, as the format wants it: CRC-32, Adler-32, …
    std::uint64_t extra{};       ///< what the format's joiner needs besides; see its file
};

/// Joins chunks, in the order of the input, to one valid stream. Each call gives the next bytes of
/// it.
class Joiner {
  public:
    virtual ~Joiner() = default;
    [[nodiscard]] virtual Bytes begin() = 0;
    [[nodiscard]] virtual Bytes append(const CompressedChunk& chunk) = 0;
    [[nodiscard]] virtual Bytes finish() = 0;
};

/// Decodes ONE stream of a format incrementally.
class Decoder {
  public:
    enum class Status { needs_input, needs_output, finished };

    virtual ~Decoder() = default;

    /// Reads from the front of `input` and writes to the front of `output`; both spans are advanced
    /// past what was used. `finished`: the stream has ended and its checks were right; what is left
    /// in `input` follows it. Throws CorruptData.
    virtual Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) = 0;

    /// Prepares for another stream.
    virtual void reset() = 0;
};

/// One format.
class Codec {
  public:
    virtual ~Codec() = default;
    [[nodiscard]] virtual const CodecInfo& info() const = 0;
    /// Whether a file that starts with `head` (its first 16 bytes, or all) is of this format.
    [[nodiscard]] virtual bool recognises(std::span<const std::byte> head) const = 0;
    [[nodiscard]] virtual std::int64_t default_chunk_size(std::int64_t level) const = 0;
    /// Bytes of memory that compressing one chunk needs, besides the chunk and its output.
    [[nodiscard]] virtual std::uint64_t compress_memory(const CompressOptions& options) const = 0;
    /// Compresses one chunk. Depends on the arguments alone.
    [[nodiscard]] virtual CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                                         const CompressOptions& options) const = 0;
    [[nodiscard]] virtual std::unique_ptr<Joiner> joiner(const CompressOptions& options) const = 0;
    [[nodiscard]] virtual std::unique_ptr<Decoder> decoder() const = 0;
};

}  // namespace satchel
