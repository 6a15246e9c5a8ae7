// The search for a text in another.
#include "bag/find_text.hpp"

#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace satchel::detail {

#if defined(__SSE2__)
namespace {

constexpr std::size_t block_size = 16;

__m128i block_at(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

}  // namespace

std::size_t find_text(std::string_view text, std::string_view what, std::size_t from) {
    const auto size = what.size();
    if (size < 2 || text.size() < from + block_size + size - 1) return text.find(what, from);
    const auto first = _mm_set1_epi8(what.front());
    const auto last = _mm_set1_epi8(what.back());
    const auto last_block = text.size() - block_size - (size - 1);
    for (auto at = from;; at += block_size) {
        if (at > last_block) at = last_block;  // some places once more, where there is nothing
        const auto* const block = text.data() + at;
        const auto hits = _mm_and_si128(_mm_cmpeq_epi8(block_at(block), first),
                                        _mm_cmpeq_epi8(block_at(block + size - 1), last));
        for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(hits)); mask != 0;
             mask &= mask - 1) {
            const auto k = static_cast<std::size_t>(std::countr_zero(mask));
            if (std::memcmp(block + k + 1, what.data() + 1, size - 2) == 0) return at + k;
        }
        if (at == last_block) return std::string_view::npos;
    }
}
#else
std::size_t find_text(std::string_view text, std::string_view what, std::size_t from) {
    return text.find(what, from);
}
#endif

}  // namespace satchel::detail
