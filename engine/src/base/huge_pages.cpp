// The system's hint for large blocks of memory.
#include <satchel/detail/huge_pages.hpp>

#include <cstdint>

#include <sys/mman.h>

namespace satchel::detail {

void prefer_huge_pages(void* data, std::size_t size) noexcept {
    constexpr std::uintptr_t page = std::uintptr_t{2} << 20;
    if (size < huge_pages_min) return;
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    const auto first = (address + page - 1) / page * page;
    const auto last = (address + size) / page * page;
    (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace satchel::detail
