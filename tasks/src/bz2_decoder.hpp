// Decoding bzip2 streams block by block.
#pragma once

#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/splitter.hpp>

#include <cstdint>
#include <memory>

namespace satchel::detail {

// What stands before each block and at the end of a stream: 48 bits, at any bit.
constexpr std::uint64_t bz2_block_magic = 0x3141'5926'5359;
constexpr std::uint64_t bz2_end_magic = 0x1772'4538'5090;

std::unique_ptr<Decoder> make_bz2_decoder();
std::unique_ptr<Splitter> make_bz2_splitter();

}  // namespace satchel::detail
