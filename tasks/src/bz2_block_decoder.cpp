// The parts of a block are read one small item after the other, so that input may end anywhere. The
// symbols are most of it: as long as there is input for a whole group, they are read in a loop that
// looks after nothing else.
#include "bz2_block_decoder.hpp"

#include "bz2_randomise.hpp"
#include "rotation_unsort.hpp"

#include <algorithm>

namespace satchel::detail {
namespace {

constexpr unsigned entry_length_mask = 31;
constexpr unsigned entry_symbol_shift = 5;

// A group of the longest codes, and what a window loads beyond it.
constexpr std::size_t whole_group = bz2_group_size * bz2_code_length_max / 8 + 16;
// With as many bits there is one group at least: a window is eight bytes ahead.
constexpr std::uint64_t whole_group_bits = 8 * (whole_group + 8);

}  // namespace

void Bz2BlockDecoder::begin(std::size_t capacity) {
    part_ = Part::head;
    capacity_ = capacity;
    text_.resize(capacity);
    set_ = 0;
    used_.clear();
    groups_.clear();
    table_ = 0;
    symbols_ = {};
}

Bz2BlockDecoder::Status Bz2BlockDecoder::read(BitReader& bits) {
    while (true) {
        auto status = Status::needs_input;
        if (part_ == Part::symbols && group_left_ == 0 && bits.has(whole_group_bits)) {
            status = read_whole_groups(bits);
        } else if (!bits.has(lookahead_bits)) {
            return Status::needs_input;
        } else if (part_ == Part::symbols) {
            status = read_symbol(bits);
        } else if (!read_part(bits)) {
            return Status::damaged;
        }
        if (status == Status::complete) return complete();
        if (status == Status::damaged) return status;
    }
}

Bz2BlockDecoder::Status Bz2BlockDecoder::complete() {
    part_ = Part::complete;
    return origin_ < symbols_.size ? Status::complete : Status::damaged;
}

bool Bz2BlockDecoder::read_part(BitReader& bits) {
    switch (part_) {
        case Part::head:
            return read_head(bits);
        case Part::used:
            return read_used(bits);
        case Part::tables:
            return read_tables(bits);
        case Part::groups:
            return read_group(bits);
        case Part::first_length:
            return read_first_length(bits);
        case Part::lengths:
            return read_length(bits);
        default:
            return false;
    }
}

bool Bz2BlockDecoder::read_head(BitReader& bits) {
    is_randomised_ = bits.take(1) != 0;
    origin_ = static_cast<std::uint32_t>(bits.take(24));
    sets_used_ = static_cast<std::uint32_t>(bits.take(16));
    part_ = Part::used;
    return true;
}

bool Bz2BlockDecoder::read_used(BitReader& bits) {
    if ((sets_used_ << set_ & 0x8000) != 0) {
        const auto used = bits.take(16);
        for (unsigned i = 0; i < 16; ++i) {
            if ((used << i & 0x8000) != 0) {
                used_.push_back(static_cast<std::uint8_t>(set_ * 16 + i));
            }
        }
    }
    if (++set_ < 16) return true;
    symbols_.recent = RecentBytes(used_);
    end_ = static_cast<std::uint32_t>(used_.size()) + 1;
    part_ = Part::tables;
    return !used_.empty();
}

bool Bz2BlockDecoder::read_tables(BitReader& bits) {
    table_count_ = static_cast<std::size_t>(bits.take(3));
    group_count_ = static_cast<std::size_t>(bits.take(15));
    recent_tables_ = RecentBytes(std::array<std::uint8_t, bz2_tables_max>{0, 1, 2, 3, 4, 5});
    part_ = Part::groups;
    return table_count_ >= bz2_tables_min && table_count_ <= bz2_tables_max && group_count_ != 0;
}

bool Bz2BlockDecoder::read_group(BitReader& bits) {
    unsigned place = 0;
    while (bits.take(1) != 0) {
        if (++place == table_count_) return false;
    }
    groups_.push_back(recent_tables_.take(place));
    if (groups_.size() == group_count_) part_ = Part::first_length;
    return true;
}

bool Bz2BlockDecoder::read_first_length(BitReader& bits) {
    length_ = static_cast<unsigned>(bits.take(5));
    symbol_ = 0;
    part_ = Part::lengths;
    return true;
}

bool Bz2BlockDecoder::read_length(BitReader& bits) {
    if (length_ < 1 || length_ > bz2_code_length_max) return false;
    if (bits.take(1) != 0) {
        length_ += bits.take(1) == 0 ? 1 : -1U;
        return true;
    }
    lengths_[table_][symbol_] = static_cast<std::uint8_t>(length_);
    if (++symbol_ <= end_) return true;
    codes_[table_].build(std::span(lengths_[table_]).first(symbol_));
    part_ = Part::first_length;
    if (++table_ == table_count_) begin_symbols();
    return true;
}

void Bz2BlockDecoder::begin_symbols() {
    symbols_.text = reinterpret_cast<std::uint8_t*>(text_.data());
    group_ = 0;
    group_left_ = 0;
    part_ = Part::symbols;
}

bool Bz2BlockDecoder::next_group() {
    if (group_ == groups_.size()) return false;
    table_ = groups_[group_++];
    return true;
}

// Needs_input: there are more.
inline Bz2BlockDecoder::Status Bz2BlockDecoder::Symbols::put(std::uint32_t symbol,
                                                             std::uint32_t end,
                                                             std::size_t capacity) {
    if (symbol <= bz2_run_b) {
        run += std::size_t{symbol + 1} << digits++;
        return run <= capacity ? Status::needs_input : Status::damaged;
    }
    if (run != 0 && !put_run(capacity)) return Status::damaged;
    if (symbol == end) return Status::complete;
    if (size == capacity) return Status::damaged;
    text[size++] = recent.take(symbol - 1);
    return Status::needs_input;
}

inline bool Bz2BlockDecoder::Symbols::put_run(std::size_t capacity) {
    if (run > capacity - size) return false;
    std::fill_n(text + size, run, recent.front());
    size += run;
    run = 0;
    digits = 0;
    return true;
}

Bz2BlockDecoder::Status Bz2BlockDecoder::read_symbol(BitReader& bits) {
    if (group_left_ == 0) {
        if (!next_group()) return Status::damaged;
        group_left_ = bz2_group_size;
    }
    const auto next = static_cast<std::uint32_t>(bits.peek(bz2_code_length_max));
    const auto entry = codes_[table_].find(next);
    if (entry == 0) return Status::damaged;
    bits.skip(entry & entry_length_mask);
    --group_left_;
    return symbols_.put(entry >> entry_symbol_shift, end_, capacity_);
}

Bz2BlockDecoder::Status Bz2BlockDecoder::read_whole_groups(BitReader& bits) {
    BitWindow window(bits);
    Symbols symbols = symbols_;  // in registers
    const auto capacity = capacity_;
    const auto end = end_;
    const auto* const begin = bits.data().data();
    const auto* const last = begin + bits.data().size() - whole_group;
    auto status = Status::needs_input;
    while (status == Status::needs_input && window.next() <= last) {
        if (!next_group()) return Status::damaged;
        const auto& codes = codes_[table_];
        for (std::size_t i = 0; i < bz2_group_size && status == Status::needs_input; ++i) {
            // A window has two codes at least, but one is hardly slower.
            window.refill();
            const auto entry = codes.find(window.peek(bz2_code_length_max));
            if (entry == 0) return Status::damaged;
            window.skip(entry & entry_length_mask);
            status = symbols.put(entry >> entry_symbol_shift, end, capacity);
        }
    }
    symbols_ = symbols;
    bits.skip(window.distance(begin) - bits.position());
    return status;
}

std::span<const std::uint8_t> Bz2BlockDecoder::decode() {
    const auto text = std::span(symbols_.text, symbols_.size);
    unsort_rotations(text, origin_);
    if (is_randomised_) undo_bz2_randomise(text);
    return text;
}

Bytes Bz2BlockDecoder::decode_and_release() {
    const auto size = decode().size();
    text_.resize(size);
    return std::move(text_).freeze();
}

}  // namespace satchel::detail
