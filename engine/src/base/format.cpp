// Formatting of handles. Here, because users of the headers need not compile all of {fmt}.
#include <satchel/detail/format.hpp>

#include <fmt/format.h>

namespace satchel::detail {

fmt::appender HandleFormatter::write(std::string_view text, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(text, context);
}

fmt::appender HandleFormatter::write_bag(std::string_view name, std::int64_t npartitions,
                                         fmt::format_context& context) const {
    return write(fmt::format("satchel.bag<{}, npartitions={}>", name, npartitions), context);
}

fmt::appender HandleFormatter::write_delayed(std::string_view key,
                                             fmt::format_context& context) const {
    return write(fmt::format("Delayed('{}')", key), context);
}

}  // namespace satchel::detail
