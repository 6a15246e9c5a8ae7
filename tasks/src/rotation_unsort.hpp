// The inverse of the Burrows–Wheeler transform.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace satchel::detail {

/// What unsort_rotations() takes at the most.
constexpr std::size_t rotation_unsort_max = (std::size_t{1} << 20) - 1;

/// Puts the text in place of the last characters of its sorted rotations. What is not such may be
/// given, too, and gives something.
/// REQUIRES: origin < text.size() <= rotation_unsort_max.
void unsort_rotations(std::span<std::uint8_t> text, std::uint32_t origin);

}  // namespace satchel::detail
