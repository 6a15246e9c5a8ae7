// What the control groups of this process allow it: its own, and all that this one lies in.
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

namespace satchel::detail {

inline constexpr double no_limit = std::numeric_limits<double>::infinity();

/// Reads the limit of one group from the files in its folder; no_limit where there is none.
using GroupLimit = double (*)(const std::filesystem::path& group);

/// The tightest limit by `controller` ("cpu", "memory"), of which the files are told apart by the
/// version of the groups.
[[nodiscard]] double tightest_group_limit(std::string_view controller, GroupLimit version_2,
                                          GroupLimit version_1);

/// The first line of a file, or nothing.
[[nodiscard]] std::string first_line(const std::filesystem::path& file);

}  // namespace satchel::detail
