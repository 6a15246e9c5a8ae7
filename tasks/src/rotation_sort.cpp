// Induced sorting (Nong, Zhang, Chan: "Two efficient algorithms for linear time suffix array
// construction", 2011) of rotations in place of suffixes.
//
// A rotation is called rising if it is less than the one that begins a character later, else
// falling. Of those that begin with the same character, the falling ones come first. A valley is a
// rising rotation behind a falling one. If the valleys are in order, two sweeps over the table of
// all rotations put the others in order: upwards, each rotation found tells the place of the one
// before it, if that is falling; downwards, if that is rising. The order of the valleys follows
// from the same two sweeps: begun with valleys in any order, they sort them as far as the next
// valley. These pieces of text get names in that order, and the rotations of the text of names, at
// most half as long, are sorted in the same way.
//
// There is no end of the text that would have to be less than all characters, because text is taken
// as a ring, cut open at a valley. A text that repeats itself has equal rotations, in any order.
//
// An entry of the table holds the character before a rotation beside its position, so that a sweep
// never waits for a character from anywhere in the text.
#include "rotation_sort.hpp"

#include <satchel/bytes.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace satchel::detail {
namespace {

// An entry of the table: position, the character before, two flags.
template <class Character>
struct Packing;

template <>
struct Packing<std::uint8_t> {
    using Entry = std::uint32_t;
    static constexpr unsigned position_bits = 20;
};

template <>
struct Packing<std::uint32_t> {
    using Entry = std::uint64_t;
    static constexpr unsigned position_bits = 32;
};

// `size` objects in pooled memory, with undetermined values.
template <class T>
class Array {
  public:
    explicit Array(std::size_t size) : memory_(size * sizeof(T)) {}
    [[nodiscard]] T* data() { return reinterpret_cast<T*>(memory_.data()); }

  private:
    Buffer memory_;
};

template <class Character>
class RotationSorter {
  public:
    using Entry = typename Packing<Character>::Entry;

    // The characters are less than `alphabet`. `table` has room for all rotations.
    RotationSorter(std::span<const Character> text, std::size_t alphabet, Entry* table)
        : size_(text.size()),
          table_(table),
          memory_(size_ + padding),
          text_(memory_.data() + 1),
          bucket_ends_(alphabet),
          cursors_(alphabet) {
        cut_at_ = first_valley(text);
        if (is_constant()) return;
        auto* const end = std::ranges::copy(text.subspan(cut_at_), text_).out;
        std::ranges::copy(text.first(cut_at_), end);
        text_[-1] = text_[size_ - 1];
        text_[size_] = text_[0];
        std::fill_n(text_ + size_ + 1, padding - 2, Character{});
        count_characters();
    }

    /// All characters are equal: there is nothing to sort, and nothing else may be called.
    [[nodiscard]] bool is_constant() const { return cut_at_ == size_; }

    /// Sorts the rotations into the table.
    void sort() {
        Array<std::uint32_t> valleys(size_ / 2 + 1);
        Array<std::uint32_t> names(size_ / 2 + 1);
        find_valleys(valleys.data());
        begin_sweeps();
        for (std::size_t i = 0; i < valley_count_; ++i) put_valley(valleys.data()[i]);
        sweep();
        order_valleys(valleys.data(), names.data());
        begin_sweeps();
        for (std::size_t i = valley_count_; i-- > 0;) put_valley(valleys.data()[i]);
        sweep();
    }

    /// The position, in the text that was given, at which the i-th rotation begins.
    [[nodiscard]] std::size_t position(std::size_t i) const {
        const auto position = position_of(table_[i]) + cut_at_;
        return position >= size_ ? position - size_ : position;
    }

    [[nodiscard]] Character before(std::size_t i) const { return before_of(table_[i]); }

    /// Which rotation is the text that was given.
    [[nodiscard]] std::size_t origin() const {
        const auto start = cut_at_ == 0 ? 0 : size_ - cut_at_;
        const auto character = text_[start];
        std::size_t i = character == 0 ? 0 : bucket_ends_[character - 1];
        while (position_of(table_[i]) != start) ++i;
        return i;
    }

  private:
    // One character before the text, one behind it, and what a load of eight may read.
    static constexpr std::size_t padding = 9;

    static constexpr unsigned position_bits = Packing<Character>::position_bits;
    static constexpr unsigned entry_bits = 8 * sizeof(Entry);
    // What comes before the entry is falling; the entry is a valley found by the sweep downwards.
    static constexpr Entry after_falling = Entry{1} << (entry_bits - 1);
    static constexpr Entry valley = Entry{1} << (entry_bits - 2);

    static std::size_t position_of(Entry entry) {
        return static_cast<std::size_t>(entry & ((Entry{1} << position_bits) - 1));
    }
    static Character before_of(Entry entry) {
        return static_cast<Character>((entry & (valley - 1)) >> position_bits);
    }
    static Entry pack(std::size_t position, Character before) {
        return static_cast<Entry>(position) | static_cast<Entry>(before) << position_bits;
    }

    // Where a run of the least character begins; the size if there is no other character.
    static std::size_t first_valley(std::span<const Character> text) {
        const auto least = *std::ranges::min_element(text);
        if (text.front() == least && text.back() != least) return 0;
        const auto other =
            std::ranges::find_if(text, [&](Character c) { return c != least; }) - text.begin();
        return static_cast<std::size_t>(std::find(text.begin() + other, text.end(), least) -
                                        text.begin());
    }

    void count_characters() {
        std::ranges::fill(bucket_ends_, 0);
        for (std::size_t i = 0; i < size_; ++i) ++bucket_ends_[text_[i]];
        std::uint32_t sum = 0;
        for (auto& end : bucket_ends_) end = sum += end;
    }

