// Compression: chunks are read, compressed and joined in order, a bounded number of them at a time.
#include <satchel/stream.hpp>

#include "compress.hpp"
#include "content_chunks.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace satchel {
namespace {

// The end of the pipeline: joins the chunks and counts.
class JoinedOutput {
  public:
    JoinedOutput(const Sink& sink, const Codec& codec, const CompressOptions& options,
                 const OnProgress& on_progress)
        : sink_(sink), on_progress_(on_progress), joiner_(codec.joiner(options)) {
        emit(joiner_->begin());
    }

    void append(const CompressedChunk& chunk) {
        if (chunk.input_size == 0) return;  // the file ended before this chunk of it
        emit(joiner_->append(chunk));
        done_.input += static_cast<std::int64_t>(chunk.input_size);
        if (on_progress_) on_progress_(done_);
    }

    Transfer finish() {
        emit(joiner_->finish());
        if (on_progress_) on_progress_(done_);
        return done_;
    }

  private:
    void emit(const Bytes& data) {
        sink_(data);
        done_.output += static_cast<std::int64_t>(data.size());
    }

    const Sink& sink_;
    const OnProgress& on_progress_;
    std::unique_ptr<Joiner> joiner_;
    Transfer done_;
};

struct Range {
    std::int64_t offset;
    std::int64_t length;
};

// Gives out a file's ranges: its data is then read by whoever compresses it.
auto ranges_of(const InputFile& input, std::int64_t chunk_size) {
    return [size = input.status().size, chunk_size,
            offset = std::int64_t{0}]() mutable -> std::optional<Range> {
        if (offset == size) return std::nullopt;
        const Range range{offset, std::min(chunk_size, size - offset)};
        offset += range.length;
        return range;
    };
}

// Reads what has no offsets, from front to back.
auto blocks_of(InputFile& input, std::int64_t chunk_size) {
    return [&input, chunk_size]() -> std::optional<Bytes> {
        Buffer block(static_cast<std::size_t>(chunk_size));
        block.resize(input.read(block));
        if (block.size() == 0) return std::nullopt;
        return std::move(block).freeze();
    };
}

}  // namespace

Transfer compress_stream(InputFile& input, const Sink& sink, const Codec& codec,
                         const CompressStreamOptions& options) {
    const auto resolved = codec.resolve(options.codec);
    JoinedOutput output(sink, codec, resolved, options.on_progress);
    const auto compress = [&](const Bytes& data) {
        return data.empty() ? CompressedChunk{} : codec.compress_chunk(data, resolved);
    };
    const auto write = [&](const CompressedChunk& chunk) { output.append(chunk); };
    if (options.content_defined) {
        const auto work = [&](Bytes data) { return compress(data); };
        stream(ContentChunks(input, resolved.chunk_size), work, write,
               {.executor = options.executor});
    } else if (input.seekable()) {
        const auto work = [&](Range range) {
            return compress(input.read_at(range.offset, range.length));
        };
        stream(ranges_of(input, resolved.chunk_size), work, write, {.executor = options.executor});
    } else {
        const auto work = [&](Bytes data) { return compress(data); };
        stream(blocks_of(input, resolved.chunk_size), work, write, {.executor = options.executor});
    }
    return output.finish();
}

}  // namespace satchel
