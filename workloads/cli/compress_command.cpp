// satchel compress: FILE becomes FILE.gz, compressed on all processors.
#include "compressor.hpp"

namespace satchel::cli {
namespace {

int run(const Arguments& arguments) {
    return run_compressor(
        {.name = "satchel compress",
         .description = "Compresses each FILE to FILE.gz (.zz, .bz2, .xz, .zst) in parallel and "
                        "removes it. The result is one\n"
                        "valid stream that gzip, zlib, bzip2 and xz read.",
         .example = "satchel compress -k -9 notes.txt"},
        Mode::compress, arguments);
}

}  // namespace

const Command compress_command{"compress", "compress files, on all processors", run};

}  // namespace satchel::cli
