// Log lines on stderr.
#include <satchel/log.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace satchel {
namespace detail {

std::string masked(std::string_view text) {
    const auto is_control = [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; };
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
        // U+0080 to U+009F are control characters as well: two bytes in UTF-8.
        const bool is_c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
        if (is_c1) ++i;
        result += is_c1 || is_control(byte) ? '?' : text[i];
    }
    return result;
}

}  // namespace detail

namespace {

std::atomic<LogSink> log_sink = nullptr;

}  // namespace

void set_log_sink(LogSink sink) noexcept { log_sink = sink; }

void log_warning(std::string_view part, std::string_view message) {
    if (const auto sink = log_sink.load()) return sink(part, message);
    using namespace std::chrono;
    const auto now = system_clock::now();
    const auto milliseconds_of_second =
        duration_cast<milliseconds>(now.time_since_epoch()).count() % 1000;
    const auto line = fmt::format("{:%Y-%m-%d %H:%M:%S},{:03} - satchel.{} - WARNING - {}\n",
                                  fmt::localtime(system_clock::to_time_t(now)),
                                  milliseconds_of_second, part, detail::masked(message));
    // One call, so that lines of several threads do not mix.
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace satchel
