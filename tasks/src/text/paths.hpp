// What the paths that name text files stand for.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace satchel::detail {

/// Without "." and "..", which leads out of the folder where a link in front of it leads to.
[[nodiscard]] std::string absolute_path(const std::filesystem::path& path);

/// Whether `path` has what makes it a pattern: `*`, `?` or `[`.
[[nodiscard]] bool is_pattern(std::string_view path);

/// The files, but no folders, whose paths match `pattern`, sorted by their bytes. `*`, `?` and
/// `[a-z]` stand for parts of one name, and names that begin with a dot are found only by patterns
/// that do;
/// `**` stands for any number of folders, without following symbolic links.
[[nodiscard]] std::vector<std::string> files_that_match(const std::string& pattern);

}  // namespace satchel::detail
