// Decompression of a file or a pipe, or the copying of what is not compressed.
#include "compress.hpp"

#include <algorithm>
#include <utility>

namespace satchel {
namespace {

constexpr std::size_t block_size = std::size_t{256} << 10;

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

// Passes on what `next` gives until it gives nothing more.
template <class Next>
Transfer pass_on(Next next, const Blocks& blocks, const Sink& sink, const OnProgress& on_progress) {
    std::int64_t output = 0;
    for (Bytes block = next(); !block.empty(); block = next()) {
        sink(block);
        output += static_cast<std::int64_t>(block.size());
        if (on_progress) on_progress({.input = blocks.size(), .output = output});
    }
    return {.input = blocks.size(), .output = output};
}

}  // namespace

Decompressed decompress_stream(InputFile& input, const Sink& sink,
                               const DecompressStreamOptions& options) {
    Blocks blocks(input);
    if (options.copy_unknown && options.codec.format.empty() && !blocks.recognised()) {
        const auto copy = [&] { return blocks.next(); };
        return {.transfer = pass_on(copy, blocks, sink, options.on_progress)};
    }
    Decompressor decompressor([&] { return blocks.next(); }, options.codec);
    const auto decode = [&] { return decompressor.next(); };
    const auto transfer = pass_on(decode, blocks, sink, options.on_progress);
    return {.transfer = transfer, .codec = decompressor.codec(), .warning = decompressor.warning()};
}

}  // namespace satchel
