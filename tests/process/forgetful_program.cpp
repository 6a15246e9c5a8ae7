// A program that starts workers of itself and forgets satchel::init: it must get an error, and not
// start ever more processes. Appends a byte to the file that FORGETFUL_COUNT names each time it
// runs.
#include "process/nanny.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

using namespace satchel::process;

int main() {
    const int file = ::open(std::getenv("FORGETFUL_COUNT"), O_WRONLY | O_APPEND);
    if (::write(file, "x", 1) != 1) return 9;
    try {
        satchel::net::EventLoop loop;
        std::promise<std::string> failed;
        Nanny nanny(loop, {.passes_log_on = false},
                    {.failed = [&](const std::string& why) { failed.set_value(why); }});
        loop.call([&] { nanny.start(); });
        fmt::print("{}\n", failed.get_future().get());
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
    return 0;
}
