// The steps of bzip2, one after the other; see bz2_format.hpp.
#include "bz2_block_encoder.hpp"

#include "bit_writer.hpp"
#include "bz2_code_tables.hpp"
#include "bz2_runs.hpp"
#include "recent_bytes.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace satchel::detail {
namespace {

template <class T>
std::span<T> view_of(Buffer& memory) {
    return {reinterpret_cast<T*>(memory.data()), memory.size() / sizeof(T)};
}

// Which bytes occur, in ascending order.
std::vector<std::uint8_t> bytes_used(std::span<const std::uint8_t> text) {
    std::array<bool, 256> is_used{};
    for (const auto byte : text) is_used[byte] = true;
    std::vector<std::uint8_t> used;
    for (std::size_t byte = 0; byte < 256; ++byte) {
        if (is_used[byte]) used.push_back(static_cast<std::uint8_t>(byte));
    }
    return used;
}

// Writes the digits of a run of zeros to `out`, and gives their end.
std::uint16_t* put_run(std::uint16_t* out, std::size_t zeros) {
    for (; zeros != 0; zeros = (zeros - 1) / 2) *out++ = zeros % 2 == 1 ? bz2_run_a : bz2_run_b;
    return out;
}

// `out` has room for one symbol more than there are bytes. Gives the number of symbols.
std::size_t make_symbols(std::span<const std::uint8_t> text, std::span<const std::uint8_t> used,
                         std::uint16_t* out) {
    const auto* const begin = out;
    RecentBytes recent(used);
    std::size_t zeros = 0;
    for (const auto byte : text) {
        if (byte == recent.front()) {
            ++zeros;
            continue;
        }
        out = put_run(out, zeros);
        zeros = 0;
        *out++ = static_cast<std::uint16_t>(recent.use(byte) + 1);
    }
    out = put_run(out, zeros);
    *out++ = static_cast<std::uint16_t>(used.size() + 1);
    return static_cast<std::size_t>(out - begin);
}

void put_used(BitWriter& bits, std::span<const std::uint8_t> used) {
    std::array<std::uint64_t, 16> sets{};
    std::uint64_t sets_used = 0;
    for (const auto byte : used) {
        sets[byte / 16] |= std::uint64_t{0x8000} >> byte % 16;
        sets_used |= std::uint64_t{0x8000} >> byte / 16;
    }
    bits.put(sets_used, 16);
    for (const auto set : sets) {
        if (set != 0) bits.put(set, 16);
    }
}

// `padding` groups are added that no symbol needs; each takes one bit.
void put_tables(BitWriter& bits, const CodeTables& tables, std::size_t padding) {
    bits.put(tables.count, 3);
    bits.put(tables.groups.size() + padding, 15);
    RecentBytes recent(std::array<std::uint8_t, bz2_tables_max>{0, 1, 2, 3, 4, 5});
    for (const auto table : tables.groups) {
        const auto place = recent.use(table);
        bits.put((std::uint64_t{1} << (place + 1)) - 2, place + 1);
    }
    bits.put(0, static_cast<unsigned>(padding));
    for (std::size_t t = 0; t < tables.count; ++t) {
        auto length = tables.lengths[t][0];
        bits.put(length, 5);
        for (std::size_t s = 0; s < tables.alphabet; ++s) {
            for (; length < tables.lengths[t][s]; ++length) bits.put(0b10, 2);
            for (; length > tables.lengths[t][s]; --length) bits.put(0b11, 2);
            bits.put(0, 1);
        }
    }
}

// A code and, in its lowest five bits, its length.
using Codes = std::array<std::uint32_t, bz2_symbols_max>;

// Codes of the same length follow each other in order of the symbols.
Codes make_codes(std::span<const std::uint8_t> lengths) {
    Codes codes{};
    std::uint32_t next = 0;
    for (std::uint32_t length = 1; length <= bz2_code_length_max; ++length) {
        for (std::size_t s = 0; s < lengths.size(); ++s) {
            if (lengths[s] == length) codes[s] = next++ << 5 | length;
        }
        next *= 2;
    }
    return codes;
}

void put_symbols(BitWriter& bits, const CodeTables& tables,
                 std::span<const std::uint16_t> symbols) {
    std::array<Codes, bz2_tables_max> codes{};
    for (std::size_t t = 0; t < tables.count; ++t) {
        codes[t] = make_codes(std::span(tables.lengths[t]).first(tables.alphabet));
    }
    for (const auto table : tables.groups) {
        const auto group = symbols.first(std::min(bz2_group_size, symbols.size()));
        symbols = symbols.subspan(group.size());
        for (const auto symbol : group) {
            const auto code = codes[table][symbol];
            bits.put(code >> 5, code & 31);
        }
    }
}

// At the most, in bytes.
std::size_t block_bound(const CodeTables& tables) {
    constexpr std::size_t head_bits = 80 + 25 + 17 * 16 + 18;
    // A length differs from the one before by at most 20 steps of two bits.
    const auto lengths_bits = tables.count * (5 + tables.alphabet * 41);
    const auto groups_bits = tables.groups.size() * tables.count;
    return (head_bits + groups_bits + lengths_bits + tables.symbols_size) / 8 + 10;
}

}  // namespace

Bz2Block encode_bz2_block(std::span<const std::byte> data, std::int64_t level) {
    Buffer text_memory(bz2_block_capacity(level));
    const auto shortened = shorten_runs(data, view_of<std::uint8_t>(text_memory));
    const auto text = view_of<std::uint8_t>(text_memory).first(shortened.size);
    const auto used = bytes_used(text);
    const auto origin = sort_rotations(text, text);

    Buffer symbols_memory((text.size() + 1) * sizeof(std::uint16_t));
    const auto all = view_of<std::uint16_t>(symbols_memory);
    const auto symbols = all.first(make_symbols(text, used, all.data()));
    const auto tables = choose_code_tables(symbols, used.size() + 2);

    Bz2Block block;
    block.crc = bz2_crc(0, data.first(shortened.used));
    block.used = shortened.used;
    Buffer out(block_bound(tables));
    const auto put_head = [&](std::size_t padding) {
        BitWriter bits(out.data());
        bits.put(bz2_block_magic >> 24, 24);
        bits.put(bz2_block_magic & 0xFF'FFFF, 24);
        bits.put(block.crc, 32);
        bits.put(origin, 25);  // the highest bit says that the block is not randomised
        put_used(bits, used);
        put_tables(bits, tables, padding);
        return bits;
    };
    BitWriter bits = put_head(0);
    bits = put_head((8 - (bits.size() + tables.symbols_size) % 8) % 8);
    put_symbols(bits, tables, symbols);
    bits.finish();
    out.resize(static_cast<std::size_t>(bits.size() / 8));
    block.data = std::move(out).freeze();
    return block;
}

}  // namespace satchel::detail
