// The Burrows–Wheeler transform: the rotations of a text are sorted, and the last character of each
// is kept. What follows alike in the text is preceded by few different characters, so these come
// together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

/// What sort_rotations() takes at the most.
constexpr std::size_t rotation_sort_max = (std::size_t{1} << 20) - 1;

/// Fills `last` with the last characters of the sorted rotations of `text`, and gives the index of
/// the rotation that is the text itself. The time is proportional to the size, whatever the text.
/// REQUIRES: 0 < text.size() <= rotation_sort_max; `last` is as large. It may be the same memory.
std::uint32_t sort_rotations(std::span<const std::uint8_t> text, std::span<std::uint8_t> last);

/// The memory that takes, at the most.
constexpr std::size_t rotation_sort_memory(std::size_t size) { return 20 * size + (8 << 10); }

}  // namespace satchel::detail
