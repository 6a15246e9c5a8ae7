// Texts looked at block by block: a number has a bit for each byte of a block that separates parts,
// so that no branch depends on how long a part is.
#pragma once

#include <satchel/detail/text_operations.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace satchel::detail {

constexpr std::size_t block_size = 64;

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

/// Calls `use` with each block of a text and its separators, which `find` gives; behind the end all
/// are some.
template <class Find, class Use>
[[gnu::always_inline]] inline void for_each_block(std::string_view text, Find&& find, Use&& use) {
    for (bool is_last = false; !is_last;) {
        std::array<char, block_size> rest;
        const char* block = text.data();
        std::uint64_t behind = 0;
        is_last = text.size() < block_size;
        if (is_last) {
            rest.fill(0);
            std::ranges::copy(text, rest.begin());
            block = rest.data();
            behind = ~std::uint64_t{0} << text.size();
        }
        use(text.data(), find(block) | behind);  // once, so that a compiler puts it in here
        if (!is_last) text.remove_prefix(block_size);
    }
}

/// The place of the lowest bit, which is taken away.
inline unsigned take_lowest(std::uint64_t& bits) {
    const auto lowest = static_cast<unsigned>(std::countr_zero(bits));
    bits &= bits - 1;
    return lowest;
}

inline std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace satchel::detail
