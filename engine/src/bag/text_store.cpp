// Texts in blocks.
#include <satchel/detail/text_store.hpp>
#include <satchel/error.hpp>

#include <cstddef>
#include <cstring>

namespace satchel::detail {
namespace {

// The number of a long text is its place and this bit.
constexpr std::uint32_t long_bit = std::uint32_t{1} << 31;
// That of a short one is its block and its place in there, counted in units. What lies there is its
// size, and the text behind it.
constexpr std::size_t unit = 16;
constexpr unsigned place_bits = 16;
constexpr std::uint32_t place_mask = (std::uint32_t{1} << place_bits) - 1;
constexpr std::size_t block_bytes = unit << place_bits;
constexpr std::size_t blocks_max = long_bit >> place_bits;
using Size = std::uint16_t;

void require_number(bool there_is_one) {
    if (there_is_one) return;
    throw Error(
        "frequencies, distinct: there is too much text for one table; group it in several "
        "partitions instead: groupby(f, {.npartitions = ...})");
}

}  // namespace

std::uint32_t TextStore::add_short(std::string_view text) {
    static_assert(short_max <= UINT16_MAX);
    const auto size = (sizeof(Size) + text.size() + unit - 1) / unit * unit;
    if (blocks_.empty() || blocks_.back().size() + size > block_bytes) {
        require_number(blocks_.size() < blocks_max);
        // The first one grows, as most stores are small.
        const auto room = blocks_.empty() ? size : block_bytes;
        blocks_.emplace_back().reserve(room);
    }
    auto& block = blocks_.back();
    const auto place = block.size();
    block.resize(place + size);
    const auto text_size = static_cast<Size>(text.size());
    std::memcpy(&block[place], &text_size, sizeof text_size);
    text.copy(&block[place + sizeof text_size], text.size());
    return static_cast<std::uint32_t>((blocks_.size() - 1) << place_bits | place / unit);
}

std::uint32_t TextStore::add_long(std::string&& text) {
    require_number(long_.size() < no_number - long_bit);
    long_.push_back(std::move(text));
    return static_cast<std::uint32_t>(long_.size() - 1) | long_bit;
}

bool TextStore::is_long(std::uint32_t number) noexcept { return (number & long_bit) != 0; }

std::string& TextStore::long_text(std::uint32_t number) noexcept {
    return long_[number & ~long_bit];
}

std::string_view TextStore::at(std::uint32_t number) const noexcept {
    if (is_long(number)) return long_[number & ~long_bit];
    const char* const place = blocks_[number >> place_bits].data() + unit * (number & place_mask);
    Size size = 0;
    std::memcpy(&size, place, sizeof size);
    return {place + sizeof size, size};
}

void TextStore::forget_blocks_before(std::uint32_t number) noexcept {
    for (; forgotten_ < number >> place_bits; ++forgotten_) std::string().swap(blocks_[forgotten_]);
}

}  // namespace satchel::detail
