/// Codecs: compress chunks independently, join them to ONE valid stream of the format; decode.
///
///     satchel::Bytes file = satchel::compress(bytes, "gzip");                    // all at once
///     satchel::Bytes back = satchel::decompress(file);
///
///     const satchel::Codec& gzip = satchel::codec("gzip");                       // in parallel
///     const auto options = gzip.resolve({.level = 9});
///     satchel::CompressedChunk chunk = gzip.compress_chunk(bytes, options);      // anywhere
///     auto joiner = gzip.joiner(options);                                        // in order
///     write(joiner->begin()); write(joiner->append(chunk)); write(joiner->finish());
///
/// To decode whole files of any size, see `decompress.hpp`. A new codec is one file: a class
/// derived from `Codec`, and `add_codec`; docs/codecs.md shows one.
///
/// Thread safety: a `Codec` is immutable and may be used from any thread; a `Joiner` or `Decoder`
/// belongs to one thread at a time.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace satchel {

/// Compressed data that is damaged, cut off, or not of the format it should be.
class CorruptData : public Error {
  public:
    /// `what` without the offset, which is added: "…, at offset 1234".
    CorruptData(const std::string& what, std::uint64_t offset);

    /// Where in the compressed data it was noticed, counted from its first byte.
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

  private:
    std::uint64_t offset_;
};

/// Decoding would take more memory than it is allowed to.
class OverMemoryLimit : public Error {
  public:
    /// `what` needs the memory: "the xz data".
    OverMemoryLimit(std::string_view what, std::uint64_t needed, std::uint64_t allowed);
    /// With the whole text.
    explicit OverMemoryLimit(const std::string& text) : Error(text) {}
};

/// What can be chosen when compressing. The output depends on these, on the input and on the
/// version of the format's library alone.
struct CompressOptions {
    /// 0: the codec's default. Else `CodecInfo::level_min … level_max`.
    std::int64_t level = 0;
    /// Bytes of input a chunk; 0: the codec's default for the level. Else 64 KiB to 1 GiB.
    std::int64_t chunk_size = 0;
    /// What gzip's header tells of the original: its name, without folders, and its time of
    /// modification in seconds since 1970. Empty and 0: nothing. Other formats have no place for
    /// it.
    std::string name{};
    std::int64_t modified = 0;
};

/// What the header of gzip data tells of the original.
struct GzipOriginal {
    std::string name{};         ///< as it stands there: it may be anything
    std::int64_t modified = 0;  ///< seconds since 1970; 0: not told
};

/// Reads the header that `data` begins with. Empty if it is no gzip header, or not whole.
[[nodiscard]] GzipOriginal gzip_original(std::span<const std::byte> data);

/// The end of a file name that tells the format, and what stands there after decompression.
struct Suffix {
    std::string_view text;         ///< ".tgz"
    std::string_view replacement;  ///< ".tar"; empty for ".gz"

    /// Whether the file `name` ends so, and has more of a name before it. Upper case counts, as on
    /// files from systems that know no other.
    [[nodiscard]] bool ends(std::string_view name) const;
};

/// So many bytes from its start tell what format a file is of.
inline constexpr std::size_t head_size_max = 16;

/// What a format is called and what it allows.
struct CodecInfo {
    std::string_view name;             ///< "gzip"
    std::string_view suffix;           ///< ".gz", what compression adds
    std::span<const Suffix> suffixes;  ///< all that decompression replaces, `suffix` among them
    std::int64_t level_min = 1;
    std::int64_t level_max = 9;
    std::int64_t level_default = 6;
    /// How many of the first bytes `Codec::recognises` looks at.
    std::size_t head_size = head_size_max;
    /// Whether a file may be written as several streams. Readers go on after the first anyway.
    bool concatenates = true;
    /// Zero bytes after a stream are padding if their number is a multiple of this; 0: never.
    std::int64_t padding = 0;
    /// Whether other bytes after the last stream are an error; else they are ignored with a
    /// warning.
    bool refuses_garbage = false;
};

/// One chunk, compressed by itself. Plain data: it can be made on another machine.
struct CompressedChunk {
    Bytes data{};                ///< compressed; the last byte may be used in part (bz2)
    std::uint64_t input_size{};  ///< bytes before compression
    std::uint64_t check{};       ///< of those bytes, as the format wants it: CRC-32, Adler-32, …
    std::uint64_t extra{};       ///< what the format's joiner needs besides; see the codec's file
};

/// Joins chunks, in the order of the input, to one valid stream. Each call gives its next bytes:
/// one `begin`, any number of `append` (none: the empty stream), one `finish`.
class Joiner {
  public:
    virtual ~Joiner() = default;
    [[nodiscard]] virtual Bytes begin() = 0;
    [[nodiscard]] virtual Bytes append(const CompressedChunk& chunk) = 0;
    [[nodiscard]] virtual Bytes finish() = 0;
};

class Guess;
class Splitter;
struct RandomAccess;
struct SeekTable;

