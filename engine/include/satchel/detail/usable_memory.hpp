/// For the library and its programs: how much memory there is to divide.
#pragma once

#include <cstdint>

namespace satchel::detail {

/// Bytes that this process may use at most: what the computer has, or less where a cgroup, or a
/// limit of the address space (`ulimit -v`), allows less.
[[nodiscard]] std::int64_t usable_memory();

}  // namespace satchel::detail
