// Log lines on stderr.
#include <satchel/log.hpp>

#include <chrono>
#include <cstdio>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace satchel {

void log_warning(std::string_view part, std::string_view message) {
    using namespace std::chrono;
    const auto now = system_clock::now();
    const auto milliseconds_of_second =
        duration_cast<milliseconds>(now.time_since_epoch()).count() % 1000;
    const auto line = fmt::format("{:%Y-%m-%d %H:%M:%S},{:03} - satchel.{} - WARNING - {}\n",
                                  fmt::localtime(system_clock::to_time_t(now)),
                                  milliseconds_of_second, part, message);
    // One call, so that lines of several threads do not mix.
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace satchel
