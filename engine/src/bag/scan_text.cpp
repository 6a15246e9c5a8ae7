// Texts looked at block by block: a number has a bit for each byte of a block that separates parts,
// so that no branch depends on how long a part is.
#include "bag/scan_text.hpp"

#include <satchel/detail/text_operations.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#pragma GCC diagnostic push
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of its own, GCC's bug 105593
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

namespace satchel::detail {
namespace {

constexpr std::size_t block_size = 64;

/// The place of the lowest bit, which is taken away.
unsigned take_lowest(std::uint64_t& bits) {
    const auto lowest = static_cast<unsigned>(std::countr_zero(bits));
    bits &= bits - 1;
    return lowest;
}

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

// ---- on any processor ---------------------------------------------------------------------------

struct AnyProcessor {
    static std::uint64_t spaces_in(const char* block) {
#if defined(__SSE2__)
        return places_of(block, [](__m128i bytes) {
            const auto blank = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '));
            const auto from_tab = _mm_sub_epi8(bytes, _mm_set1_epi8('\t'));
            const auto most = _mm_set1_epi8('\r' - '\t');
            return _mm_or_si128(blank, _mm_cmpeq_epi8(_mm_min_epu8(from_tab, most), from_tab));
        });
#else
        return places_of(block, &is_space);
#endif
    }
    static std::uint64_t equal_in(const char* block, char byte) {
#if defined(__SSE2__)
        const auto bytes = _mm_set1_epi8(byte);
        return places_of(block, [bytes](__m128i some) { return _mm_cmpeq_epi8(some, bytes); });
#else
        return places_of(block, [byte](char c) { return c == byte; });
#endif
    }

    /// Writes the words that end in a block, and may write `round` - 1 more: how many there are is
    /// not to be foretold, and a branch on it costs more than a few words do.
    static constexpr std::size_t round = 6;
    static void write_words(const char* block, std::uint64_t begins, std::uint64_t ends,
                            std::string_view* word) {
        while (ends != 0) {
            for (std::size_t k = 0; k < round; ++k) {
                const auto* const begin = block + take_lowest(begins);
                *word++ = between(begin, block + take_lowest(ends));
            }
        }
    }

  private:
    template <class Among>
    static std::uint64_t places_of(const char* block, Among&& among) {
        std::uint64_t bits = 0;
#if defined(__SSE2__)
        for (std::size_t k = 0; k < block_size; k += 16) {
            const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + k));
            const auto mask = static_cast<unsigned>(_mm_movemask_epi8(among(bytes)));
            bits |= static_cast<std::uint64_t>(mask) << k;
        }
#else
        for (std::size_t k = 0; k < block_size; ++k) {
            bits |= static_cast<std::uint64_t>(among(block[k])) << k;
        }
#endif
        return bits;
    }
};

/// Calls `use` with each block of a text and the places of its separators, which `find` gives,
/// until it returns false.
template <class Find, class Use>
[[gnu::always_inline]] inline void for_each_block(std::string_view text, Find&& find, Use&& use) {
    while (text.size() >= block_size) {
        if (!use(text.data(), find(text.data()))) return;
        text.remove_prefix(block_size);
    }
    std::array<char, block_size> rest{};
    std::ranges::copy(text, rest.begin());
    (void)use(text.data(), find(rest.data()) & ((std::uint64_t{1} << text.size()) - 1));
}

template <class Processor>
[[gnu::always_inline]] inline void add_words(std::string_view text, ViewList& words) {
    const char* open = nullptr;  // the begin of a word whose end is not found yet
    for_each_block(text, &Processor::spaces_in, [&](const char* block, std::uint64_t spaces) {
        const auto behind_space = spaces << 1 | (open == nullptr ? 1 : 0);
        const auto begins = ~spaces & behind_space;
        auto ends = spaces & ~behind_space;
        auto* word = words.room(block_size / 2 + Processor::round);
        auto* const end = word + std::popcount(ends);
        if (open != nullptr && ends != 0) *word++ = between(open, block + take_lowest(ends));
        Processor::write_words(block, begins, ends, word);
        words.end(end);
        if (spaces >> (block_size - 1) != 0) {
            open = nullptr;
        } else if (begins != 0) {
            open = block + std::bit_width(begins) - 1;
        }
        return true;
    });
    const auto* const text_end = text.data() + text.size();
    if (open != nullptr && open != text_end) words.push_back(between(open, text_end));
}

template <class Processor>
[[gnu::always_inline]] inline std::size_t add_parts(std::string_view text, char end, bool with_end,
                                                    std::size_t max, ViewList& parts) {
    constexpr std::size_t round = 2;
    const char* begin = text.data();
    const auto find = [end](const char* block) { return Processor::equal_in(block, end); };
    for_each_block(text, find, [&](const char* block, std::uint64_t ends) {
        if (ends == 0) return true;
        auto* part = parts.room(block_size + round);
        auto* const last = part + std::popcount(ends);
        const auto* const next = block + std::bit_width(ends);
        while (ends != 0) {
            for (std::size_t k = 0; k < round; ++k) {
                const auto* const at = block + take_lowest(ends);
                *part++ = between(begin, at + (with_end ? 1 : 0));
                begin = at + 1;
            }
        }
        parts.end(last);
        begin = next;
        return parts.size() < max;
    });
    return static_cast<std::size_t>(begin - text.data());
}

