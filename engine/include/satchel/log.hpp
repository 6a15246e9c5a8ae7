/// Log lines: `2026-01-31 12:00:00,123 - satchel.bag - WARNING - message`, on stderr.
#pragma once

#include <string>
#include <string_view>

namespace satchel {

/// Writes one line for the part of satchel named `part` ("bag", "scheduler"). Control characters in
/// the message, which could command the terminal or begin another line, are replaced by '?'.
/// Thread-safe.
void log_warning(std::string_view part, std::string_view message);

namespace detail {
/// The text with a '?' for each control character.
[[nodiscard]] std::string masked(std::string_view text);
}  // namespace detail

}  // namespace satchel
