// The tables begin as each being good for a range of the symbols. Then groups choose the best
// table, and tables are made anew for those that chose them, a few times.
#include "bz2_code_tables.hpp"

#include "huffman_lengths.hpp"

#include <algorithm>
#include <utility>

namespace satchel::detail {
namespace {

// A fifth round would gain less than 0.05 % on text, logs and programs.
constexpr int rounds = 4;

// More tables cost more to describe: as many as bzip2 uses, which has tried.
std::size_t table_count(std::size_t symbols) {
    constexpr std::array<std::size_t, 4> limits{200, 600, 1200, 2400};
    std::size_t count = bz2_tables_min;
    for (const auto limit : limits) count += symbols >= limit ? 1 : 0;
    return count;
}

using Counts = std::array<std::uint32_t, bz2_symbols_max>;

class Chooser {
  public:
    Chooser(std::span<const std::uint16_t> symbols, std::size_t alphabet) : symbols_(symbols) {
        tables_.alphabet = alphabet;
        tables_.count = table_count(symbols.size());
        tables_.groups.resize((symbols.size() + bz2_group_size - 1) / bz2_group_size);
    }

    CodeTables choose() {
        divide_symbols();
        for (int round = 0; round < rounds; ++round) {
            choose_groups(round == 0);
            for (std::size_t t = 0; t < tables_.count; ++t) {
                huffman_lengths(std::span(counts_[t]).first(tables_.alphabet),
                                std::span(tables_.lengths[t]).first(tables_.alphabet));
            }
        }
        for (std::size_t t = 0; t < tables_.count; ++t) {
            for (std::size_t s = 0; s < tables_.alphabet; ++s) {
                tables_.symbols_size += std::uint64_t{counts_[t][s]} * tables_.lengths[t][s];
            }
        }
        return std::move(tables_);
    }

  private:
    // What a group costs with each table is added up in one word.
    static constexpr unsigned cost_bits = 10;
    static_assert(bz2_group_size * huffman_length_max < 1U << cost_bits);
    static_assert(bz2_tables_max * cost_bits <= 64);

    // Ranges that occur about equally often. What lies outside of a table's range seems costly. As
    // in bzip2, the last table has the first symbols, since a group that several tables would suit
    // takes the first of them and most are suited by that one; and every second range leaves its
    // last symbol to the next, so that shares are not always exceeded. On text that repeats itself
    // these two save 7 %.
    void divide_symbols() {
        Counts counts{};
        for (const auto symbol : symbols_) ++counts[symbol];
        std::size_t left = symbols_.size();
        std::size_t begin = 0;
        for (std::size_t t = 0; t < tables_.count; ++t) {
            const auto share = left / (tables_.count - t);
            std::size_t size = 0;
            auto end = begin;
            while (end < tables_.alphabet && (size < share || t + 1 == tables_.count)) {
                size += counts[end++];
            }
            const bool is_inner = t != 0 && t + 1 != tables_.count;
            if (is_inner && t % 2 == 1 && end - begin > 1) size -= counts[--end];
            auto& lengths = tables_.lengths[tables_.count - 1 - t];
            lengths.fill(15);
            std::fill(&lengths[begin], lengths.data() + end, std::uint8_t{0});
            left -= size;
            begin = end;
        }
    }

    // What has been counted is counted again only where another table is chosen.
    void choose_groups(bool is_first) {
        std::array<std::uint64_t, bz2_symbols_max> costs{};
        for (std::size_t t = 0; t < tables_.count; ++t) {
            for (std::size_t s = 0; s < tables_.alphabet; ++s) {
                costs[s] |= std::uint64_t{tables_.lengths[t][s]} << (cost_bits * t);
            }
        }
        for (std::size_t g = 0; g < tables_.groups.size(); ++g) {
            const auto at = g * bz2_group_size;
            const auto group = symbols_.subspan(at, std::min(bz2_group_size, symbols_.size() - at));
            std::uint64_t cost = 0;
            for (const auto symbol : group) cost += costs[symbol];
            const auto table = cheapest(cost);
            const auto before = tables_.groups[g];
            if (!is_first && table == before) continue;
            for (const auto symbol : group) ++counts_[table][symbol];
            if (!is_first) {
                for (const auto symbol : group) --counts_[before][symbol];
            }
            tables_.groups[g] = static_cast<std::uint8_t>(table);
        }
    }

    [[nodiscard]] std::size_t cheapest(std::uint64_t costs) const {
        constexpr std::uint64_t mask = (1U << cost_bits) - 1;
        std::size_t best = 0;
        std::uint64_t least = costs & mask;
        for (std::size_t t = 1; t < tables_.count; ++t) {
            const auto cost = costs >> (cost_bits * t) & mask;
            best = cost < least ? t : best;
            least = std::min(cost, least);
        }
        return best;
    }

    std::span<const std::uint16_t> symbols_;
    CodeTables tables_;
    std::array<Counts, bz2_tables_max> counts_{};
};

}  // namespace

CodeTables choose_code_tables(std::span<const std::uint16_t> symbols, std::size_t alphabet) {
    return Chooser(symbols, alphabet).choose();
}

}  // namespace satchel::detail
