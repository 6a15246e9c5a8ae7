// The spelling of reports.
#include "report.hpp"

#include "messages.hpp"

#include <string_view>

#include <fmt/format.h>

namespace satchel::cli {
namespace {

// A JSON string. What is not ASCII passes as it is: names are UTF-8 where people can read them.
std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            result += '\\';
            result += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            result += c;
        }
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
    if (!report.output.empty()) line += fmt::format(R"(,"output":{})", quoted(report.output));
    if (!report.warning.empty()) line += fmt::format(R"(,"warning":{})", quoted(report.warning));
    return line + "}";
}

std::string list_heading() {
    return fmt::format("{:>19} {:>19} {:>6} {:>7} {:<6} {}\n", "compressed", "uncompressed",
                       "ratio", "streams", "format", "name");
}

std::string list_line_of(const Report& report) {
    return fmt::format("{:>19} {:>19} {:>5.1f}% {:>7} {:<6} {}\n", report.compressed,
                       report.uncompressed, saved_percent(report), report.streams, report.format,
                       masked(report.output));
}

}  // namespace satchel::cli
