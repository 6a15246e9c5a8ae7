// liblzma does not say how large what it gives back is, so that stands in front of it.
#include "lzma_memory.hpp"

#include <satchel/detail/pooled_allocator.hpp>

#include <cstddef>
#include <limits>
#include <memory>
#include <new>

namespace satchel::detail {
namespace {

struct alignas(std::max_align_t) Header {
    std::size_t size;
};

void* allocate(void* /*opaque*/, std::size_t count, std::size_t size) noexcept {
    constexpr auto size_max = std::numeric_limits<std::size_t>::max() - sizeof(Header);
    if (size != 0 && count > size_max / size) return nullptr;
    const auto whole = count * size + sizeof(Header);
    try {
        return std::construct_at(static_cast<Header*>(take_pooled(whole)), Header{whole}) + 1;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void give_back(void* /*opaque*/, void* data) noexcept {
    if (data == nullptr) return;
    auto* const header = static_cast<Header*>(data) - 1;
    give_back_pooled(header, header->size);
}

}  // namespace

const lzma_allocator* pooled_lzma_memory() noexcept {
    static constexpr lzma_allocator memory{.alloc = allocate, .free = give_back, .opaque = nullptr};
    return &memory;
}

}  // namespace satchel::detail
