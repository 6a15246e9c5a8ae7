// Words, for each kind of processor.
#include "bag/split_words.hpp"

#include "bag/byte_blocks.hpp"

#include <array>
#include <bit>
#include <cstdint>

// The views are written as what they are in this library.
#if defined(__x86_64__) && defined(__GLIBCXX__)
#define SATCHEL_X86_64 1
#pragma GCC diagnostic push
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of its own, GCC's bug 105593
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

namespace satchel::detail {
namespace {

struct AnyProcessor {
    static std::uint64_t spaces_in(const char* block) { return separators_in(block, WhiteSpace{}); }

    // Some at a time, and those that there are not, too: how many there are is not to be foretold,
    // and a branch on it costs more than a few words do.
    static constexpr std::size_t round = 6;
    static void write(const char* block, std::uint64_t begins, std::uint64_t ends,
                      std::string_view* word) {
        while (ends != 0) {
            for (std::size_t k = 0; k < round; ++k) {
                const auto* const begin = block + take_lowest(begins);
                *word++ = between(begin, block + take_lowest(ends));
            }
        }
    }
};

/// `Processor` finds the spaces of a block and writes the words that end in it, and may write
/// `round` - 1 more.
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
        Processor::write(block, begins, ends, word);
        words.end(end);
        if (spaces >> (block_size - 1) != 0) {
            open = nullptr;
        } else if (begins != 0) {
            open = block + std::bit_width(begins) - 1;
        }
    });
}

void add_words_anywhere(std::string_view text, ViewList& words) {
    add_words<AnyProcessor>(text, words);
}

#if defined(SATCHEL_X86_64)
#define SATCHEL_AVX2 "avx2,bmi,bmi2,lzcnt,popcnt"
#define SATCHEL_AVX512 SATCHEL_AVX2 ",avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2"

[[gnu::target(SATCHEL_AVX2), gnu::flatten]] void add_words_avx2(std::string_view text,
                                                                ViewList& words) {
    add_words<AnyProcessor>(text, words);
}

struct Avx512 {
    [[gnu::target(SATCHEL_AVX512)]] static std::uint64_t spaces_in(const char* block) {
        const auto bytes = _mm512_loadu_si512(block);
        const auto from_tab = _mm512_sub_epi8(bytes, _mm512_set1_epi8('\t'));
        return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(' ')) |
               _mm512_cmple_epu8_mask(from_tab, _mm512_set1_epi8('\r' - '\t'));
    }

    // Sixteen at a time: the places of their bits, as bytes, one behind the other, and then as
    // pairs of size and address.
    static constexpr std::size_t round = 16;
    [[gnu::target(SATCHEL_AVX512)]] static void write(const char* block, std::uint64_t begins,
                                                      std::uint64_t ends, std::string_view* word) {
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
        write_half(block, _mm_bsrli_si128(begins, 8), _mm_bsrli_si128(sizes, 8), word + 8);
    }
    [[gnu::target(SATCHEL_AVX512)]] static void write_half(const char* block, __m128i begins,
                                                           __m128i sizes, std::string_view* word) {
        const auto base = _mm512_set1_epi64(reinterpret_cast<std::intptr_t>(block));
        const auto address = _mm512_add_epi64(base, _mm512_cvtepu8_epi64(begins));
        const auto size = _mm512_cvtepu8_epi64(sizes);
        const auto first = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
        const auto last = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
        _mm512_storeu_si512(word, _mm512_permutex2var_epi64(size, first, address));
        _mm512_storeu_si512(word + 4, _mm512_permutex2var_epi64(size, last, address));
    }
};

[[gnu::target(SATCHEL_AVX512), gnu::flatten]] void add_words_avx512(std::string_view text,
                                                                    ViewList& words) {
    add_words<Avx512>(text, words);
}
#endif

}  // namespace

const std::vector<AddWords>& ways_to_add_words() {
    static const std::vector<AddWords> ways = [] {
        std::vector<AddWords> found;
#if defined(SATCHEL_X86_64)
        const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                              __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
        if (has_avx2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512vbmi2")) {
            found.push_back(&add_words_avx512);
        }
        if (has_avx2) found.push_back(&add_words_avx2);
#endif
        found.push_back(&add_words_anywhere);
        return found;
    }();
    return ways;
}

}  // namespace satchel::detail
