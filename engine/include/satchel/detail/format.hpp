// Formatting of handles with the width and the alignment that the user asks for.
#pragma once

#include <cstdint>
#include <string_view>

#include <fmt/core.h>

namespace satchel::detail {

/// Base of the formatters of handles, whose format() gives what they show to one of these.
struct HandleFormatter : fmt::formatter<std::string_view> {
  protected:
    fmt::appender write(std::string_view text, fmt::format_context& context) const;
    fmt::appender write_bag(std::string_view name, std::int64_t npartitions,
                            fmt::format_context& context) const;
    fmt::appender write_delayed(std::string_view key, fmt::format_context& context) const;
};

}  // namespace satchel::detail
