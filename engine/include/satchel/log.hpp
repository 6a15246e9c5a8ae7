/// Log lines: `2026-01-31 12:00:00,123 - satchel.bag - WARNING - message`, on stderr.
#pragma once

#include <string_view>

namespace satchel {

/// Writes one line for the part of satchel named `part` ("bag", "scheduler"). Thread-safe.
void log_warning(std::string_view part, std::string_view message);

}  // namespace satchel
