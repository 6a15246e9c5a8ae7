// Where the parts of a text begin and end.
#pragma once

#include <satchel/detail/view_stream.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace satchel::detail {

/// One way to find parts. What is added are views of the text.
struct TextScan {
    /// Adds what lies between white space.
    void (*add_words)(std::string_view text, ViewList& words);

    /// Adds the parts that end with `end`, with it or without, until there are `max` parts or a few
    /// more; gives the number of bytes up to the end of the last.
    std::size_t (*add_parts)(std::string_view text, char end, bool with_end, std::size_t max,
                             ViewList& parts);
};

/// The ways that this processor can go, the fastest first. All find the same.
const std::vector<TextScan>& text_scans();

inline const TextScan& fastest_text_scan() {
    static const TextScan& fastest = text_scans().front();
    return fastest;
}

}  // namespace satchel::detail