/// Decodes ONE stream of a format incrementally. Memory does not depend on the stream's size.
class Decoder {
  public:
    enum class Status { needs_input, needs_output, finished };

    virtual ~Decoder() = default;

    /// Reads from the front of `input` and writes to the front of `output`; both spans are advanced
    /// past what was used. `needs_input`: all input was used and the stream has not ended;
    /// `needs_output`: all output was filled and there may be more; `finished`: the stream has
    /// ended and its checks were right, and what is left in `input` follows it. Throws CorruptData.
    virtual Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) = 0;

    /// Prepares for another stream, which begins at `offset` of its file (for error texts).
    virtual void reset(std::uint64_t offset) = 0;

    /// From now on `decode` throws OverMemoryLimit where it needs more than so many bytes. Without
    /// this it takes what the file asks for. Does nothing where no file can ask for much.
    virtual void limit_memory(std::uint64_t bytes);

    /// Whether the file may end behind the streams that were decoded so far. Some formats announce
    /// more.
    [[nodiscard]] virtual bool file_may_end() const;

    /// What makes it doubtful, all the same, that the file is whole where it ends there: part of a
    /// warning. Empty if nothing does.
    [[nodiscard]] virtual std::string_view doubt_at_end() const;

    /// Whether what is no stream, padding or garbage, may follow the streams that were decoded so
    /// far, where the format's CodecInfo allows it at all. It may not where these hold no data:
    /// then it is the data, and damaged.
    [[nodiscard]] virtual bool may_be_followed() const;

    /// Whether the stream goes on, from here, with what the guess begins with; see splitter.hpp.
    [[nodiscard]] virtual bool stands_before(const Guess& guess) const;

    /// Moves behind the guess, as if it had decoded the same: `needs_input` or `finished`;
    /// `needs_output` if `decode`, without input, gives more than the data of the guess. Throws
    /// CorruptData. REQUIRES: stands_before(guess), which is one of this codec's splitter.
    virtual Status take_over(const Guess& guess);
};

/// One format.
class Codec {
  public:
    virtual ~Codec() = default;
    [[nodiscard]] virtual const CodecInfo& info() const = 0;

    /// Whether data that starts with `head` (its first head_size_max bytes, or all there are) is of
    /// this format.
    [[nodiscard]] virtual bool recognises(std::span<const std::byte> head) const = 0;

    /// Whether what follows a stream of this format, and starts with `head`, is another one, or
    /// what was left of one that was cut off. Since the format is known, fewer bytes may tell than
    /// `recognises` wants.
    [[nodiscard]] virtual bool continues(std::span<const std::byte> head) const;

    /// What the first stream of a file that begins with `data` is checked by: "CRC32", or "None".
    /// Empty if that is not known.
    [[nodiscard]] virtual std::string_view check(std::span<const std::byte> data) const;

    [[nodiscard]] virtual std::int64_t default_chunk_size(std::int64_t level) const = 0;

    /// Bytes of memory that compressing one chunk needs, besides the chunk and its output.
    [[nodiscard]] virtual std::uint64_t compress_memory(const CompressOptions& options) const = 0;

    /// Compresses one chunk of at most 1 GiB. Depends on the arguments alone.
    [[nodiscard]] virtual CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                                         const CompressOptions& options) const = 0;

    [[nodiscard]] virtual std::unique_ptr<Joiner> joiner(const CompressOptions& options) const = 0;
    [[nodiscard]] virtual std::unique_ptr<Decoder> decoder() const = 0;

    /// For decoding in parallel; nothing if the format does not allow that.
    [[nodiscard]] virtual std::unique_ptr<Splitter> splitter() const;

    /// Where `file` can be entered, as far as it tells; see seek.hpp. Nothing if it does not, or if
    /// it is not what it should be.
    [[nodiscard]] virtual std::optional<SeekTable> seek_table(const RandomAccess& file) const;

    /// The options with every default filled in. Throws InvalidArgument if a value is out of range.
    [[nodiscard]] CompressOptions resolve(const CompressOptions& options) const;
};

/// The codec called `name`. Throws InvalidArgument that lists the names there are.
[[nodiscard]] const Codec& codec(std::string_view name);

/// Adds a codec of the program's own to those that are found by name and by content. It must live
/// as long as the program. Throws InvalidArgument if there is one of that name, or too many.
void add_codec(const Codec& codec);

/// All codecs.
[[nodiscard]] std::span<const Codec* const> codecs();

/// The codec of data that starts with `head` (head_size_max bytes, or all there are); nullptr if
/// none knows it.
[[nodiscard]] const Codec* recognise(std::span<const std::byte> head);

/// `data` as one stream of `format`. Runs on this thread alone.
[[nodiscard]] Bytes compress(std::span<const std::byte> data, std::string_view format,
                             const CompressOptions& options = {});

/// What was compressed into `data`, in whichever format; streams that follow each other are all
/// decoded. Throws CorruptData, also if anything but padding follows the last stream.
[[nodiscard]] Bytes decompress(std::span<const std::byte> data);

}  // namespace satchel
