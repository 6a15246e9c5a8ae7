/// For the library: asks the system for huge pages where a large block of memory is about to be
/// filled.
///
/// Touching fresh memory costs several times more than copying into it, most of it for each page of
/// 4 KiB; of 2 MiB there are few. It is a hint: nothing else changes, and where the system does not
/// have them, nothing at all.
#pragma once

#include <cstddef>

namespace satchel::detail {

/// Blocks that are smaller hold too few of these pages to be worth a system call.
inline constexpr std::size_t huge_pages_min = std::size_t{4} << 20;

/// `size` bytes at `data`, of which all will be written.
void prefer_huge_pages(void* data, std::size_t size) noexcept;

}  // namespace satchel::detail
