// The file that a result is made from: whether it may be read, and when it may be removed.
#pragma once

#include <satchel/error.hpp>
#include <satchel/tasks/file.hpp>

#include "compressor_options.hpp"

#include <optional>
#include <string>

namespace satchel::cli {

/// Something that is not done without being told more emphatically.
class Refusal : public Error {
  public:
    using Error::Error;
};

/// What is called `name`; nothing if nothing is.
[[nodiscard]] std::optional<FileStatus> status_if_exists(const std::string& name,
                                                         Symlinks symlinks);

/// Opens the file, or the standard input for "-". Throws Refusal for what would lose a link or a
/// name if the result took its place; FileError for what cannot be read.
[[nodiscard]] InputFile open_source(const std::string& file, const CompressorOptions& options);

/// Throws Refusal if `target` is the source itself: what is written there would be read on and on.
void refuse_same_file(const InputFile& source, const FileStatus& target);

/// Whether the result takes the source's place, so that the source goes.
[[nodiscard]] bool is_to_be_removed(const std::string& file, const InputFile& source,
                                    const CompressorOptions& options);

/// Removes the file; returns false, and does not, if its name no longer stands for what was read.
[[nodiscard]] bool remove_source(const std::string& file, const InputFile& source);

}  // namespace satchel::cli
