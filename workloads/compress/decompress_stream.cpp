// Decompression of a file or a pipe, or the copying of what is not compressed.
#include "compress.hpp"

#include <algorithm>
#include <utility>

namespace satchel {
namespace {

constexpr std::size_t block_size = std::size_t{1} << 20;

// What `recognise` may look at.
constexpr std::size_t head_size = 16;

// The input, block by block, with the first one looked at in advance.
class Blocks {
  public:
    explicit Blocks(InputFile& input) : input_(input), first_(read()) {}

    [[nodiscard]] bool recognised() const {
        return recognise(std::span(first_).first(std::min(head_size, first_.size()))) != nullptr;
    }

    Bytes next() { return first_.empty() ? read() : std::exchange(first_, {}); }

    /// Bytes that were read.
    [[nodiscard]] std::int64_t size() const { return size_; }

  private:
    Bytes read() {
        Buffer block(block_size);
        block.resize(input_.read(block));
        size_ += static_cast<std::int64_t>(block.size());
        return std::move(block).freeze();
    }

    InputFile& input_;
    std::int64_t size_ = 0;
    Bytes first_;
};

// The range of the result that is asked for.
class Wanted {
  public:
    Wanted(std::int64_t offset, std::int64_t length) : skip_(offset), left_(length) {}

    [[nodiscard]] bool complete() const { return left_ == 0; }

    Bytes part_of(const Bytes& data) {
        const auto skipped = std::min(skip_, static_cast<std::int64_t>(data.size()));
        skip_ -= skipped;
        Bytes part = data.slice(static_cast<std::size_t>(skipped));
        if (left_ < 0) return part;
        part = part.slice(0, static_cast<std::size_t>(left_));
        left_ -= static_cast<std::int64_t>(part.size());
        return part;
    }

  private:
    std::int64_t skip_;
    std::int64_t left_;
};

}  // namespace

Decompressed decompress_stream(InputFile& input, const Sink& sink,
                               const DecompressStreamOptions& options) {
    Blocks blocks(input);
    Transfer done;
    Wanted wanted(options.offset, options.length);
    const auto write = [&](const Bytes& data) {
        const Bytes part = wanted.part_of(data);
        if (!part.empty()) sink(part);
        done.input = blocks.size();
        done.output += static_cast<std::int64_t>(part.size());
        if (options.on_progress) options.on_progress(done);
        return !wanted.complete();
    };
    if (wanted.complete()) return {.transfer = done};
    if (options.copy_unknown && options.codec.format.empty() && !blocks.recognised()) {
        for (Bytes block = blocks.next(); !block.empty() && write(block); block = blocks.next()) {
        }
        return {.transfer = done};
    }
    const auto result =
        decompress_parallel([&] { return blocks.next(); }, write,
                            {.decompress = options.codec, .executor = options.executor});
    done.input = blocks.size();
    return {.transfer = done,
            .codec = result.codec,
            .warning = result.warning,
            .streams = result.streams};
}

}  // namespace satchel
