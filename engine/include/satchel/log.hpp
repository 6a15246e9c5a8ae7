/// Log lines: `2026-01-31 12:00:00,123 - satchel.bag - WARNING - message`, on stderr, or wherever a
/// program wants them:
///
///     satchel::set_log_sink([](std::string_view part, std::string_view message) {
///         my_log.warn("{}: {}", part, message);
///     });
#pragma once

#include <string>
#include <string_view>

namespace satchel {

/// Writes one line for the part of satchel named `part` ("bag", "scheduler"). Control characters in
/// the message, which could command the terminal or begin another line, are replaced by '?'.
/// Thread-safe.
void log_warning(std::string_view part, std::string_view message);

/// Takes what is logged, in the thread that logs it; it must not throw.
using LogSink = void (*)(std::string_view part, std::string_view message);

/// From now on warnings go to `sink` as they are, control characters included, and not to stderr;
/// to stderr again if it is null. Thread-safe. Those of worker processes go to the stderr of these.
void set_log_sink(LogSink sink) noexcept;

namespace detail {
/// The text with a '?' for each control character.
[[nodiscard]] std::string masked(std::string_view text);
}  // namespace detail

}  // namespace satchel
