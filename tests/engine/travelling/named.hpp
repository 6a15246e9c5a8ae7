// Tasks with names, which programs of different builds exchange.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct Twice {
    std::int64_t operator()(std::int64_t x) const;
};
struct LongerThan {
    std::uint64_t size = 0;
    bool operator()(const std::string& text) const;
};
struct ShorterThan {
    std::uint64_t size = 0;
    bool operator()(std::string_view text) const;
};
