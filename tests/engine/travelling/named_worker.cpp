// A program that knows nothing of the tasks that it serves, but for the library it is linked to.
#include <satchel/task.hpp>

#include "engine/child_process.hpp"

#include <unistd.h>

int main() {
    satchel::detail::name_engine_parts();
    satchel::testing::serve_calls({STDIN_FILENO, STDOUT_FILENO});
}
