// Messages, masked and written in one piece.
#include "messages.hpp"

#include <cstdio>

#include <fmt/format.h>

namespace satchel::cli {
namespace {

// One call, so that lines of several processes do not mix.
void print(std::string_view text) {
    const auto line = fmt::format("satchel: {}\n", masked(text));
    std::fwrite(line.data(), 1, line.size(), stderr);
}

bool is_control(unsigned char byte) { return byte < 0x20 || byte == 0x7f; }

}  // namespace

std::string masked(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
        // U+0080 to U+009F are control characters as well: two bytes in UTF-8.
        const bool is_c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
        if (is_c1) ++i;
        result += is_c1 || is_control(byte) ? '?' : text[i];
    }
    return result;
}

void Messages::error(std::string_view text) {
    exit_ = Exit::error;
    print(text);
}

void Messages::warning(std::string_view text) {
    if (exit_ == Exit::success) exit_ = Exit::warning;
    if (verbosity_ != Verbosity::quiet) print(text);
}

void Messages::remark(std::string_view text) const {
    if (verbosity_ != Verbosity::quiet) print(text);
}

void Messages::note(std::string_view text) const {
    if (verbosity_ == Verbosity::verbose) print(text);
}

}  // namespace satchel::cli
