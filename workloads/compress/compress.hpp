// The compressor as a library: the other half of <satchel/tasks/compress.hpp>, for files of any
// length and in any of the formats, or in none.
//
//     satchel::ThreadPoolExecutor pool(8);
//     satchel::InputFile in("big.log.gz");
//     satchel::OutputFile out("big.log", {.metadata = in.status()});
//     satchel::decompress_stream(in, [&](auto data) { out.write(data); }, {.executor = pool});
//     out.commit();
//
// Thread safety: may be called from several threads, each with its own input. `on_progress` is
// called on the caller's thread, and so is `sink`, except that decompression on more than one
// thread calls it on another one.
#pragma once

#include <satchel/executor.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/compress.hpp>
#include <satchel/tasks/decompress.hpp>
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/seek.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace satchel {

struct DecompressStreamOptions {
    DecompressOptions codec = {};
    /// What is wanted of the result: `length` bytes from `offset` on, as far as there are any;
    /// negative: all. Where the file can be entered, little else is decoded. Where it cannot, all
    /// that comes before is, and up to 64 MiB that follow, for the sake of the check behind them.
    std::int64_t offset = 0;
    std::int64_t length = -1;
    /// Where the file can be entered; must outlive the call. Null: as far as the file itself tells.
    const SeekTable* table = nullptr;
    /// As ParallelDecompressOptions::on_piece.
    std::function<void(const SeekPiece&)> on_piece = {};
    /// Whether data in no known format is passed on as it is, as `zcat -f` does.
    bool copy_unknown = false;
    ExecutorReference executor = {};
    /// Is told of each piece before `sink` is given it. If it throws, `sink` never sees the piece.
    OnProgress on_progress = {};
};

struct Decompressed {
    Transfer transfer = {};
    const Codec* codec = nullptr;  ///< null for what was only copied
    std::string warning = {};      ///< what was ignored after the data; empty if nothing
    std::uint64_t streams = 0;     ///< as DecompressResult::streams
    std::string_view check = {};   ///< what Codec::check says of it
};

/// Decompresses `input` from where it stands to its end, in whatever format it is. Throws
/// FileError, CorruptData (after `sink` was given what is right), and whatever `sink` throws.
Decompressed decompress_stream(InputFile& input, const Sink& sink,
                               const DecompressStreamOptions& options = {});

}  // namespace satchel
