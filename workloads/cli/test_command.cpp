// satchel test: whether FILE.gz is whole and undamaged.
#include "compressor.hpp"

namespace satchel::cli {
namespace {

int run(const Arguments& arguments) {
    return run_compressor(
        {.name = "satchel test",
         .description = "Decompresses each FILE to nowhere, and says where it is damaged.",
         .example = "satchel test -v *.gz"},
        Mode::test, arguments);
}

}  // namespace

const Command test_command{"test", "check compressed files", run};

}  // namespace satchel::cli
