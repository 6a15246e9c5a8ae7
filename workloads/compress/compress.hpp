// The compressor as a library: the other half of <satchel/tasks/compress.hpp>, for files of any
// length and in any of the formats, or in none.
//
//     satchel::ThreadPoolExecutor pool(8);
//     satchel::InputFile in("big.log.gz");
//     satchel::OutputFile out("big.log", {.metadata = in.status()});
//     satchel::decompress_stream(in, [&](auto data) { out.write(data); }, {.executor = pool});
//     out.commit();
//
// Thread safety: may be called from several threads, each with its own input; `sink` and
// `on_progress` are called on the caller's thread.
#pragma once

#include <satchel/executor.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/compress.hpp>
#include <satchel/tasks/decompress.hpp>
#include <satchel/tasks/file.hpp>

#include <cstdint>
#include <string>

namespace satchel {

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
