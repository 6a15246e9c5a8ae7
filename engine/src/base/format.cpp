// Formatting of handles. Here, because users of the headers need not compile all of {fmt}.
#include <satchel/detail/format.hpp>

#include <fmt/format.h>

namespace satchel::detail {

fmt::appender HandleFormatter::write(std::string_view text, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(text, context);
}

}  // namespace satchel::detail
