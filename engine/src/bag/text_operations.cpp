// What the operations on bags of strings do with one string.
#include <satchel/detail/text_operations.hpp>
#include <satchel/error.hpp>

#include "bag/find_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
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

std::string converted(std::string_view text, Convert convert, locale_t locale) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const auto character = next_character(text);
        const bool valid = character < invalid_base;
        append_character(result,
                         valid ? static_cast<char32_t>(convert(character, locale)) : character);
    }
    return result;
}

// Changes the letters from `first` to its 26th successor, and by `convert` those beyond ASCII.
std::string with_case(std::string text, char first, Convert convert) {
    unsigned char all = 0;
    for (char& c : text) {
        all |= static_cast<unsigned char>(c);
        const bool changes = static_cast<unsigned char>(c - first) < 26;
        c = static_cast<char>(c ^ (changes ? 0x20 : 0));
    }
    if (all < 0x80 || utf8_locale() == locale_t{}) return text;
    return converted(text, convert, utf8_locale());
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

// Whether a pattern has nothing but stars and ASCII, whose bytes are no part of other characters:
// then it is enough to look for the pieces between stars.
bool is_of_pieces(std::string_view pattern) {
    return std::ranges::all_of(pattern, [](char c) {
        return static_cast<unsigned char>(c) < 0x80 && c != '?' && c != '[';
    });
}

// REQUIRES: is_of_pieces(pattern).
bool matches_pieces(std::string_view pattern, std::string_view text) {
    auto star = pattern.find('*');
    if (star == std::string_view::npos) return text == pattern;
    if (!text.starts_with(pattern.substr(0, star))) return false;
    text.remove_prefix(star);
    pattern.remove_prefix(star + 1);
    for (; (star = pattern.find('*')) != std::string_view::npos; pattern.remove_prefix(star + 1)) {
        const auto at = find_text(text, pattern.substr(0, star));
        if (at == std::string_view::npos) return false;
        text.remove_prefix(at + star);
    }
    return text.ends_with(pattern);
}

}  // namespace

std::string ToLower::operator()(std::string text) const {
    return with_case(std::move(text), 'A', ::towlower_l);
}

std::string ToUpper::operator()(std::string text) const {
    return with_case(std::move(text), 'a', ::towupper_l);
}

std::string Strip::operator()(std::string text) const {
    const auto end = text.find_last_not_of(characters);
    text.resize(end == std::string::npos ? 0 : end + 1);
    const auto begin = text.find_first_not_of(characters);
    if (begin != 0 && begin != std::string::npos) text.erase(0, begin);
    return text;
}

std::string Replace::operator()(std::string text) const {
    auto at = find_text(text, what);
    if (at == std::string::npos) return text;
    std::string result;
    std::size_t begin = 0;
    for (; at != std::string::npos; at = find_text(text, what, begin)) {
        result.append(text, begin, at - begin).append(with);
        begin = at + what.size();
    }
    return result.append(text, begin);
}

bool Matches::operator()(const std::string& text) const { return matches_wildcard(pattern, text); }

bool matches_wildcard(std::string_view pattern, std::string_view text) {
    if (is_of_pieces(pattern)) return matches_pieces(pattern, text);
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
