// Deflate by ISA-L: the fastest compression, and decoding of streams whose end is not at hand.
#pragma once

#include <satchel/bytes.hpp>

#include "deflate.hpp"

#include <memory>
#include <span>

namespace satchel::detail {

/// As deflate_chunk, as fast as possible. The output depends on the kind of processor, too.
Bytes isal_chunk(std::span<const std::byte> chunk);

std::unique_ptr<Inflater> make_isal_inflater();

}  // namespace satchel::detail
