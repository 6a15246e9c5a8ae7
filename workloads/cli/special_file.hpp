// Names that --output takes and that are no files: pipes, devices, and descriptors of the process.
#pragma once

#include <string>

namespace satchel::cli {

/// Whether `name` is, or leads by links to, the standard output of this process, whatever that is:
/// /dev/stdout, /dev/fd/1, /proc/self/fd/1.
[[nodiscard]] bool is_standard_output(const std::string& name);

/// Whether what is written to `name` goes on at once, and no file is to appear there: a pipe, a
/// device that takes characters, another descriptor of this process. Not a device of blocks, which
/// holds a file system.
[[nodiscard]] bool takes_data_as_it_comes(const std::string& name);

}  // namespace satchel::cli
