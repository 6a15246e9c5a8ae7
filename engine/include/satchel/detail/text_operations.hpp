// The operations on bags of strings, for Bag and FusedBag alike: lower, upper, strip, split,
// replace, starts_with, match, to_textfiles.
#pragma once

#include <satchel/detail/bag_support.hpp>
#include <satchel/detail/call.hpp>
#include <satchel/detail/text_stages.hpp>
#include <satchel/detail/view_stream.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel {
template <class T>
class Bag;
class Executor;
struct TextFilesOptions;
}  // namespace satchel

namespace satchel::detail {

/// Whether all of `text` matches: `*` stands for anything, `?` for one character, `[a-z]` and
/// `[!a-z]` for one in or not in a set.
[[nodiscard]] bool matches_wildcard(std::string_view pattern, std::string_view text);
/// Whether a pattern has nothing but stars and ASCII, whose bytes are no part of other characters:
/// then it is enough to look for the pieces between stars.
[[nodiscard]] bool is_of_pieces(std::string_view pattern);

// What they do with an element. Text is taken for UTF-8; what is not is left as it is.

/// Letters in lower and in upper case, also those beyond ASCII that have one counterpart of one
/// letter.
struct ToLower {
    void append_to(std::string& out, std::string_view text) const;
};
struct ToUpper {
    void append_to(std::string& out, std::string_view text) const;
};
/// White space, which separates words.
inline constexpr std::string_view white_space = " \t\n\r\v\f";
inline bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Without the bytes in `characters` at both ends.
struct Strip {
    std::string characters{white_space};
    [[nodiscard]] Token token() const { return Token::of(characters); }
    void append_to(std::string& out, std::string_view text) const;
};
/// The words, or what lies between separators.
struct SplitWords {
    std::vector<std::string> operator()(const std::string& text) const;

    /// Appends the words to `parts`.
    void add_parts(std::string_view text, ViewList& parts) const;
    /// What follows `text`, which is not empty, can be split together with it.
    static bool goes_on_behind(std::string_view text) { return is_space(text.back()); }
};
struct SplitBy {
    std::string separator;
    [[nodiscard]] Token token() const { return Token::of(separator); }
    std::vector<std::string> operator()(const std::string& text) const;

    /// Appends the parts to `parts`.
    void add_parts(std::string_view text, ViewList& parts) const;
};
/// Appends the lines that end in `text`, each with its delimiter, until there are `max` of them or
/// a few more; gives the number of bytes that they have.
std::size_t add_lines(std::string_view text, char delimiter, std::size_t max, ViewList& lines);

struct Replace {
    std::string what;
    std::string with;
    [[nodiscard]] Token token() const { return Token::of(what).then(Token::of(with)); }
    void append_to(std::string& out, std::string_view text) const;
};
struct StartsWith {
    std::string prefix;
    [[nodiscard]] Token token() const { return Token::of(prefix); }
    bool operator()(std::string_view text) const { return text.starts_with(prefix); }
};
struct Matches {
    std::string pattern;
    bool of_pieces = is_of_pieces(pattern);  ///< nothing else, also on the way to a worker
    [[nodiscard]] Token token() const { return Token::of(pattern); }
    bool operator()(std::string_view text) const;
};

/// Throws InvalidArgument that names `operation` if `text` is empty.
std::string checked_not_empty(std::string text, const char* operation);

/// A base of the bag type `Self`, of elements of type `T`.
template <class Self, class T>
class TextOperations {
  public:
    /// The letters in lower, or upper, case. In UTF-8 each that has one counterpart, as é has É.
    [[nodiscard]] auto lower() const { return written("lower", ToLower{}); }
    [[nodiscard]] auto upper() const { return written("upper", ToUpper{}); }

    /// Without white space at both ends, or without the bytes that `characters` lists.
    [[nodiscard]] auto strip() const { return written("strip", Strip{}); }
    [[nodiscard]] auto strip(std::string characters) const {
        return written("strip", Strip{std::move(characters)});
    }

    /// The words of each element, as a vector: what lies between runs of white space.
    [[nodiscard]] auto split() const { return mapped(SplitWords{}); }
    /// What lies between separators, which may be nothing. Throws InvalidArgument for an empty one.
    [[nodiscard]] auto split(std::string separator) const {
        return mapped(SplitBy{checked_not_empty(std::move(separator), "split")});
    }
    [[nodiscard]] auto split(char separator) const { return split(std::string(1, separator)); }

    /// `with` in place of every `what`. Throws InvalidArgument if `what` is empty.
    [[nodiscard]] auto replace(std::string what, std::string with) const {
        return written("replace",
                       Replace{checked_not_empty(std::move(what), "replace"), std::move(with)});
    }

    /// Whether each element begins with `prefix`.
    [[nodiscard]] auto starts_with(std::string prefix) const {
        return mapped(StartsWith{std::move(prefix)});
    }

    /// The elements all of which the pattern describes: `*` stands for anything, `?` for one
    /// character, `[a-z]` and `[!a-z]` for one in or not in a set. The line ending counts.
    [[nodiscard]] auto match(std::string pattern) const {
        if constexpr (check()) {
            return self().filter(Matches{std::move(pattern)});
        } else {
            return Refused();
        }
    }

    /// Writes strings as lines, a file a partition, and returns the paths: to_textfiles() of
    /// <satchel/tasks/text.hpp>, which has to be included.
    template <class Path>
    auto to_textfiles(const Path& path) const;
    template <class Path>
    auto to_textfiles(const Path& path, const TextFilesOptions& options) const;
    template <class Path>
    auto to_textfiles(const Path& path, const TextFilesOptions& options,
                      const Executor& executor) const;

  private:
    [[nodiscard]] const Self& self() const { return static_cast<const Self&>(*this); }

    // Asked for by `if constexpr`, so that it is what the compiler says first.
    static constexpr bool check() {
        static_assert(std::is_same_v<T, std::string>,
                      "satchel: lower, upper, strip, split, replace, starts_with and match are "
                      "operations on a bag of std::string. Make one of each element by map().");
        return std::is_same_v<T, std::string>;
    }

    template <class F>
    [[nodiscard]] auto written(const char* name, F f) const {
        if constexpr (check()) {
            const auto token = function_token(f);
            return Bag<T>(stage_node(self().node(), name, token,
                                     stage_part<WriteStream<F>, T>(std::move(f)), false, false,
                                     &element_operations<T>));
        } else {
            return Refused();
        }
    }

    template <class F>
    [[nodiscard]] auto mapped(F f) const {
        if constexpr (check()) {
            return self().map(std::move(f));
        } else {
            return Refused();
        }
    }
};

}  // namespace satchel::detail
