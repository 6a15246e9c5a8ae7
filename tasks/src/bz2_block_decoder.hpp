// Decoding one block of bzip2 data, from bits in pieces of any size. What comes out still has its
// runs shortened; see bz2_runs.hpp.
#pragma once

#include <satchel/bytes.hpp>

#include "bit_reader.hpp"
#include "bz2_code_reader.hpp"
#include "bz2_format.hpp"
#include "recent_bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace satchel::detail {

class Bz2BlockDecoder {
  public:
    enum class Status { needs_input, complete, damaged };

    /// What must follow a block, in bits: no symbol is read unless as many are there. The end of
    /// the stream is longer.
    static constexpr unsigned lookahead_bits = 64;

    /// Begins a block of at most `capacity` bytes, behind its CRC.
    void begin(std::size_t capacity);

    /// Reads what is there. If that is not all, it goes on with the bits that were not read and
    /// those that follow them. To be called no more when it is complete or damaged.
    Status read(BitReader& bits);

    /// Decodes the complete block. The memory is valid until the next block begins.
    std::span<const std::uint8_t> decode();

    /// decode(), as memory of its own.
    Bytes decode_and_release();

  private:
    enum class Part { head, used, tables, groups, first_length, lengths, symbols, complete };

    // The symbols of the block, as they become bytes.
    struct Symbols {
        RecentBytes recent{};
        std::uint8_t* text = nullptr;
        std::size_t size = 0;
        std::size_t run = 0;
        unsigned digits = 0;

        Status put(std::uint32_t symbol, std::uint32_t end, std::size_t capacity);
        bool put_run(std::size_t capacity);
    };

    bool read_head(BitReader& bits);
    bool read_used(BitReader& bits);
    bool read_tables(BitReader& bits);
    bool read_group(BitReader& bits);
    bool read_first_length(BitReader& bits);
    bool read_length(BitReader& bits);
    void begin_symbols();
    Status read_symbol(BitReader& bits);
    Status read_whole_groups(BitReader& bits);
    bool read_part(BitReader& bits);
    [[nodiscard]] bool next_group();
    [[nodiscard]] Status complete();

    Part part_ = Part::head;
    std::size_t capacity_ = 0;
    bool is_randomised_ = false;
    std::uint32_t origin_ = 0;
    std::uint32_t sets_used_ = 0;
    unsigned set_ = 0;
    std::vector<std::uint8_t> used_;
    std::size_t table_count_ = 0;
    std::size_t group_count_ = 0;
    RecentBytes recent_tables_;
    std::vector<std::uint8_t> groups_;
    std::array<std::array<std::uint8_t, bz2_symbols_max>, bz2_tables_max> lengths_{};
    std::size_t table_ = 0;
    std::size_t symbol_ = 0;
    unsigned length_ = 0;
    std::array<Bz2CodeReader, bz2_tables_max> codes_;
    std::size_t group_ = 0;       // that is read next
    std::size_t group_left_ = 0;  // symbols of the one before it
    std::uint32_t end_ = 0;       // the symbol at the end of the block
    Symbols symbols_;
    Buffer text_;
};

}  // namespace satchel::detail
