// Where the lines of a block begin, and the buffer that they are given from.
#include "text/line_reader.hpp"

#include <satchel/detail/text_operations.hpp>

#include <algorithm>
#include <span>

namespace satchel::detail {
namespace {

// Enough for a small file; and what fits in the cache of a core and makes system calls cheap.
constexpr std::size_t buffer_size_min = std::size_t{16} << 10;
constexpr std::size_t buffer_size_max = std::size_t{256} << 10;
// As much as makes views of words that stay in the cache, too.
constexpr std::size_t joined_bytes_max = std::size_t{4} << 10;

// Whether two occurrences of `text` may overlap.
bool overlaps_itself(std::string_view text) {
    for (std::size_t shift = 1; shift < text.size(); ++shift) {
        if (text.substr(shift) == text.substr(0, text.size() - shift)) return true;
    }
    return false;
}

}  // namespace

LineReader::LineReader(std::unique_ptr<TextInput> input, std::string delimiter)
    : input_(std::move(input)),
      delimiter_(std::move(delimiter)),
      may_overlap_(overlaps_itself(delimiter_)) {
    if (input_->at_start()) return;
    if (input_->block_end() == 0) {
        position_ = static_cast<std::int64_t>(delimiter_.size());  // no line begins in it
    } else {
        skip_to_block();
    }
}

// The lines of the block that are there as wholes. False if there are none.
bool LineReader::add_lines_in_memory(ViewList& lines, std::size_t max) {
    const auto before = lines.size();
    if (delimiter_.size() == 1) {
        auto size = end_ - begin_;
        if (const auto end = input_->block_end()) {
            size = std::min(
                size, static_cast<std::size_t>(std::max(*end + 1 - position_, std::int64_t{0})));
        }
        const auto added =
            add_lines({buffer_.data() + begin_, size}, delimiter_.front(), max, lines);
        begin_ += added;
        position_ += static_cast<std::int64_t>(added);
    } else {
        std::string_view line;
        while (lines.size() < max && !block_has_ended() && next_in_memory(line, begin_)) {
            lines.push_back(line);
        }
    }
    return lines.size() != before;
}

// Reads on. False at the end of the text.
bool LineReader::fill() {
    if (begin_ != 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    // From the maximum on, only a line that is longer than the buffer makes it grow.
    if (buffer_.size() < buffer_size_max || end_ + view_padding == buffer_.size()) {
        buffer_.resize(std::max(buffer_size_min, 2 * buffer_.size()));
    }
    const auto room = buffer_.size() - view_padding - end_;
    const auto read = input_->read({buffer_.data() + end_, room});
    end_ += read;
    return read != 0;
}

// How many bytes of lines there are from `begin_` on, in memory and in the block. The last ones of
// a block are left to others, as they depend on where each line begins.
std::size_t LineReader::joinable_size() const {
    if (may_overlap_) return 0;
    auto size = std::min(end_ - begin_, joined_bytes_max);
    if (const auto end = input_->block_end()) {
        size =
            std::min(size, static_cast<std::size_t>(std::max(*end - position_, std::int64_t{0})));
    }
    const std::string_view text(buffer_.data() + begin_, size);
    const auto last =
        delimiter_.size() == 1 ? text.rfind(delimiter_.front()) : text.rfind(delimiter_);
    return last == std::string_view::npos ? 0 : last + delimiter_.size();
}

// Moves behind the first delimiter that begins in the block, or behind it.
void LineReader::skip_to_block() {
    const auto size = static_cast<std::int64_t>(delimiter_.size());
    if (may_overlap_) {
        (void)fill();
        const std::string head(buffer_.data(), std::min(end_, delimiter_.size()));
        std::string context;
        std::int64_t place = 1;
        for (std::size_t wanted = 64 + 4 * delimiter_.size(); place > 0; wanted *= 4) {
            context = input_->before(wanted);
            place = place_in_step(context + head, static_cast<std::int64_t>(context.size()),
                                  context.size() < wanted);
        }
        buffer_.insert(0, context, context.size() - static_cast<std::size_t>(-place));
        end_ += static_cast<std::size_t>(-place);
        position_ = place;
    }
    std::string_view line;
    while (next_of_text(line)) {
        if (position_ >= size) return;
    }
}

// The nearest place at or before `origin`, counted from there, that no occurrence of the delimiter
// in `text` lies across; 1 if `text`, which may not be all from its start, is too short to tell.
std::int64_t LineReader::place_in_step(const std::string& text, std::int64_t origin,
                                       bool is_all) const {
    const auto size = static_cast<std::int64_t>(delimiter_.size());
    auto place = origin;
    while (place > 0) {
        const auto first = std::max<std::int64_t>(place - size + 1, 0);
        if (place - size + 1 < 0 && !is_all) return 1;
        const auto hit = text.find(delimiter_, static_cast<std::size_t>(first));
        if (hit == std::string::npos || static_cast<std::int64_t>(hit) >= place) break;
        place = static_cast<std::int64_t>(hit);
    }
    return place == 0 && !is_all ? 1 : place - origin;
}

}  // namespace satchel::detail
