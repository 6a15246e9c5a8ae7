// Which files a command is about: those that are named, those of a list, those inside of folders.
#pragma once

#include "compressor_options.hpp"
#include "messages.hpp"

#include <string>
#include <vector>

namespace satchel::cli {

/// The files, in the order of the arguments, and inside of folders by name. A folder that cannot be
/// read is an error, which is reported; so is a missing list.
[[nodiscard]] std::vector<std::string> file_list(const CompressorOptions& options,
                                                 Messages& messages);

/// Which file `file` stands for: who wants to see what was compressed may name the original, as
/// with gzip. Goes by what is there now, for the run itself makes files and removes them.
[[nodiscard]] std::string existing_name(const std::string& file, const CompressorOptions& options);

}  // namespace satchel::cli
