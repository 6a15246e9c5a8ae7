// What the operations on bags of strings do with one string.
#include <satchel/detail/text_operations.hpp>
#include <satchel/error.hpp>

#include "bag/find_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <cwctype>
#include <optional>

#include <fmt/format.h>
#include <locale.h>  // NOLINT(modernize-deprecated-headers): newlocale() is POSIX's

namespace satchel::detail {
namespace {

// ---- UTF-8 --------------------------------------------------------------------------------------

constexpr char32_t invalid_base = 0x110000;  // beyond all characters: a byte that is none

std::size_t sequence_size(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    if (first >= 0xF0 && first < 0xF5) return 4;
    return 0;
}

// Takes the first character off the front of `text`, which is not empty.
char32_t next_character(std::string_view& text) {
    const auto first = static_cast<unsigned char>(text.front());
    const auto size = sequence_size(first);
    if (size == 1) {
        text.remove_prefix(1);
        return first;
    }
    char32_t character = size == 0 ? 0 : first & (0x7FU >> size);
    bool valid = size != 0 && size <= text.size();
    for (std::size_t k = 1; valid && k < size; ++k) {
        const auto byte = static_cast<unsigned char>(text[k]);
        valid = (byte & 0xC0) == 0x80;
        character = character << 6 | (byte & 0x3FU);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    valid = valid && character >= least[size] && character < invalid_base &&
            (character < 0xD800 || character > 0xDFFF);
    text.remove_prefix(valid ? size : 1);
    return valid ? character : invalid_base + first;
}

void append_character(std::string& text, char32_t character) {
    const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
    if (character >= invalid_base) {
        put(character - invalid_base);
    } else if (character < 0x80) {
        put(character);
    } else if (character < 0x800) {
        put(0xC0 | character >> 6);
        put(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
        put(0xE0 | character >> 12);
        put(0x80 | (character >> 6 & 0x3F));
        put(0x80 | (character & 0x3F));
    } else {
        put(0xF0 | character >> 18);
        put(0x80 | (character >> 12 & 0x3F));
        put(0x80 | (character >> 6 & 0x3F));
        put(0x80 | (character & 0x3F));
    }
}

// ---- case ---------------------------------------------------------------------------------------

// The locale that knows the letters of all languages, whatever the user's is; null where there is
// none, and then only those of ASCII are changed.
locale_t utf8_locale() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
    return locale;
}

using Convert = wint_t (*)(wint_t, locale_t);

void append_converted(std::string& out, std::string_view text, Convert convert, locale_t locale) {
    while (!text.empty()) {
        const auto character = next_character(text);
        const bool valid = character < invalid_base;
        append_character(out,
                         valid ? static_cast<char32_t>(convert(character, locale)) : character);
    }
}

// Bytes with the letters from `first` to its 26th successor in the other case, block by block: of a
// fixed length, so that compilers make vectors of them.
class CaseWriter {
  public:
    explicit CaseWriter(char first) : first_(static_cast<unsigned char>(first)) {}

    void write(char* out, const char* text, std::size_t size) {
        if (size < block) return write_block(out, text, size);
        for (std::size_t k = 0; k + block <= size; k += block) {
            write_block(out + k, text + k, block);
        }
        write_block(out + size - block, text + size - block, block);  // some of them twice
    }
    [[nodiscard]] bool all_are_ascii() const {
        std::array<std::uint64_t, block / 8> seen;
        std::memcpy(seen.data(), seen_.data(), block);
        return ((seen[0] | seen[1]) & 0x8080'8080'8080'8080) == 0;
    }

  private:
    static constexpr std::size_t block = 16;

    void write_block(char* out, const char* text, std::size_t size) {
        std::array<unsigned char, block> bytes{};
        std::memcpy(bytes.data(), text, size);
        for (std::size_t k = 0; k < block; ++k) {
            const auto byte = bytes[k];
            seen_[k] |= byte;
            const bool changes = static_cast<unsigned char>(byte - first_) < 26;
            bytes[k] = static_cast<unsigned char>(byte ^ (changes ? 0x20 : 0));
        }
        std::memcpy(out, bytes.data(), size);
    }

    unsigned char first_;
    std::array<unsigned char, block> seen_{};  // in each place, all bits of all bytes
};

// Changes the letters from `first` to its 26th successor, and by `convert` those beyond ASCII.
void append_with_case(std::string& out, std::string_view text, char first, Convert convert) {
    if (text.empty()) return;
    const auto begin = out.size();
    out.resize(begin + text.size());
    CaseWriter writer(first);
    writer.write(out.data() + begin, text.data(), text.size());
    if (writer.all_are_ascii() || utf8_locale() == locale_t{}) return;
    out.resize(begin);
    append_converted(out, text, convert, utf8_locale());
}

// ---- patterns -----------------------------------------------------------------------------------

// What stands for one character in a pattern, taken off its front.
class Element {
  public:
    explicit Element(std::string_view& pattern) {
        character_ = next_character(pattern);
        if (character_ == U'?') {
            any_ = true;
        } else if (character_ == U'[') {
            // A set ends at the first ] that is not its first character; without one, [ is itself.
            const auto first = pattern.starts_with('!') ? std::size_t{2} : std::size_t{1};
            const auto end = pattern.find(']', first);
            if (end == std::string_view::npos) return;
            set_ = pattern.substr(0, end);
            pattern.remove_prefix(end + 1);
        }
    }

    [[nodiscard]] bool accepts(char32_t character) const {
        if (any_) return true;
        return set_ ? in_set(character) : character == character_;
    }

  private:
    [[nodiscard]] bool in_set(char32_t character) const {
        auto rest = *set_;
        const bool negated = rest.starts_with('!');
        if (negated) rest.remove_prefix(1);
        while (!rest.empty()) {
            const auto low = next_character(rest);
            auto high = low;
            if (rest.size() >= 2 && rest.front() == '-') {
                rest.remove_prefix(1);
                high = next_character(rest);
            }
            if (low <= character && character <= high) return !negated;
        }
        return negated;
    }

    char32_t character_;
    bool any_ = false;
    std::optional<std::string_view> set_;
};

// The piece of a pattern up to its next star, or to its end: taken off its front, without a call,
// as pieces are short.
std::string_view take_piece(std::string_view& pattern) {
    std::size_t size = 0;
    while (size < pattern.size() && pattern[size] != '*') ++size;
    const auto piece = pattern.substr(0, size);
    pattern.remove_prefix(size);
    return piece;
}

// REQUIRES: is_of_pieces(pattern).
bool matches_pieces(std::string_view pattern, std::string_view text) {
    const auto first = take_piece(pattern);
    if (pattern.empty()) return text == first;
    if (!text.starts_with(first)) return false;
    text.remove_prefix(first.size());
    while (true) {
        pattern.remove_prefix(1);
        const auto piece = take_piece(pattern);
        if (pattern.empty()) return text.ends_with(piece);
        const auto at = find_text(text, piece);
        if (at == std::string_view::npos) return false;
        text.remove_prefix(at + piece.size());
    }
}

}  // namespace

void ToLower::append_to(std::string& out, std::string_view text) const {
    append_with_case(out, text, 'A', ::towlower_l);
}

void ToUpper::append_to(std::string& out, std::string_view text) const {
    append_with_case(out, text, 'a', ::towupper_l);
}

void Strip::append_to(std::string& out, std::string_view text) const {
    const auto begin = text.find_first_not_of(characters);
    if (begin == std::string_view::npos) return;
    out.append(text, begin, text.find_last_not_of(characters) + 1 - begin);
}

void Replace::append_to(std::string& out, std::string_view text) const {
    std::size_t begin = 0;
    for (auto at = find_text(text, what); at != std::string_view::npos;
         at = find_text(text, what, begin)) {
        out.append(text, begin, at - begin).append(with);
        begin = at + what.size();
    }
    out.append(text, begin);
}

bool is_of_pieces(std::string_view pattern) {
    return std::ranges::all_of(pattern, [](char c) {
        return static_cast<unsigned char>(c) < 0x80 && c != '?' && c != '[';
    });
}

bool Matches::operator()(std::string_view text) const {
    return of_pieces ? matches_pieces(pattern, text) : matches_wildcard(pattern, text);
}

bool matches_wildcard(std::string_view pattern, std::string_view text) {
    // Where to go on if what follows the last star does not fit: it then stands for one more.
    std::optional<std::string_view> after_star;
    std::string_view star_text;
    while (true) {
        if (pattern.starts_with('*')) {
            pattern.remove_prefix(1);
            after_star = pattern;
            star_text = text;
        } else if (text.empty()) {
            return pattern.empty();
        } else {
            const auto character = next_character(text);
            if (!pattern.empty() && Element(pattern).accepts(character)) continue;
            if (!after_star) return false;
            pattern = *after_star;
            (void)next_character(star_text);
            text = star_text;
        }
    }
}

std::string checked_not_empty(std::string text, const char* operation) {
    if (!text.empty()) return text;
    throw InvalidArgument(fmt::format(
        "{}: an empty text is found everywhere; give one of a byte or more", operation));
}

}  // namespace satchel::detail
