// Expanding the runs of a block, as far as that is kept, and checking all of it.
#include "bz2_guess.hpp"

#include "bz2_format.hpp"

#include <algorithm>
#include <utility>

namespace satchel::detail {
namespace {

// A block may hold 46 MB, if it is one long run. More than this is not kept, but expanded twice.
constexpr std::size_t kept_max = std::size_t{4} << 20;

// Most blocks have few runs.
constexpr std::size_t usual_growth = std::size_t{64} << 10;

}  // namespace

ExpandedBlock expand_bz2_block(Bytes shortened) {
    ExpandedBlock block;
    block.shortened = std::move(shortened);
    block.shortened_size = block.shortened.size();
    RunExpander runs(block.text());
    Buffer out(block.shortened_size + usual_growth);
    std::size_t filled = 0;
    bool is_kept = true;
    while (true) {
        const std::span<std::byte> room(out.data() + filled, out.size() - filled);
        auto left = room;
        runs.expand(left);
        const auto size = room.size() - left.size();
        block.crc = bz2_crc(block.crc, room.first(size));
        filled += size;
        if (runs.is_done()) break;
        is_kept = is_kept && out.size() < kept_max;
        if (is_kept) {
            out.resize(std::min(4 * out.size(), kept_max));
        } else {
            filled = 0;
        }
    }
    block.is_damaged = runs.is_damaged();
    if (!is_kept) return block;
    out.resize(filled);
    block.data = std::move(out).freeze();
    block.shortened = {};
    return block;
}

Bytes whole_bz2_block(const ExpandedBlock& block) {
    if (block.is_complete()) return block.data;
    RunExpander runs(block.text());
    Buffer out(2 * kept_max);
    std::size_t filled = 0;
    while (true) {
        const std::span<std::byte> room(out.data() + filled, out.size() - filled);
        auto left = room;
        runs.expand(left);
        filled += room.size() - left.size();
        if (runs.is_done()) break;
        out.resize(2 * out.size());
    }
    out.resize(filled);
    return std::move(out).freeze();
}

}  // namespace satchel::detail
