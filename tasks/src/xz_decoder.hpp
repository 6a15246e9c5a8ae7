// Decoding xz streams block by block, and the older .lzma files.
#pragma once

#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/seek.hpp>
#include <satchel/tasks/splitter.hpp>

#include <memory>
#include <optional>

namespace satchel::detail {

std::unique_ptr<Decoder> make_xz_decoder();
std::unique_ptr<Splitter> make_xz_splitter();

/// The blocks of all streams of the file, from their indexes; nothing if one is damaged.
std::optional<SeekTable> table_of_xz_index(const RandomAccess& file);

}  // namespace satchel::detail
