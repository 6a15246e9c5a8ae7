// Drawing and wiping of the progress line.
#include "progress_line.hpp"

#include <satchel/detail/signals_blocked.hpp>
#include <satchel/progress.hpp>
#include <satchel/units.hpp>

#include "messages.hpp"
#include "signals.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

constexpr std::chrono::milliseconds redraw_interval{100};

constexpr const char* wipe = "\r\033[K";  // to the line's start, and clear what stood there

std::string how_far(const ProgressState& state) {
    if (state.total == 0) return format_bytes(static_cast<std::uint64_t>(state.input));
    return satchel::progress_text(static_cast<double>(state.input) /
                                  static_cast<double>(state.total));
}

// What is left, if it goes on like this; nothing in the first second, when nobody can know.
std::string how_long(const ProgressState& state) {
    if (state.input == 0 || state.input >= state.total || state.seconds < 1) return {};
    const auto left = static_cast<double>(state.total - state.input);
    return fmt::format(" | {} left",
                       format_duration(state.seconds * left / static_cast<double>(state.input)));
}

}  // namespace

std::string progress_text(const ProgressState& state) {
    const auto speed = static_cast<double>(state.processed) / std::max(state.seconds, 1e-6);
    return fmt::format("{} | {} | {}/s{}", how_far(state), format_duration(state.seconds),
                       format_bytes(static_cast<std::uint64_t>(speed)), how_long(state));
}

bool can_show_progress() {
    const char* const terminal = std::getenv("TERM");
    const bool can_move = terminal == nullptr || std::string_view(terminal) != "dumb";
    return can_move && ::isatty(STDERR_FILENO) == 1;
}

ProgressLine::ProgressLine(std::int64_t total) : total_(total) {
    const detail::SignalsBlocked blocked;
    set_line_open(true);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ProgressLine::~ProgressLine() {
    if (finished_) return;
    stop_drawing();
    tell(wipe);
}

void ProgressLine::update(std::int64_t input, std::int64_t processed) noexcept {
    input_ = input;
    processed_ = processed;
}

void ProgressLine::finish() {
    stop_drawing();
    draw("\n");
    finished_ = true;
}

void ProgressLine::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        draw("");
        stopped_.wait_for(lock, stop, redraw_interval, [] { return false; });
    }
}

void ProgressLine::draw(const char* ending) {
    const std::chrono::duration<double> elapsed = Clock::now() - start_;
    tell(wipe +
         progress_text({.total = total_,
                        .input = input_,
                        .processed = processed_,
                        .seconds = elapsed.count()}) +
         ending);
}

void ProgressLine::stop_drawing() {
    thread_.request_stop();
    thread_.join();
    set_line_open(false);
}

}  // namespace satchel::cli
