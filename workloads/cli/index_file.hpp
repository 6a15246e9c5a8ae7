// FILE.gz.idx: the index of FILE.gz, beside it.
#pragma once

#include <satchel/tasks/file.hpp>
#include <satchel/tasks/seek.hpp>

#include "run_files.hpp"

#include <optional>
#include <string>

namespace satchel::cli {

/// What the index of `file` is called.
[[nodiscard]] std::string index_name(const std::string& file);

/// The index of `source`; nothing if there is none. Throws FileError; CorruptData if it is damaged
/// or that of another file; OverMemoryLimit, before reading it, if it is larger than any.
[[nodiscard]] std::optional<SeekTable> read_index(const InputFile& source);

/// Throws Refusal if what lies where the index of `file` is to be is none and may not be replaced.
void refuse_foreign_index(const std::string& file, bool force);

/// Removes the index of a `file` that is not there any more, or has become another one, but none of
/// the run's `files`.
void remove_index(const std::string& file, RunFiles& files) noexcept;

/// Writes the index of `source`, in place of an older one, for those who may read `source`; returns
/// false, and does not, if it would be larger than any that is read. Throws as
/// refuse_foreign_index() does.
[[nodiscard]] bool write_index(const InputFile& source, const SeekTable& table, const Codec& codec,
                               bool force);

}  // namespace satchel::cli
