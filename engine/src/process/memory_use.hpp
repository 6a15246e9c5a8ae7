// How much memory a process has in use, and at which parts of its limit something is done.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace satchel::process {

/// A worker that uses more than this part of its limit sets aside what others have sent it …
inline constexpr double set_aside_at = 0.60;
/// … and above this part begins no more tasks …
inline constexpr double pause_at = 0.80;
/// … until it uses less than this.
inline constexpr double resume_at = 0.75;
/// A nanny ends a worker that uses more than this part.
inline constexpr double kill_at = 0.95;

/// The memory that a process has for itself alone, without that of files; 0 if there is no such
/// process.
[[nodiscard]] std::int64_t memory_in_use(pid_t process);

}  // namespace satchel::process
