// Texts, and Python's split.
#include "tasks/text_support.hpp"

#include "tasks/test_support.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace satchel::testing {

std::vector<std::string> split_by_python(const std::string& text, const std::string& delimiter) {
    std::string hex;
    for (const char c : delimiter) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    // The sizes of the parts, one a line.
    const auto command = fmt::format(
        "python3 -c \"import sys; d = bytes.fromhex('{}'); p = sys.stdin.buffer.read().split(d); "
        "s = [len(x) + len(d) for x in p[:-1]] + [len(p[-1])] * (p[-1] != b''); "
        "print(*s, sep='\\n')\"",
        hex);
    const Bytes sizes = piped(std::as_bytes(std::span(text)), command);
    std::vector<std::string> parts;
    std::size_t at = 0;
    std::size_t size = 0;
    for (const char c : sizes.text()) {
        if (c != '\n') {
            size = size * 10 + static_cast<std::size_t>(c - '0');
        } else if (size != 0) {
            parts.push_back(text.substr(at, size));
            at += size;
            size = 0;
        }
    }
    if (at != text.size()) throw std::runtime_error("Python has split something else");
    return parts;
}

std::string some_lines(std::size_t size, std::uint64_t seed) {
    std::string text;
    std::uint64_t state = seed;
    const auto random = [&](std::uint64_t below) {
        state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        return (state >> 33) % below;
    };
    while (text.size() < size) {
        const auto kind = random(100);
        const auto length = kind < 10 ? 0 : kind < 99 ? random(120) : random(5000);
        for (std::uint64_t k = 0; k < length; ++k) text += static_cast<char>('a' + random(26));
        text += random(4) == 0 ? "\r\n" : "\n";
    }
    return text + "the end";
}

std::string error_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "nothing was thrown";
}

}  // namespace satchel::testing
