// satchel cat: what is in FILE.gz, or a part of that.
#include "compressor.hpp"

namespace satchel::cli {
namespace {

int run(const Arguments& arguments) {
    return run_compressor(
        {.name = "satchel cat",
         .description =
             "Writes what is compressed in each FILE, or a part of it, to the standard output.",
         .example = "satchel cat --range 1MiB:100 notes.txt.gz"},
        Mode::cat, arguments);
}

}  // namespace

const Command cat_command{"cat", "write what is compressed, or a part of it", run};

}  // namespace satchel::cli
