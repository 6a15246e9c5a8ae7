// Decoding bzip2 streams block by block.
#pragma once

#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/splitter.hpp>

#include <memory>

namespace satchel::detail {

std::unique_ptr<Decoder> make_bz2_decoder();
std::unique_ptr<Splitter> make_bz2_splitter();

}  // namespace satchel::detail
