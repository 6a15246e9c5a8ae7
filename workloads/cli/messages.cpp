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

}  // namespace

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