    // In order of the text. The valley at which the ring is open comes last, at size_.
    void find_valleys(std::uint32_t* valleys) {
        std::size_t count = 0;
        bool falling = false;
        for (std::size_t i = 0; i < size_; ++i) {
            const auto at = size_ - 1 - i;
            const bool was_falling = falling;
            falling = text_[at] > text_[at + 1] || (text_[at] == text_[at + 1] && was_falling);
            valleys[count] = static_cast<std::uint32_t>(at + 1);
            count += falling && !was_falling ? 1 : 0;
        }
        std::reverse(valleys, valleys + count);
        valley_count_ = count;
    }

    void begin_sweeps() {
        std::fill_n(table_, size_, Entry{0});
        cursors_ = bucket_ends_;
    }

    void put_valley(std::size_t position) {
        table_[--cursors_[text_[position]]] = pack(position, text_[position - 1]) | after_falling;
    }

    void sweep() {
        std::ranges::copy(bucket_ends_.begin(), bucket_ends_.end() - 1, cursors_.begin() + 1);
        cursors_[0] = 0;
        sweep_up();
        cursors_ = bucket_ends_;
        sweep_down();
    }

    void sweep_up() {
        auto* const cursors = cursors_.data();
        for (std::size_t i = 0; i < size_; ++i) {
            const auto entry = table_[i];
            if ((entry & after_falling) == 0) continue;
            const auto position = position_of(entry) - 1;
            const auto character = before_of(entry);
            const auto before = text_[static_cast<std::ptrdiff_t>(position) - 1];
            table_[cursors[character]++] =
                pack(position, before) | (before >= character ? after_falling : 0);
        }
    }

    void sweep_down() {
        auto* const cursors = cursors_.data();
        for (std::size_t i = size_; i-- > 0;) {
            const auto entry = table_[i];
            if ((entry & (after_falling | valley)) != 0) continue;
            const auto position = position_of(entry) - 1;
            const auto character = before_of(entry);
            const auto before = text_[static_cast<std::ptrdiff_t>(position) - 1];
            table_[--cursors[character]] =
                pack(position, before) | (before > character ? valley : 0);
        }
    }

    // Sorts the valleys, which are in order of the text, given that the table has those that differ
    // before the next valley in order.
    void order_valleys(std::uint32_t* valleys, std::uint32_t* names) {
        const auto count = valley_count_;
        Array<std::uint32_t> sorted(count);
        std::size_t found = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            if ((table_[i] & valley) != 0) {
                sorted.data()[found++] = static_cast<std::uint32_t>(position_of(table_[i]));
            }
        }
        const auto different = name_valleys(valleys, sorted.data(), names);
        if (different == count) {
            for (std::size_t i = 0; i < count; ++i) {
                const auto position = sorted.data()[i];
                valleys[i] = position == 0 ? static_cast<std::uint32_t>(size_) : position;
            }
            return;
        }
        for (std::size_t i = 0; i < count; ++i) {
            sorted.data()[i] = names[valleys[i] == size_ ? 0 : valleys[i] / 2];
        }
        RotationSorter<std::uint32_t> inner({sorted.data(), count}, different,
                                            reinterpret_cast<std::uint64_t*>(table_));
        if (inner.is_constant()) return;
        inner.sort();
        for (std::size_t i = 0; i < count; ++i) sorted.data()[i] = valleys[inner.position(i)];
        std::copy_n(sorted.data(), count, valleys);
    }

    // Valleys are never neighbours, so the name of one is at half its position.
    std::size_t name_valleys(const std::uint32_t* valleys, const std::uint32_t* sorted,
                             std::uint32_t* names) {
        const auto count = valley_count_;
        names[0] = valleys[0] + 1;  // at first, the length
        for (std::size_t i = 0; i + 1 < count; ++i) {
            names[valleys[i] / 2] = valleys[i + 1] - valleys[i] + 1;
        }
        std::uint32_t name = 0;
        std::size_t last_length = names[sorted[0] / 2];
        names[sorted[0] / 2] = 0;
        for (std::size_t i = 1; i < count; ++i) {
            const auto length = names[sorted[i] / 2];
            const bool same =
                length == last_length && equal(text_ + sorted[i - 1], text_ + sorted[i], length);
            name += same ? 0 : 1;
            names[sorted[i] / 2] = name;
            last_length = length;
        }
        return name + 1;
    }

    static bool equal(const Character* a, const Character* b, std::size_t length) {
        if constexpr (sizeof(Character) == 1) {
            if (length <= 8) {
                std::uint64_t left = 0;
                std::uint64_t right = 0;
                std::memcpy(&left, a, 8);
                std::memcpy(&right, b, 8);
                return (left ^ right) << (64 - 8 * length) == 0;
            }
        }
        return std::equal(a, a + length, b);
    }

    std::size_t size_;
    Entry* table_;
    Array<Character> memory_;
    Character* text_;
    std::size_t cut_at_ = 0;
    std::size_t valley_count_ = 0;
    std::vector<std::uint32_t> bucket_ends_;
    std::vector<std::uint32_t> cursors_;
};

}  // namespace

std::uint32_t sort_rotations(std::span<const std::uint8_t> text, std::span<std::uint8_t> last) {
    // Eight bytes for each second position, too: see order_valleys.
    Array<std::uint32_t> table(text.size() + 1);
    RotationSorter<std::uint8_t> sorter(text, 256, table.data());
    if (sorter.is_constant()) {
        std::ranges::copy(text, last.begin());
        return 0;
    }
    sorter.sort();
    for (std::size_t i = 0; i < text.size(); ++i) last[i] = sorter.before(i);
    return static_cast<std::uint32_t>(sorter.origin());
}

}  // namespace satchel::detail
