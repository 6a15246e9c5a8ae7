// Parsing and printing of sizes and times. The texts are those of Dask, which users know.
#include <satchel/error.hpp>
#include <satchel/units.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace satchel {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw InvalidArgument(fmt::format(
        "cannot read '{}' as a size: {}; write a number and a unit, as in 10MB or 1.5GiB", text,
        why));
}

[[noreturn]] void refuse_time(std::string_view text, std::string_view why) {
    throw InvalidArgument(fmt::format(
        "cannot read '{}' as a time: {}; write a number and a unit, as in 300ms or 1.5 hours", text,
        why));
}

struct Unit {
    std::string_view name;
    std::int64_t bytes;
};

constexpr std::int64_t one = 1;
constexpr std::array<Unit, 11> units{{{"", 1},
                                      {"k", 1'000},
                                      {"m", 1'000'000},
                                      {"g", 1'000'000'000},
                                      {"t", 1'000'000'000'000},
                                      {"p", 1'000'000'000'000'000},
                                      {"ki", one << 10},
                                      {"mi", one << 20},
                                      {"gi", one << 30},
                                      {"ti", one << 40},
                                      {"pi", one << 50}}};

struct TimeUnit {
    std::string_view name;
    double seconds;
};

// With or without a plural s.
constexpr std::array<TimeUnit, 18> time_units{{{"", 1},
                                               {"s", 1},
                                               {"sec", 1},
                                               {"second", 1},
                                               {"ms", 1e-3},
                                               {"millisecond", 1e-3},
                                               {"us", 1e-6},
                                               {"microsecond", 1e-6},
                                               {"ns", 1e-9},
                                               {"nanosecond", 1e-9},
                                               {"m", 60},
                                               {"min", 60},
                                               {"minute", 60},
                                               {"h", 3600},
                                               {"hr", 3600},
                                               {"hour", 3600},
                                               {"d", 86400},
                                               {"day", 86400}}};

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower;
}

std::int64_t bytes_of_unit(std::string_view unit, std::string_view text) {
    auto lower = lower_case(unit);
    if (!lower.empty() && lower.back() == 'b') lower.pop_back();
    const auto* found = std::ranges::find(units, lower, &Unit::name);
    if (found == units.end()) refuse(text, fmt::format("the unit '{}' is unknown", unit));
    return found->bytes;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

// The whole of `digits` as a number, or nothing.
template <class Number>
std::optional<Number> number_from(std::string_view digits) {
    Number number{};
    const auto* last = digits.data() + digits.size();
    const auto [end, status] = std::from_chars(digits.data(), last, number);
    if (status != std::errc{} || end != last) return std::nullopt;
    return number;
}

}  // namespace

std::int64_t parse_bytes(std::string_view text) {
    const auto rest = trimmed(text);
    if (rest.starts_with('-')) refuse(text, "it is negative");
    const auto digits = rest.substr(0, rest.find_first_not_of("0123456789."));
    const auto fraction = number_from<double>(digits);
    if (!fraction) refuse(text, "it does not begin with a number");
    const auto unit = bytes_of_unit(trimmed(rest.substr(digits.size())), text);

    // Whole numbers are exact; a double would round them from 2^53 on.
    if (digits.find('.') == std::string_view::npos) {
        const auto whole = number_from<std::int64_t>(digits);
        if (!whole || *whole > std::numeric_limits<std::int64_t>::max() / unit) {
            refuse(text, "it is too large");
        }
        return *whole * unit;
    }
    const double bytes = *fraction * static_cast<double>(unit);
    if (bytes >= 0x1p63) refuse(text, "it is too large");
    return std::llround(bytes);
}

double parse_duration(std::string_view text) {
    const auto rest = trimmed(text);
    if (rest.starts_with('-')) refuse_time(text, "it is negative");
    const auto digits = rest.substr(0, rest.find_first_not_of("0123456789."));
    const auto number = number_from<double>(digits);
    if (!number) refuse_time(text, "it does not begin with a number");
    const auto unit = lower_case(trimmed(rest.substr(digits.size())));
    const auto* found = std::ranges::find(time_units, unit, &TimeUnit::name);
    if (found == time_units.end() && unit.ends_with('s')) {
        found = std::ranges::find(time_units, unit.substr(0, unit.size() - 1), &TimeUnit::name);
    }
    if (found == time_units.end()) refuse_time(text, fmt::format("the unit '{}' is unknown", unit));
    return *number * found->seconds;
}

std::string format_bytes(std::uint64_t bytes) {
    constexpr std::array prefixes{"", "ki", "Mi", "Gi", "Ti", "Pi"};
    auto scaled = static_cast<double>(bytes);
    std::size_t prefix = 0;
    // As Dask does, a unit is left for the next one at 90 % of it: 0.90 kiB rather than 922 B.
    while (scaled >= 1024 * 0.9 && prefix + 1 < prefixes.size()) {
        scaled /= 1024;
        ++prefix;
    }
    if (prefix == 0) return fmt::format("{} B", bytes);
    return fmt::format("{:.2f} {}B", scaled, prefixes[prefix]);
}

std::string format_duration(double seconds) {
    constexpr double minute = 60;
    constexpr double hour = 60 * minute;
    constexpr double day = 24 * hour;
    // Two units, the smaller one cut off, not rounded: "1d 24hr" would be wrong.
    const auto in_two = [&](double large, const char* large_name, double small,
                            const char* small_name) {
        return fmt::format("{:.0f}{} {:.0f}{}", std::floor(seconds / large), large_name,
                           std::floor(std::fmod(seconds, large) / small), small_name);
    };
    if (seconds >= 2 * day) return in_two(day, "d", hour, "hr");
    if (seconds >= 2 * hour) return in_two(hour, "hr", minute, "m");
    if (seconds >= 10 * minute) return in_two(minute, "m", 1, "s");
    if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
    if (seconds >= 1e-3) return fmt::format("{:.2f} ms", seconds * 1e3);
    return fmt::format("{:.2f} us", seconds * 1e6);
}

}  // namespace satchel
