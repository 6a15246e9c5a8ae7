// Formatting of handles with the width and the alignment that the user asks for.
#pragma once

#include <string_view>

#include <fmt/core.h>

namespace satchel::detail {

/// Base of the formatters of handles, whose format() makes a text and gives it to write().
struct HandleFormatter : fmt::formatter<std::string_view> {
  protected:
    fmt::appender write(std::string_view text, fmt::format_context& context) const;
};

}  // namespace satchel::detail
