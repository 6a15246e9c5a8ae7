// Decoding xz streams block by block, and the older .lzma files.
#pragma once

#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/splitter.hpp>

#include <memory>

namespace satchel::detail {

std::unique_ptr<Decoder> make_xz_decoder();
std::unique_ptr<Splitter> make_xz_splitter();

}  // namespace satchel::detail
