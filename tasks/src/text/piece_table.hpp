// Tables of what can be decoded by itself, of files that are read block by block.
#pragma once

#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/seek.hpp>

#include <memory>

namespace satchel::detail {

/// The table of a file, of pieces that hold something, which are all that the file holds; nullptr
/// if it has none. The last few are kept: every block of a file needs its table, and some have to
/// be collected from all over the file. Any thread may call it.
[[nodiscard]] std::shared_ptr<const SeekTable> piece_table(const InputFile& file,
                                                           const Codec& codec);

}  // namespace satchel::detail
