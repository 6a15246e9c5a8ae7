// The ends of chunks are found by a gear hash (Xia et al., 2014): each byte shifts the hash by one
// and adds a random number of its own, so that the highest bits depend on the last 64 bytes.
#include "content_chunks.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace satchel {
namespace {

// A random number for each byte, the same everywhere: SplitMix64.
constexpr std::array<std::uint64_t, 256> make_gear() {
    std::array<std::uint64_t, 256> gear{};
    std::uint64_t state = 0;
    for (auto& number : gear) {
        state += 0x9e3779b97f4a7c15;
        number = state;
        number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
        number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
        number ^= number >> 31;
    }
    return gear;
}
constexpr auto gear = make_gear();

constexpr std::size_t hashed_bytes = 64;

// The size of the chunk that `data` begins with.
std::size_t chunk_size(std::span<const std::byte> data, std::size_t size_min, std::uint64_t mask) {
    if (data.size() <= size_min) return data.size();
    std::uint64_t hash = 0;
    for (std::size_t i = size_min - hashed_bytes; i < data.size(); ++i) {
        hash = (hash << 1) + gear[std::to_integer<std::size_t>(data[i])];
        if ((hash & mask) == 0 && i >= size_min) return i;
    }
    return data.size();
}

}  // namespace

ContentChunks::ContentChunks(InputFile& input, std::int64_t size_max)
    : input_(input), size_max_(static_cast<std::size_t>(size_max)) {
    // Ends are as far apart, on average, as the power of two below half the largest chunk.
    const auto bits = std::bit_width(size_max_ / 2) - 1;
    mask_ = ~std::uint64_t{0} << (64 - bits);
}

std::optional<Bytes> ContentChunks::operator()() {
    Buffer block(size_max_);
    std::ranges::copy(rest_, block.data());
    const std::span<std::byte> room(block.data() + rest_.size(), size_max_ - rest_.size());
    block.resize(rest_.size() + input_.read(room));
    if (block.size() == 0) return std::nullopt;
    const Bytes data = std::move(block).freeze();
    const auto size = chunk_size(data, size_max_ / 4, mask_);
    rest_ = data.slice(size);
    return data.slice(0, size);
}

}  // namespace satchel
