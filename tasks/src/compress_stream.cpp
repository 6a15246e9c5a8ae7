// Compression: chunks are read, compressed and joined in order, a bounded number of them at a time.
#include <satchel/archive.hpp>
#include <satchel/stream.hpp>
#include <satchel/tasks/compress.hpp>

#include "codec_libraries.hpp"
#include "content_chunks.hpp"
#include "file/file_reference.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
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
    std::int64_t offset = 0;
    std::int64_t length = 0;
};

// Gives out the ranges of a file from `offset` on.
auto ranges_of(const InputFile& input, std::int64_t chunk_size, std::int64_t offset) {
    return [size = input.status().size, chunk_size, offset]() mutable -> std::optional<Range> {
        if (offset >= size) return std::nullopt;
        const Range range{offset, std::min(chunk_size, size - offset)};
        offset += range.length;
        return range;
    };
}

// Reads what has no offsets, from front to back. A block has room for what it becomes at worst: so
// the pool has one kind of memory for both, and gives that of chunks to results.
auto blocks_of(InputFile& input, std::int64_t chunk_size) {
    return [&input, size = static_cast<std::size_t>(chunk_size)]() -> std::optional<Bytes> {
        Buffer block(size + size / 32);
        block.resize(size);
        block.resize(input.read(block));
        if (block.size() == 0) return std::nullopt;
        return std::move(block).freeze();
    };
}

// What a task does with its chunk. It travels with the names of the codec and its libraries.
struct CompressBytes {
    const Codec* codec = nullptr;
    CompressOptions options = {};

    // By value: else the data would be kept until the result is taken.
    CompressedChunk operator()(Bytes data) const {  // NOLINT(performance-unnecessary-value-param)
        return data.empty() ? CompressedChunk{} : codec->compress_chunk(data, options);
    }
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        if constexpr (Archive::is_loading::value) {
            std::string name;
            detail::CodecLibraries libraries;
            archive& name& libraries;
            libraries.require();
            codec = &satchel::codec(name);
        } else {
            archive& std::string(codec->info().name) & detail::CodecLibraries::of_this_process();
        }
        archive& options;
    }
};

// The same for a chunk that is read where it is compressed; nothing if it cannot be read there.
struct CompressRange {
    detail::FileReference file = {};
    CompressBytes compress = {};

    std::optional<CompressedChunk> operator()(const Range& range) const {
        auto data = file.read_at(range.offset, range.length);
        if (!data) return std::nullopt;
        return compress(*std::move(data));
    }
};

// Compresses a file whose data is read by whoever compresses it. When a worker is met that does not
// see the file, what is under way is dropped, and from there on the bytes are sent to all: what is
// then computed again is no more than a window.
void compress_file(const InputFile& input, const CompressBytes& compress, JoinedOutput& output,
                   const StreamOptions& how) {
    const auto chunk_size = compress.options.chunk_size;
    auto reached = input.position();
    bool is_seen = true;
    auto ranges = ranges_of(input, chunk_size, reached);
    const auto next = [&] { return is_seen ? ranges() : std::nullopt; };
    const auto write = [&](const std::optional<CompressedChunk>& chunk) {
        is_seen = is_seen && chunk;
        if (!is_seen) return;
        output.append(*chunk);
        reached += chunk_size;
    };
    stream(next, CompressRange{detail::FileReference(input), compress}, write, how);
    if (is_seen) return;
    auto rest = ranges_of(input, chunk_size, reached);
    const auto read = [&]() -> std::optional<Bytes> {
        const auto range = rest();
        if (!range) return std::nullopt;
        return input.read_at(range->offset, range->length);
    };
    const auto append = [&](const CompressedChunk& chunk) { output.append(chunk); };
    stream(read, compress, append, how);
}

}  // namespace

Transfer compress_stream(InputFile& input, const Sink& sink, const Codec& codec,
                         const CompressStreamOptions& options) {
    const auto resolved = codec.resolve(options.codec);
    JoinedOutput output(sink, codec, resolved, options.on_progress);
    const CompressBytes compress{&codec, resolved};
    const StreamOptions how{.executor = options.executor};
    const auto write = [&](const CompressedChunk& chunk) { output.append(chunk); };
    if (options.content_defined) {
        stream(ContentChunks(input, resolved.chunk_size), compress, write, how);
    } else if (input.seekable()) {
        compress_file(input, compress, output, how);
    } else {
        stream(blocks_of(input, resolved.chunk_size), compress, write, how);
    }
    return output.finish();
}

}  // namespace satchel
