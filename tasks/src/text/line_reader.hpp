// LineReader: the lines of a block of text, with their delimiters.
//
// What is one delimiter is decided from the start of the text on: in "a\n\n\nb" cut at "\n\n", the
// first two. From the middle of a text, that is known only where no two places at which a delimiter
// could be overlap; most delimiters do not overlap themselves, and for the others the nearest such
// place before the block is looked for.
#pragma once

#include <satchel/detail/view_stream.hpp>

#include "text/text_input.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace satchel::detail {

class LineReader {
  public:
    /// `delimiter` is not empty.
    LineReader(std::unique_ptr<TextInput> input, std::string delimiter);

    /// Appends the next line, and about `max` that are in memory already; they are valid until the
    /// next call. Behind each is memory of `view_padding` bytes. False at the end of the block.
    bool next(ViewList& lines, std::size_t max) {
        if (block_has_ended()) return false;
        if (add_lines_in_memory(lines, max)) return true;
        std::string_view line;
        if (!next_of_text(line)) return false;
        lines.push_back(line);
        (void)add_lines_in_memory(lines, max);
        return true;
    }

    /// The next line, and those behind it that are in memory already, as one text.
    bool next_joined(std::string_view& lines) {
        if (block_has_ended() || !next_of_text(lines)) return false;
        const auto joined = joinable_size();
        lines = {lines.data(), lines.size() + joined};
        begin_ += joined;
        position_ += static_cast<std::int64_t>(joined);
        return true;
    }

  private:
    // A line that begins at `position_` follows a delimiter that begins before it.
    [[nodiscard]] bool block_has_ended() const {
        const auto end = input_->block_end();
        return end && position_ >= *end + static_cast<std::int64_t>(delimiter_.size());
    }

    // The next line, wherever the block ends. False at the end of the text.
    bool next_of_text(std::string_view& line) {
        auto searched = begin_;
        while (!next_in_memory(line, searched)) {
            // A delimiter may lie across the end of what is there.
            const auto overlap = std::min(end_ - begin_, delimiter_.size() - 1);
            const auto left = end_ - begin_ - overlap;
            if (!fill()) return begin_ != end_ && give(end_, line);
            searched = begin_ + left;
        }
        return true;
    }

    // The next line, if its delimiter is at `searched` or behind it, in memory.
    bool next_in_memory(std::string_view& line, std::size_t searched) {
        const char* const hit = find_delimiter(searched);
        return hit != nullptr &&
               give(static_cast<std::size_t>(hit - buffer_.data()) + delimiter_.size(), line);
    }

    [[nodiscard]] const char* find_delimiter(std::size_t from) const {
        const char* const text = buffer_.data() + from;
        if (delimiter_.size() == 1) {
            return static_cast<const char*>(std::memchr(text, delimiter_.front(), end_ - from));
        }
        return static_cast<const char*>(
            ::memmem(text, end_ - from, delimiter_.data(), delimiter_.size()));
    }

    bool give(std::size_t end, std::string_view& line) {
        line = {buffer_.data() + begin_, end - begin_};
        position_ += static_cast<std::int64_t>(line.size());
        begin_ = end;
        return true;
    }

    bool add_lines_in_memory(ViewList& lines, std::size_t max);
    bool fill();
    void skip_to_block();
    [[nodiscard]] std::size_t joinable_size() const;
    [[nodiscard]] std::int64_t place_in_step(const std::string& text, std::int64_t origin,
                                             bool is_all) const;

    std::unique_ptr<TextInput> input_;
    std::string delimiter_;
    bool may_overlap_;    // two places at which a delimiter could be
    std::string buffer_;  // what is read and not yet given is from begin_ to end_
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::int64_t position_ = 0;  // of begin_ in the text, from the begin of the block
};

}  // namespace satchel::detail
