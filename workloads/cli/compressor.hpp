// What compress, decompress, test, list and cat have in common, which is nearly all.
#pragma once

#include "compressor_options.hpp"

namespace satchel::cli {

/// Runs the command over all its files; one that fails does not keep the others from being done.
/// Returns the exit code.
int run_compressor(const CommandText& text, Mode mode, const Arguments& arguments);

}  // namespace satchel::cli
