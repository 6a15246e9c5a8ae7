// The walk along the Huffman codes of a deflate stream (RFC 1951).
//
// It need not know what a code means, only how many bits follow from it: those of the code and of
// the extra bits behind it. So a table, indexed by the next bits of the stream, gives one number of
// bits to skip; two literals whose codes fit in the index together are one entry. Codes longer than
// the index are rare by construction and are decoded bit by bit.
#include "deflate_walk.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace satchel::detail {
namespace {

constexpr unsigned code_length_max = 15;
constexpr unsigned literal_count_max = 288;  // literals, end of block, lengths
constexpr unsigned distance_count_max = 32;
constexpr unsigned end_of_block = 256;
constexpr unsigned last_length = 285;  // there are codes for more symbols, but no meaning
constexpr unsigned last_distance = 29;

// The stream, at a bit. Reading beyond its end gives zeros, so that every loop that goes on must
// ask `overrun`, and none that asks can touch what is not there.
class BitReader {
  public:
    explicit BitReader(std::span<const std::byte> data) : data_(data) {}

    // The next bits, at least 57 of them.
    [[nodiscard]] std::uint64_t peek() const {
        static_assert(std::endian::native == std::endian::little);
        const auto byte = static_cast<std::size_t>(position_ / 8);
        std::uint64_t bits = 0;
        if (byte + sizeof bits <= data_.size()) [[likely]] {
            std::memcpy(&bits, data_.data() + byte, sizeof bits);
        } else if (byte < data_.size()) {
            std::memcpy(&bits, data_.data() + byte, data_.size() - byte);
        }
        return bits >> position_ % 8;
    }

    void skip(std::uint64_t count) { position_ += count; }
    void skip_to_byte() { position_ = (position_ + 7) / 8 * 8; }

    unsigned take(unsigned count) {
        const auto bits = static_cast<unsigned>(peek() & ((1U << count) - 1));
        skip(count);
        return bits;
    }

    [[nodiscard]] std::uint64_t position() const { return position_; }
    [[nodiscard]] bool overrun() const { return position_ > data_.size() * 8; }

  private:
    std::span<const std::byte> data_;
    std::uint64_t position_ = 0;
};

// A set of prefix codes, given by the length of each symbol's code. Codes of one length are
// consecutive numbers in the order of their symbols, and longer ones follow shorter ones.
class Codes {
  public:
    // False if there are more codes than their lengths leave room for.
    bool assign(std::span<const std::uint8_t> lengths) {
        lengths_ = lengths;
        count_ = {};
        for (const auto length : lengths) ++count_[length];
        count_[0] = 0;
        std::array<unsigned, code_length_max + 1> next{};
        std::array<unsigned, code_length_max + 1> index{};
        for (unsigned length = 1; length <= code_length_max; ++length) {
            next[length] = (next[length - 1] + count_[length - 1]) << 1;
            index[length] = index[length - 1] + count_[length - 1];
            if (next[length] + count_[length] > 1U << length) return false;
        }
        for (unsigned symbol = 0; symbol < lengths.size(); ++symbol) {
            const unsigned length = lengths[symbol];
            if (length == 0) continue;
            code_[symbol] = static_cast<std::uint16_t>(next[length]++);
            sorted_[index[length]++] = static_cast<std::uint16_t>(symbol);
        }
        return true;
    }

    // Enters every code of at most `bits` bits in `table`, at each index whose low bits are the
    // code as it stands in the stream, highest bit first. `entry(symbol, length)` makes what is
    // entered.
    template <class Entry, std::size_t size>
    void fill(std::array<Entry, size>& table, Entry (*entry)(unsigned, unsigned)) const {
        constexpr auto bits = static_cast<unsigned>(std::countr_zero(size));
        for (unsigned symbol = 0; symbol < lengths_.size(); ++symbol) {
            const unsigned length = lengths_[symbol];
            if (length == 0 || length > bits) continue;
            unsigned reversed = 0;
            for (unsigned i = 0; i < length; ++i) {
                reversed |= (code_[symbol] >> i & 1U) << (length - 1 - i);
            }
            for (std::size_t i = reversed; i < size; i += std::size_t{1} << length) {
                table[i] = entry(symbol, length);
            }
        }
    }

    struct Symbol {
        unsigned value = 0;
        unsigned length = 0;
    };

