// What compressed and decompressed files are called.
#pragma once

#include <satchel/tasks/codec.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace satchel {

/// Whether a file of this name has one of the format's suffixes already.
[[nodiscard]] bool has_suffix(std::string_view name, const Codec& codec);

/// "notes.txt" -> "notes.txt.gz".
[[nodiscard]] std::string compressed_name(std::string_view name, const Codec& codec);

/// "notes.txt.gz" -> "notes.txt", "src.tgz" -> "src.tar"; nothing where the name does not tell, as
/// of "notes" or ".gz".
[[nodiscard]] std::optional<std::string> decompressed_name(std::string_view name);

}  // namespace satchel
