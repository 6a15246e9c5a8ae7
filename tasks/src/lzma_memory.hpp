// Memory for liblzma from the pool of large buffers. Every block has a coder of its own, whose
// tables are several MiB: to touch them anew for each costs a tenth of compressing at level 1.
#pragma once

#include <lzma.h>

namespace satchel::detail {

/// What liblzma's functions take as their `allocator`. Any thread may use it.
[[nodiscard]] const lzma_allocator* pooled_lzma_memory() noexcept;

}  // namespace satchel::detail
