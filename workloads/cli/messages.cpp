// Messages, masked and written in one piece.
#include "messages.hpp"

#include <cstdio>

#include <fmt/format.h>

namespace satchel::cli {
namespace {

void print(std::string_view text) { tell(fmt::format("satchel: {}\n", masked(text))); }

}  // namespace

// One call, so that lines of several processes do not mix.
void tell(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

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
