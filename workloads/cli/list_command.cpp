// satchel list: how large FILE.gz is, and what is in it.
#include "compressor.hpp"

namespace satchel::cli {
namespace {

int run(const Arguments& arguments) {
    return run_compressor(
        {.name = "satchel list",
         .description =
             "Decompresses each FILE to nowhere, and shows its sizes: those of all its streams\n"
             "together, counted and not believed; and what the first of them is checked by.",
         .example = "satchel list *.gz"},
        Mode::list, arguments);
}

}  // namespace

const Command list_command{"list", "show the sizes of compressed files", run};

}  // namespace satchel::cli
