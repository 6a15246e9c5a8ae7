// What came of a file, as a line for people or for programs.
#pragma once

#include <cstdint>
#include <string>

namespace satchel::cli {

struct Report {
    std::string file{};
    std::string action{};  ///< "compress", …
    std::string format{};  ///< empty: not known
    std::string output{};  ///< empty: none
    std::int64_t compressed = 0;
    std::int64_t uncompressed = 0;
    std::uint64_t streams = 0;
    std::string check{};  ///< what the data is checked by; empty: not known
    double seconds = 0;
    std::string warning{};
    std::string error{};
};

/// One line of JSON, without its end.
[[nodiscard]] std::string json_of(const Report& report);

/// A line of `list`, as gzip's; and what stands above the lines.
[[nodiscard]] std::string list_line_of(const Report& report);
[[nodiscard]] std::string list_heading();

}  // namespace satchel::cli
