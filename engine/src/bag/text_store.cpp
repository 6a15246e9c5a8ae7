// Texts in blocks.
#include <satchel/detail/text_store.hpp>
#include <satchel/error.hpp>
#include <satchel/stable_hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace satchel::detail {
namespace {

// A number is that of a block and a place in it, counted in units. A text that is larger than a
// block has a block of its own. What lies at a place is the text's size, and the text behind it.
constexpr std::size_t unit = 16;
constexpr unsigned place_bits = 16;
constexpr std::size_t block_size = unit << place_bits;
constexpr std::size_t blocks_max = (std::size_t{1} << place_bits) - 1;
using Size = std::uint64_t;

}  // namespace

std::uint32_t TextStore::add(std::string_view text) {
    const auto size = (sizeof(Size) + text.size() + unit - 1) / unit * unit;
    if (blocks_.empty() || blocks_.back().size() + size > block_size) {
        if (blocks_.size() == blocks_max) {
            throw Error(
                "frequencies, distinct: the different strings of one table need more than 64 GB; "
                "group them in several partitions instead: groupby(f, {.npartitions = ...})");
        }
        // The first one grows, as most stores are small.
        const auto room = blocks_.empty() ? size : std::max(size, block_size);
        blocks_.emplace_back().reserve(room);
    }
    auto& block = blocks_.back();
    const auto place = block.size();
    block.resize(place + size);
    const Size text_size = text.size();
    std::memcpy(&block[place], &text_size, sizeof text_size);
    text.copy(&block[place + sizeof text_size], text.size());
    return static_cast<std::uint32_t>((blocks_.size() - 1) << place_bits | place / unit);
}

std::string_view TextStore::at(std::uint32_t number) const noexcept {
    const char* const place = blocks_[number >> place_bits].data() +
                              unit * (number & ((std::uint32_t{1} << place_bits) - 1));
    return {place + sizeof(Size), word_at<Size>(place)};
}

void TextStore::forget_before(std::uint32_t number) {
    for (; forgotten_ < number >> place_bits; ++forgotten_) std::string().swap(blocks_[forgotten_]);
}

}  // namespace satchel::detail
