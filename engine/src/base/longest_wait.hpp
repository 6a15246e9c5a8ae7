// How long anybody can wait.
#pragma once

#include <chrono>

namespace satchel::detail {

/// A clock of nanoseconds can add no more than some centuries.
inline constexpr std::chrono::nanoseconds longest_wait = std::chrono::years(100);

}  // namespace satchel::detail
