// satchel decompress: FILE.gz becomes FILE again.
#include "compressor.hpp"

namespace satchel::cli {
namespace {

int run(const Arguments& arguments) {
    return run_compressor(
        {.name = "satchel decompress",
         .description = "Decompresses each FILE, in whichever of the formats it is, to a file "
                        "without the suffix,\nand removes it.",
         .example = "satchel decompress notes.txt.gz"},
        Mode::decompress, arguments);
}

}  // namespace

const Command decompress_command{"decompress", "decompress files of any of the formats", run};

}  // namespace satchel::cli
