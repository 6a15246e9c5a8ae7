// Parsing and printing of sizes and times. The texts are those of Dask, which users know.
#include <satchel/error.hpp>
#include <satchel/units.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace satchel {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw InvalidArgument(fmt::format(
        "cannot read '{}' as a size: {}; write a number and a unit, as in 10MB or 1.5GiB", text,
        why));
}

constexpr std::array<std::pair<std::string_view, double>, 11> units{{{"", 1},
                                                                     {"k", 1e3},
                                                                     {"m", 1e6},
                                                                     {"g", 1e9},
                                                                     {"t", 1e12},
                                                                     {"p", 1e15},
                                                                     {"ki", 0x1p10},
                                                                     {"mi", 0x1p20},
                                                                     {"gi", 0x1p30},
                                                                     {"ti", 0x1p40},
                                                                     {"pi", 0x1p50}}};

double factor_of(std::string_view unit, std::string_view text) {
    std::string lower(unit);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!lower.empty() && lower.back() == 'b') lower.pop_back();
    const auto* found = std::ranges::find(units, lower, &decltype(units)::value_type::first);
    if (found == units.end()) refuse(text, fmt::format("the unit '{}' is unknown", unit));
    return found->second;
}

}  // namespace

std::int64_t parse_bytes(std::string_view text) {
    auto rest = text;
    const auto trim = [&] {
        while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
        while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
    };
    trim();
    double number = 0;
    const auto [end, status] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (status != std::errc{}) refuse(text, "it does not begin with a number");
    if (number < 0) refuse(text, "it is negative");
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    trim();
    const double bytes = number * factor_of(rest, text);
    if (!(bytes < 0x1p63)) refuse(text, "it is too large");
    return static_cast<std::int64_t>(std::llround(bytes));
}

std::string format_bytes(std::uint64_t bytes) {
    constexpr std::array prefixes{"", "ki", "Mi", "Gi", "Ti", "Pi"};
    if (bytes < 1000) return fmt::format("{} B", bytes);
    auto scaled = static_cast<double>(bytes);
    std::size_t prefix = 0;
    // As Dask does, a unit is left for the next one at 90 % of it: 0.90 kiB rather than 922 B.
    while (scaled >= 1024 * 0.9 && prefix + 1 < prefixes.size()) {
        scaled /= 1024;
        ++prefix;
    }
    return fmt::format("{:.2f} {}B", scaled, prefixes[prefix]);
}

std::string format_duration(double seconds) {
    if (seconds >= 2 * 86400) {
        const auto days = static_cast<std::int64_t>(seconds / 86400);
        const auto hours =
            static_cast<std::int64_t>((seconds - static_cast<double>(days) * 86400) / 3600);
        return fmt::format("{}d {}hr", days, hours);
    }
    if (seconds >= 2 * 3600) {
        const auto hours = static_cast<std::int64_t>(seconds / 3600);
        const auto minutes =
            static_cast<std::int64_t>((seconds - static_cast<double>(hours) * 3600) / 60);
        return fmt::format("{}hr {}m", hours, minutes);
    }
    if (seconds >= 10 * 60) {
        const auto minutes = static_cast<std::int64_t>(seconds / 60);
        return fmt::format("{}m {}s", minutes,
                           static_cast<std::int64_t>(seconds - static_cast<double>(minutes) * 60));
    }
    if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
    if (seconds >= 1e-3) return fmt::format("{:.2f} ms", seconds * 1e3);
    return fmt::format("{:.2f} us", seconds * 1e6);
}

}  // namespace satchel
