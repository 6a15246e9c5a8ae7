// The spelling of reports.
#include "report.hpp"

#include "messages.hpp"

#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace satchel::cli {
namespace {

// A JSON string. Names may be any bytes, but JSON is UTF-8: what is not becomes U+FFFD, since one
// odd name must not make the report unreadable.
std::string json_string(std::string_view text) {
    using Json = nlohmann::json;
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
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
    std::string line = fmt::format(R"({{"file":{},"action":{},"ok":{})", json_string(report.file),
                                   json_string(report.action), report.error.empty());
    if (report.error.empty()) {
        line += fmt::format(R"(,"format":{},"compressed":{},"uncompressed":{},"ratio":{:.4f},)"
                            R"("streams":{},"seconds":{:.6f})",
                            json_string(report.format), report.compressed, report.uncompressed,
                            ratio(report), report.streams, report.seconds);
    } else {
        line += fmt::format(R"(,"error":{})", json_string(report.error));
    }
    if (!report.check.empty()) line += fmt::format(R"(,"check":{})", json_string(report.check));
    if (!report.output.empty()) line += fmt::format(R"(,"output":{})", json_string(report.output));
    if (!report.warning.empty())
        line += fmt::format(R"(,"warning":{})", json_string(report.warning));
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
