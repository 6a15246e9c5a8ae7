// split(): where words and other parts of a text begin and end.
#include <satchel/detail/text_operations.hpp>

#include "bag/find_text.hpp"
#include "bag/scan_text.hpp"

#include <cstdint>

namespace satchel::detail {
namespace {

constexpr std::size_t usual_parts = 32;  // room for as many saves most allocations

template <class Split>
std::vector<std::string> strings_of(const Split& split, std::string_view text) {
    ViewList views;
    (void)views.room(usual_parts);
    split.add_parts(text, views);
    return {views.data(), views.data() + views.size()};
}

}  // namespace

std::vector<std::string> SplitWords::operator()(const std::string& text) const {
    return strings_of(*this, text);
}

void SplitWords::add_parts(std::string_view text, ViewList& parts) const {
    fastest_text_scan().add_words(text, parts);
}

std::vector<std::string> SplitBy::operator()(const std::string& text) const {
    return strings_of(*this, text);
}

void SplitBy::add_parts(std::string_view text, ViewList& parts) const {
    std::size_t begin = 0;
    if (separator.size() == 1) {
        begin = fastest_text_scan().add_parts(text, separator.front(), false, SIZE_MAX, parts);
    } else {
        for (auto end = find_text(text, separator); end != std::string_view::npos;
             end = find_text(text, separator, begin)) {
            parts.push_back(text.substr(begin, end - begin));
            begin = end + separator.size();
        }
    }
    parts.push_back(text.substr(begin));
}

std::size_t add_lines(std::string_view text, char delimiter, std::size_t max, ViewList& lines) {
    return fastest_text_scan().add_parts(text, delimiter, true, max, lines);
}

}  // namespace satchel::detail
