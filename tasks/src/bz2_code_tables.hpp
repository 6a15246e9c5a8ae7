// The Huffman codes of one bzip2 block: several tables, and which of them each group of symbols
// uses.
#pragma once

#include "bz2_format.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace satchel::detail {

using CodeLengths = std::array<std::uint8_t, bz2_symbols_max>;

struct CodeTables {
    std::size_t alphabet = 0;          // symbols that the block may use
    std::size_t count = 0;             // tables
    std::vector<std::uint8_t> groups;  // the table of each
    std::array<CodeLengths, bz2_tables_max> lengths{};
    std::uint64_t symbols_size = 0;  // bits that the symbols take
};

/// Finds tables for `symbols`, each less than `alphabet`, that make them short.
CodeTables choose_code_tables(std::span<const std::uint16_t> symbols, std::size_t alphabet);

}  // namespace satchel::detail