[[gnu::flatten]] void add_words_anywhere(std::string_view text, ViewList& words) {
    add_words<AnyProcessor>(text, words);
}
[[gnu::flatten]] std::size_t add_parts_anywhere(std::string_view text, char end, bool with_end,
                                                std::size_t max, ViewList& parts) {
    return add_parts<AnyProcessor>(text, end, with_end, max, parts);
}

// ---- on processors that know more ---------------------------------------------------------------

// Views are written as what they are in this library.
#if defined(__x86_64__) && defined(__GLIBCXX__)
static_assert(sizeof(std::string_view) == 16);
#define SATCHEL_AVX2 "avx2,bmi,bmi2,popcnt"
#define SATCHEL_AVX512 SATCHEL_AVX2 ",avx512f,avx512bw,avx512vl,avx512vbmi2"

struct Avx512 {
    [[gnu::target(SATCHEL_AVX512)]] static std::uint64_t spaces_in(const char* block) {
        const auto bytes = _mm512_loadu_si512(block);
        const auto from_tab = _mm512_sub_epi8(bytes, _mm512_set1_epi8('\t'));
        return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(' ')) |
               _mm512_cmple_epu8_mask(from_tab, _mm512_set1_epi8('\r' - '\t'));
    }
    [[gnu::target(SATCHEL_AVX512)]] static std::uint64_t equal_in(const char* block, char byte) {
        return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(block), _mm512_set1_epi8(byte));
    }

    // The places of bits as bytes, one behind the other, and then as pairs of size and address.
    static constexpr std::size_t round = 16;
    [[gnu::target(SATCHEL_AVX512)]] static void write_words(const char* block, std::uint64_t begins,
                                                            std::uint64_t ends,
                                                            std::string_view* word) {
        static constexpr auto places = [] {
            std::array<char, block_size> all{};
            for (std::size_t k = 0; k < block_size; ++k) all[k] = static_cast<char>(k);
            return all;
        }();
        const auto place = _mm512_loadu_si512(places.data());
        const auto begin = _mm512_maskz_compress_epi8(begins, place);
        const auto size = _mm512_sub_epi8(_mm512_maskz_compress_epi8(ends, place), begin);
        write_round(block, _mm512_castsi512_si128(begin), _mm512_castsi512_si128(size), word);
        if (std::popcount(ends) > static_cast<int>(round)) [[unlikely]] {
            write_round(block, _mm512_extracti32x4_epi32(begin, 1),
                        _mm512_extracti32x4_epi32(size, 1), word + round);
        }
    }

  private:
    [[gnu::target(SATCHEL_AVX512)]] static void write_round(const char* block, __m128i begins,
                                                            __m128i sizes, std::string_view* word) {
        write_half(block, begins, sizes, word);
        write_half(block, _mm_bsrli_si128(begins, 8), _mm_bsrli_si128(sizes, 8), word + round / 2);
    }
    [[gnu::target(SATCHEL_AVX512)]] static void write_half(const char* block, __m128i begins,
                                                           __m128i sizes, std::string_view* word) {
        const auto base = _mm512_set1_epi64(reinterpret_cast<std::intptr_t>(block));
        const auto address = _mm512_add_epi64(base, _mm512_cvtepu8_epi64(begins));
        const auto size = _mm512_cvtepu8_epi64(sizes);
        const auto first = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
        const auto last = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
        _mm512_storeu_si512(word, _mm512_permutex2var_epi64(size, first, address));
        _mm512_storeu_si512(word + round / 4, _mm512_permutex2var_epi64(size, last, address));
    }
};

// A compiler puts into a function that may use more all that may use less, if it is told to.
#define SATCHEL_INTO_ONE(instructions) [[gnu::target(instructions), gnu::flatten]]

SATCHEL_INTO_ONE(SATCHEL_AVX2)
void add_words_avx2(std::string_view text, ViewList& words) {
    add_words<AnyProcessor>(text, words);
}
SATCHEL_INTO_ONE(SATCHEL_AVX2)
std::size_t add_parts_avx2(std::string_view text, char end, bool with_end, std::size_t max,
                           ViewList& parts) {
    return add_parts<AnyProcessor>(text, end, with_end, max, parts);
}
SATCHEL_INTO_ONE(SATCHEL_AVX512)
void add_words_avx512(std::string_view text, ViewList& words) { add_words<Avx512>(text, words); }
SATCHEL_INTO_ONE(SATCHEL_AVX512)
std::size_t add_parts_avx512(std::string_view text, char end, bool with_end, std::size_t max,
                             ViewList& parts) {
    return add_parts<Avx512>(text, end, with_end, max, parts);
}

void add_special_scans(std::vector<TextScan>& scans) {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("popcnt")) {
        return;
    }
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi2")) {
        scans.push_back({&add_words_avx512, &add_parts_avx512});
    }
    scans.push_back({&add_words_avx2, &add_parts_avx2});
}
#else
void add_special_scans(std::vector<TextScan>&) {}
#endif

}  // namespace

const std::vector<TextScan>& text_scans() {
    static const std::vector<TextScan> scans = [] {
        std::vector<TextScan> all;
        add_special_scans(all);
        all.push_back({&add_words_anywhere, &add_parts_anywhere});
        return all;
    }();
    return scans;
}

}  // namespace satchel::detail
