// Decodes a whole file with the decoders of single streams, from blocks that are pushed into it.
// What may follow a stream is told by CodecInfo, so that no format is known here.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/decompress.hpp>
#include <satchel/tasks/splitter.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace satchel::detail {

class StreamDecoder {
  public:
    enum class Status { needs_input, needs_output, finished };

    /// Throws InvalidArgument if there is no such format.
    explicit StreamDecoder(const DecompressOptions& options);

    /// Appends the next bytes of the file.
    void feed(const Bytes& data);

    /// There are no more.
    void end() { at_end_ = true; }

    /// Decodes to the front of `room`, and advances it. Throws CorruptData.
    Status decode(std::span<std::byte>& room);

    /// Whether the decoding goes on with what the guess begins with. All that was fed is decoded
    /// then, and nothing is left that waits for output.
    [[nodiscard]] bool stands_before(const Guess& guess);

    /// Moves behind the guess. Gives whether it holds more than its data: decode() gives that.
    /// REQUIRES: stands_before(guess).
    bool take_over(const Guess& guess);

    [[nodiscard]] const Codec* codec() const noexcept { return codec_; }
    [[nodiscard]] const std::string& warning() const noexcept { return warning_; }
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
    [[nodiscard]] std::uint64_t streams() const noexcept { return streams_; }
    [[nodiscard]] bool finished() const noexcept { return phase_ == Phase::ended; }

  private:
    // The start of the file; inside of a stream; behind one, perhaps in its padding; the end.
    enum class Phase { before, inside, after, ended };

    bool begin();
    Status decode_stream(std::span<std::byte>& room);
    bool look_further();
    void skip_zeros();
    void check_padding() const;
    void warn_of_doubt();
    void ignore_garbage();
    void begin_stream();
    [[noreturn]] void fail_cut_off() const;
    [[nodiscard]] bool head_is_there() const {
        return at_end_ || input_.size() >= (codec_ ? codec_->info().head_size : head_size_max);
    }
    [[nodiscard]] std::span<const std::byte> head() const;
    void drop(std::size_t size);

    const Codec* codec_;
    bool strict_;
    std::uint64_t memory_;
    Phase phase_ = Phase::before;
    std::unique_ptr<Decoder> decoder_;
    Bytes input_;  // fed and not yet used
    bool at_end_ = false;
    std::uint64_t offset_ = 0;  // of `input_` in the file
    std::uint64_t zeros_ = 0;   // behind the last stream
    std::uint64_t streams_ = 0;
    std::string warning_;
};

}  // namespace satchel::detail