    // The symbol whose code `bits` begin with; nothing if there is none.
    [[nodiscard]] std::optional<Symbol> decode(std::uint64_t bits) const {
        unsigned code = 0;
        unsigned first = 0;  // code of the current length
        unsigned index = 0;  // of its symbol
        for (unsigned length = 1; length <= code_length_max; ++length, bits >>= 1) {
            code = code << 1 | static_cast<unsigned>(bits & 1);
            first <<= 1;
            if (code - first < count_[length]) return Symbol{sorted_[index + code - first], length};
            first += count_[length];
            index += count_[length];
        }
        return std::nullopt;
    }

  private:
    std::span<const std::uint8_t> lengths_;
    std::array<unsigned, code_length_max + 1> count_{};
    std::array<std::uint16_t, literal_count_max> code_{};
    std::array<std::uint16_t, literal_count_max> sorted_{};  // symbols in the order of their codes
};

unsigned length_extra_bits(unsigned symbol) {
    constexpr unsigned first = 257;
    return symbol < first + 8 || symbol == last_length ? 0 : (symbol - first) / 4 - 1;
}

unsigned distance_extra_bits(unsigned symbol) { return symbol < 4 ? 0 : symbol / 2 - 1; }

class Walker {
  public:
    explicit Walker(std::span<const std::byte> data) : reader_(data) {}

    std::optional<LastBlock> find() {
        while (true) {
            const auto begin = reader_.position();
            const bool is_final = reader_.take(1) != 0;
            if (!skip_block(reader_.take(2)) || reader_.overrun()) return std::nullopt;
            if (is_final) return LastBlock{begin, reader_.position()};
        }
    }

  private:
    // 12 and 10 bits hold nearly every code that occurs, and both tables fit in the fastest cache.
    static constexpr std::size_t literal_table_size = 1U << 12;
    static constexpr std::size_t distance_table_size = 1U << 10;
    // What one look at the stream is used for, below: two literals, a length, an index of a
    // distance.
    static_assert(12 + 12 + 12 + 5 + 10 <= 57);

    enum class Kind : std::uint8_t { slow, literal, match, end };
    struct Entry {
        std::uint8_t skip = 0;  // bits of the code and what belongs to it
        Kind kind = Kind::slow;
    };

    bool skip_block(unsigned type) {
        switch (type) {
            case 0:
                return skip_stored();
            case 1:
                return use_fixed_codes() && skip_codes();
            case 2:
                return read_codes() && skip_codes();
            default:
                return false;
        }
    }

    bool skip_stored() {
        reader_.skip_to_byte();
        const unsigned length = reader_.take(16);
        const unsigned complement = reader_.take(16);
        reader_.skip(std::uint64_t{8} * length);
        return (length ^ complement) == 0xFFFF;
    }

    bool use_fixed_codes() {
        const auto literals = std::span(lengths_).first(literal_count_max);
        std::ranges::fill(literals.first(144), std::uint8_t{8});
        std::ranges::fill(literals.subspan(144, 112), std::uint8_t{9});
        std::ranges::fill(literals.subspan(256, 24), std::uint8_t{7});
        std::ranges::fill(literals.subspan(280, 8), std::uint8_t{8});
        const auto distances = std::span(lengths_).subspan(literal_count_max, distance_count_max);
        std::ranges::fill(distances, std::uint8_t{5});
        return make_tables(literals, distances);
    }

    // Reads the lengths of this block's codes, which are themselves coded.
    bool read_codes() {
        const unsigned literal_count = 257 + reader_.take(5);
        const unsigned distance_count = 1 + reader_.take(5);
        const unsigned meta_count = 4 + reader_.take(4);
        if (literal_count > literal_count_max) return false;
        constexpr std::array<std::uint8_t, 19> order{16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                     11, 4,  12, 3, 13, 2, 14, 1, 15};
        std::array<std::uint8_t, 19> meta_lengths{};
        for (unsigned i = 0; i < meta_count; ++i) {
            meta_lengths[order[i]] = static_cast<std::uint8_t>(reader_.take(3));
        }
        Codes meta;
        if (!meta.assign(meta_lengths)) return false;
        const auto all = std::span(lengths_).first(literal_count + distance_count);
        return read_lengths(meta, all) &&
               make_tables(all.first(literal_count), all.subspan(literal_count));
    }

