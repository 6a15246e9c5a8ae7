// split(): where words and other parts of a text begin and end.
#include <satchel/detail/text_operations.hpp>

#include "bag/find_text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace satchel::detail {
namespace {

constexpr std::size_t block_size = 64;
constexpr std::size_t usual_parts = 32;  // room for as many saves most allocations

// Texts are looked at block by block: a number has a bit for each byte that separates parts, and
// no branch depends on the length of a part.

struct WhiteSpace {
#if defined(__SSE2__)
    [[nodiscard]] __m128i among(__m128i bytes) const {
        const auto blank = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '));
        const auto from_tab = _mm_sub_epi8(bytes, _mm_set1_epi8('\t'));
        const auto most = _mm_set1_epi8('\r' - '\t');
        return _mm_or_si128(blank, _mm_cmpeq_epi8(_mm_min_epu8(from_tab, most), from_tab));
    }
#else
    [[nodiscard]] bool has(char c) const { return is_space(c); }
#endif
};
struct OneByte {
    char byte;
#if defined(__SSE2__)
    [[nodiscard]] __m128i among(__m128i bytes) const {
        return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte));
    }
#else
    [[nodiscard]] bool has(char c) const { return c == byte; }
#endif
};

template <class Separators>
std::uint64_t separators_in(const char* block, const Separators& separators) {
    std::uint64_t bits = 0;
#if defined(__SSE2__)
    for (std::size_t k = 0; k < block_size; k += 16) {
        const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + k));
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(separators.among(bytes)));
        bits |= static_cast<std::uint64_t>(mask) << k;
    }
#else
    for (std::size_t k = 0; k < block_size; ++k) {
        bits |= static_cast<std::uint64_t>(separators.has(block[k])) << k;
    }
#endif
    return bits;
}

/// Calls `use` with each block of a text and its separators; behind the end all are some.
template <class Separators, class Use>
void for_each_block(std::string_view text, const Separators& separators, Use&& use) {
    while (text.size() >= block_size) {
        use(text.data(), separators_in(text.data(), separators));
        text.remove_prefix(block_size);
    }
    std::array<char, block_size> rest{};
    std::ranges::copy(text, rest.begin());
    use(text.data(), separators_in(rest.data(), separators) | ~std::uint64_t{0} << text.size());
}

int take_lowest(std::uint64_t& bits) {
    const auto lowest = std::countr_zero(bits);
    bits &= bits - 1;
    return lowest;
}

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

void add_words(std::string_view text, ViewList& words) {
    const char* open = nullptr;  // the begin of a word whose end is not found yet
    for_each_block(text, WhiteSpace{}, [&](const char* block, std::uint64_t spaces) {
        const auto behind_space = spaces << 1 | (open == nullptr ? 1 : 0);
        auto begins = ~spaces & behind_space;
        auto ends = spaces & ~behind_space;
        auto* word = words.room(block_size / 2 + 1);
        if (open != nullptr) {
            if (ends == 0) return;
            *word++ = between(open, block + take_lowest(ends));
            open = nullptr;
        }
        while (ends != 0) {
            const auto* const begin = block + take_lowest(begins);
            *word++ = between(begin, block + take_lowest(ends));
        }
        words.end(word);
        if (begins != 0) open = block + take_lowest(begins);
    });
}

void add_parts_between(char separator, std::string_view text, ViewList& parts) {
    const char* const text_end = text.data() + text.size();
    const char* begin = text.data();
    for_each_block(text, OneByte{separator}, [&](const char* block, std::uint64_t separators) {
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

void SplitWords::add_parts(std::string_view text, ViewList& parts) const { add_words(text, parts); }

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
