// Decoding zstd frame by frame, and the table of frames at the end of a file.
#pragma once

#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/seek.hpp>
#include <satchel/tasks/splitter.hpp>

#include <memory>
#include <optional>

namespace satchel::detail {

std::unique_ptr<Decoder> make_zstd_decoder();
std::unique_ptr<Splitter> make_zstd_splitter();

/// The frames that the table at the end of `file` tells of; nothing if there is none, or if it is
/// not that of the whole file.
std::optional<SeekTable> table_of_zstd_frames(const RandomAccess& file);

}  // namespace satchel::detail
