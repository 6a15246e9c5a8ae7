// split(): where words and other parts of a text begin and end.
#include <satchel/detail/text_operations.hpp>

#include "bag/byte_blocks.hpp"
#include "bag/find_text.hpp"
#include "bag/split_words.hpp"

#include <cstdint>

namespace satchel::detail {
namespace {

constexpr std::size_t usual_parts = 32;  // room for as many saves most allocations

void add_parts_between(char separator, std::string_view text, ViewList& parts) {
    const char* const text_end = text.data() + text.size();
    const char* begin = text.data();
    const auto find = [separator](const char* block) {
        return separators_in(block, OneByte{separator});
    };
    for_each_block(text, find, [&](const char* block, std::uint64_t separators) {
        auto* part = parts.room(block_size);
        while (separators != 0) {
            const auto* const end = block + take_lowest(separators);
            *part++ = between(begin, end);
            begin = end + 1;
            if (end == text_end) break;
        }
        parts.end(part);
    });
}

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
    static const auto add_words = ways_to_add_words().front();
    add_words(text, parts);
}

std::vector<std::string> SplitBy::operator()(const std::string& text) const {
    return strings_of(*this, text);
}

void SplitBy::add_parts(std::string_view text, ViewList& parts) const {
    if (separator.size() == 1) return add_parts_between(separator.front(), text, parts);
    std::size_t begin = 0;
    for (auto end = find_text(text, separator); end != std::string_view::npos;
         end = find_text(text, separator, begin)) {
        parts.push_back(text.substr(begin, end - begin));
        begin = end + separator.size();
    }
    parts.push_back(text.substr(begin));
}

}  // namespace satchel::detail
