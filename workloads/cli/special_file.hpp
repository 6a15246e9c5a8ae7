// Names that --output takes and that are no files: pipes, devices, and descriptors of the process.
#pragma once

#include <cstdio>
#include <string>

namespace satchel::cli {

/// Whether `name` is, or leads by links to, the standard output of this process, whatever that is:
/// /dev/stdout, /dev/fd/1, /proc/self/fd/1.
[[nodiscard]] bool is_standard_output(const std::string& name);

/// Whether what is written to `name` goes on at once, and no file is to appear there: a pipe, a
/// device that takes characters, another descriptor of this process. Not a device of blocks, which
/// holds a file system.
[[nodiscard]] bool takes_data_as_it_comes(const std::string& name);

/// Opens such a name for writing; null, and errno, if that cannot be. A descriptor is written to
/// from where it stands: opening the file behind it would empty that, and it may be the source.
[[nodiscard]] std::FILE* open_special(const std::string& name);

}  // namespace satchel::cli
