/// compress_stream: a file or a pipe of any length becomes one valid stream, on all processors or
/// on a cluster, in memory that does not depend on its length.
///
///     satchel::InputFile in("big.log");
///     satchel::OutputFile out("big.log.gz", {.metadata = in.status()});
///     satchel::compress_stream(in, [&](auto data) { out.write(data); }, satchel::codec("gzip"));
///     out.commit();
///
/// While a Client is open it runs on that cluster: `Client client("cluster.json");` before these
/// lines is all there is to do. `CompressStreamOptions::executor` names another place.
///
/// The result depends on the input, the codec and its options alone: never on the number of threads
/// or workers, or on timing.
///
/// Thread safety: may be called from several threads, each with its own input; `sink` and
/// `on_progress` are called on the caller's thread.
#pragma once

#include <satchel/executor.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/file.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

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
/// compressed as far as it could be read; `InputFile::unchanged` tells afterwards. On a cluster, a
/// worker reads what it compresses if it finds the same file under the same path: the same device,
/// inode, size and time of modification. Else it is sent the bytes, as it is for a pipe and for
/// content-defined chunks. A few chunks for each thread are under way at any time.
///
/// Throws FileError, and whatever `sink` throws; on a cluster also what its Client throws.
Transfer compress_stream(InputFile& input, const Sink& sink, const Codec& codec,
                         const CompressStreamOptions& options = {});

}  // namespace satchel
