// Where a text occurs in another.
#pragma once

#include <cstddef>
#include <string_view>

namespace satchel::detail {

/// The first place of `what` in `text` at or behind `from`; npos if there is none. Looks for the
/// first and the last byte of `what` at the same time, sixteen places at once (Wojciech Mula,
/// "SIMD-friendly algorithms for substring searching"), which letters that are frequent do not
/// slow.
std::size_t find_text(std::string_view text, std::string_view what, std::size_t from = 0);

}  // namespace satchel::detail
