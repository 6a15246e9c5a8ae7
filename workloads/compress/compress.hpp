// The compressor as a library: streams of any length, in memory that does not depend on it.
//
//     satchel::ThreadPoolExecutor pool(8);
//     satchel::InputFile in("big.log");
//     satchel::OutputFile out("big.log.gz", {.metadata = in.status()});
//     satchel::compress_stream(in, [&](auto data) { out.write(data); }, satchel::codec("gzip"),
//                              {.executor = pool});
//     out.commit();
//
// The result is one valid stream of the format. It depends on the input, the codec and its options
// alone: never on the number of threads or on timing.
//
// Thread safety: the functions may be called from several threads, each with its own input; `sink`
// and `on_progress` are called on the caller's thread.
#pragma once

#include <satchel/executor.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/decompress.hpp>
#include <satchel/tasks/file.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace satchel {

/// Takes the next bytes of the result.
using Sink = std::function<void(std::span<const std::byte>)>;

/// Bytes so far, or in all.
struct Transfer {
    std::int64_t input = 0;
    std::int64_t output = 0;
};

/// Is told after every piece of the result how far the work has come.
using OnProgress = std::function<void(const Transfer&)>;

struct CompressStreamOptions {
    CompressOptions codec = {};
    /// Whether chunks end where the content says so: after a change, the output is the same again
    /// from the next but one chunk on. They have a quarter of the chunk size to all of it.
    bool content_defined = false;
    ExecutorReference executor = {};
    OnProgress on_progress = {};
};

/// Compresses `input` from where it stands to its end. A file that becomes shorter meanwhile is
/// compressed as far as it could be read; `InputFile::unchanged` tells afterwards. Throws
/// FileError, and whatever `sink` throws.
Transfer compress_stream(InputFile& input, const Sink& sink, const Codec& codec,
                         const CompressStreamOptions& options = {});

struct DecompressStreamOptions {
    DecompressOptions codec = {};
    /// What is wanted of the result: `length` bytes from `offset` on, as far as there are any;
    /// negative: all. Nothing that follows is decoded, or checked.
    std::int64_t offset = 0;
    std::int64_t length = -1;
    /// Whether data in no known format is passed on as it is, as `zcat -f` does.
    bool copy_unknown = false;
    ExecutorReference executor = {};
    OnProgress on_progress = {};
};

struct Decompressed {
    Transfer transfer = {};
    const Codec* codec = nullptr;  ///< null for what was only copied
    std::string warning = {};      ///< what was ignored after the data; empty if nothing
    std::uint64_t streams = 0;     ///< as DecompressResult::streams
};

/// Decompresses `input` from where it stands to its end, in whatever format it is. Throws
/// FileError, CorruptData (after `sink` was given what is right), and whatever `sink` throws.
Decompressed decompress_stream(InputFile& input, const Sink& sink,
                               const DecompressStreamOptions& options = {});

}  // namespace satchel
