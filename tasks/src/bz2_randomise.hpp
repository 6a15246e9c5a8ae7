// An old way to change texts that are hard to sort.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

/// Undoes it, and does it as well.
void undo_bz2_randomise(std::span<std::uint8_t> text);

}  // namespace satchel::detail
