// The spelling of reports.
#include "report.hpp"

#include "messages.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

namespace satchel::cli {
namespace {

// How many bytes the UTF-8 character has that `text` begins with; 0 if that is none.
std::size_t character_size(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const auto second = text.size() > 1 ? static_cast<unsigned char>(text[1]) : 0U;
    const std::size_t size = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
    if (size > text.size()) return 0;
    for (const char c : text.substr(1, size == 0 ? 0 : size - 1)) {
        if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80) return 0;
    }
    const bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool is_surrogate = first == 0xed && second >= 0xa0;
    const bool is_too_large = first == 0xf4 && second >= 0x90;
    return is_overlong || is_surrogate || is_too_large ? 0 : size;
}

// A JSON string. Names may be any bytes, but JSON is UTF-8: what is not becomes U+FFFD, byte by
// byte, since one odd name must not make the report unreadable.
std::string quoted(std::string_view text) {
    std::string result = "\"";
    while (!text.empty()) {
        const char c = text[0];
        const auto size = character_size(text);
        if (c == '"' || c == '\\') {
            result += '\\';
            result += c;
        } else if (size == 0) {
            result += "\\ufffd";
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            result += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return result + '"';
}

double ratio(const Report& report) {
    return report.compressed == 0
               ? 0
               : static_cast<double>(report.uncompressed) / static_cast<double>(report.compressed);
}

// The share that was saved, as gzip shows it.
double saved_percent(const Report& report) {
    if (report.uncompressed == 0) return 0;
    return 100 -
           100 * static_cast<double>(report.compressed) / static_cast<double>(report.uncompressed);
}

}  // namespace

std::string json_of(const Report& report) {
    std::string line = fmt::format(R"({{"file":{},"action":{},"ok":{})", quoted(report.file),
                                   quoted(report.action), report.error.empty());
    if (report.error.empty()) {
        line += fmt::format(R"(,"format":{},"compressed":{},"uncompressed":{},"ratio":{:.4f},)"
                            R"("streams":{},"seconds":{:.6f})",
                            quoted(report.format), report.compressed, report.uncompressed,
                            ratio(report), report.streams, report.seconds);
    } else {
        line += fmt::format(R"(,"error":{})", quoted(report.error));
    }
    if (!report.check.empty()) line += fmt::format(R"(,"check":{})", quoted(report.check));
    if (!report.output.empty()) line += fmt::format(R"(,"output":{})", quoted(report.output));
    if (!report.warning.empty()) line += fmt::format(R"(,"warning":{})", quoted(report.warning));
    return line + "}";
}

std::string list_heading() {
    return fmt::format("{:>19} {:>19} {:>6} {:>7} {:<6} {:<7} {}\n", "compressed", "uncompressed",
                       "ratio", "streams", "format", "check", "name");
}

std::string list_line_of(const Report& report) {
    return fmt::format("{:>19} {:>19} {:>5.1f}% {:>7} {:<6} {:<7} {}\n", report.compressed,
                       report.uncompressed, saved_percent(report), report.streams, report.format,
                       report.check, masked(report.output));
}

}  // namespace satchel::cli
