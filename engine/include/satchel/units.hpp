/// Sizes and times as people write them.
///
///     using namespace satchel::literals;
///     auto limit = 4_GB;                                  // 4 000 000 000
///     satchel::parse_bytes("10MB")   == 10'000'000
///     satchel::format_bytes(1240)    == "1.21 kiB"
///     satchel::format_duration(0.05) == "50.00 ms"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace satchel {

/// A number of bytes from "123", "10MB" (10^7), "10MiB" (10 * 2^20), "4 GB", "1.5k"; case does not
/// matter. Throws InvalidArgument that quotes the text if it is no such size or exceeds 2^63 - 1.
[[nodiscard]] std::int64_t parse_bytes(std::string_view text);

/// `bytes` in binary units with two decimals: "12 B", "1.21 kiB", "4.00 GiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

/// `seconds` with a unit that fits: "422.29 us", "50.79 ms", "10.40 s", "20m 34s", "3hr 5m".
[[nodiscard]] std::string format_duration(double seconds);

/// Seconds from "300 ms", "5s", "10 min", "1.5 hours", "2d"; a number alone is seconds; case does
/// not matter. Throws InvalidArgument that quotes the text if it is no such time.
[[nodiscard]] double parse_duration(std::string_view text);

namespace literals {
// NOLINTBEGIN(google-runtime-int): the language fixes the parameter's type
constexpr std::int64_t operator""_kB(unsigned long long n) {
    return static_cast<std::int64_t>(n) * 1'000;
}
constexpr std::int64_t operator""_MB(unsigned long long n) {
    return static_cast<std::int64_t>(n) * 1'000'000;
}
constexpr std::int64_t operator""_GB(unsigned long long n) {
    return static_cast<std::int64_t>(n) * 1'000'000'000;
}
constexpr std::int64_t operator""_kiB(unsigned long long n) {
    return static_cast<std::int64_t>(n) * (1 << 10);
}
constexpr std::int64_t operator""_KiB(unsigned long long n) {
    return static_cast<std::int64_t>(n) * (1 << 10);
}
constexpr std::int64_t operator""_MiB(unsigned long long n) {
    return static_cast<std::int64_t>(n) * (1 << 20);
}
constexpr std::int64_t operator""_GiB(unsigned long long n) {
    return static_cast<std::int64_t>(n) * (1 << 30);
}
// NOLINTEND(google-runtime-int)
}  // namespace literals

}  // namespace satchel