    bool read_lengths(const Codes& meta, std::span<std::uint8_t> lengths) {
        std::size_t size = 0;
        while (size < lengths.size()) {
            const auto symbol = meta.decode(reader_.peek());
            if (!symbol || reader_.overrun()) return false;
            reader_.skip(symbol->length);
            std::uint8_t value = 0;
            unsigned repeat = 1;
            switch (symbol->value) {
                case 16:
                    if (size == 0) return false;
                    value = lengths[size - 1];
                    repeat = 3 + reader_.take(2);
                    break;
                case 17:
                    repeat = 3 + reader_.take(3);
                    break;
                case 18:
                    repeat = 11 + reader_.take(7);
                    break;
                default:
                    value = static_cast<std::uint8_t>(symbol->value);
            }
            if (repeat > lengths.size() - size) return false;
            std::ranges::fill(lengths.subspan(size, repeat), value);
            size += repeat;
        }
        return true;
    }

    bool make_tables(std::span<const std::uint8_t> literals,
                     std::span<const std::uint8_t> distances) {
        if (!literals_.assign(literals) || !distances_.assign(distances)) return false;
        single_table_ = {};
        literals_.fill(single_table_, literal_entry);
        pair_literals();
        distance_table_ = {};
        distances_.fill(distance_table_, distance_entry);
        return true;
    }

    // Symbols without meaning stay out of the tables, and are found out the slow way.
    static Entry literal_entry(unsigned symbol, unsigned length) {
        if (symbol > last_length) return {};
        if (symbol < end_of_block) return {static_cast<std::uint8_t>(length), Kind::literal};
        if (symbol == end_of_block) return {static_cast<std::uint8_t>(length), Kind::end};
        return {static_cast<std::uint8_t>(length + length_extra_bits(symbol)), Kind::match};
    }

    static std::uint8_t distance_entry(unsigned symbol, unsigned length) {
        return symbol > last_distance
                   ? std::uint8_t{0}
                   : static_cast<std::uint8_t>(length + distance_extra_bits(symbol));
    }

    // Where two literals fit in an index, one entry skips both.
    void pair_literals() {
        literal_table_ = single_table_;
        for (std::size_t i = 0; i < literal_table_size; ++i) {
            const Entry first = single_table_[i];
            if (first.kind != Kind::literal) continue;
            // The bits that are shifted in are unknown: the second code must not need them.
            const Entry second = single_table_[i >> first.skip];
            const unsigned both = first.skip + second.skip;
            if (second.kind == Kind::literal && both <= 12) {
                literal_table_[i].skip = static_cast<std::uint8_t>(both);
            }
        }
    }

    // Follows the codes of a block to its end.
    bool skip_codes() {
        while (!reader_.overrun()) {
            std::uint64_t bits = reader_.peek();
            Entry entry = literal_table_[bits % literal_table_size];
            // Literals come in rows. Up to three entries are served by one look at the stream.
            for (int i = 0; i < 2 && entry.kind == Kind::literal; ++i) {
                reader_.skip(entry.skip);
                bits >>= entry.skip;
                entry = literal_table_[bits % literal_table_size];
            }
            reader_.skip(entry.skip);
            bits >>= entry.skip;
            switch (entry.kind) {
                case Kind::literal:
                    break;
                case Kind::end:
                    return true;
                case Kind::match:
                    if (!skip_distance(bits)) return false;
                    break;
                case Kind::slow: {
                    const auto symbol = literals_.decode(reader_.peek());
                    if (!symbol || symbol->value > last_length) return false;
                    reader_.skip(symbol->length);
                    if (symbol->value == end_of_block) return true;
                    if (symbol->value < end_of_block) break;
                    reader_.skip(length_extra_bits(symbol->value));
                    if (!skip_distance(reader_.peek())) return false;
                }
            }
        }
        return false;
    }

    // `bits` are the next ones of the stream, as many as index the table.
    bool skip_distance(std::uint64_t bits) {
        if (const unsigned skip = distance_table_[bits % distance_table_size]; skip != 0) {
            reader_.skip(skip);
            return true;
        }
        const auto symbol = distances_.decode(reader_.peek());
        if (!symbol || symbol->value > last_distance) return false;
        reader_.skip(symbol->length + distance_extra_bits(symbol->value));
        return true;
    }

    BitReader reader_;
    std::array<std::uint8_t, literal_count_max + distance_count_max> lengths_{};
    Codes literals_;
    Codes distances_;
    std::array<Entry, literal_table_size> single_table_{};
    std::array<Entry, literal_table_size> literal_table_{};
    std::array<std::uint8_t, distance_table_size> distance_table_{};
};

}  // namespace

std::optional<LastBlock> find_last_block(std::span<const std::byte> data) {
    return Walker(data).find();
}

}  // namespace satchel::detail
