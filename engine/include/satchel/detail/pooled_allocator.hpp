/// For the library: memory from the pool that Buffers come from, and an allocator of it for large
/// arrays, as those of graphs.
///
/// Touching fresh memory costs more than filling it, so what is large goes back to the pool and is
/// used again. Any thread may give back what another took.
#pragma once

#include <cstddef>
#include <vector>

namespace satchel::detail {

/// At least `size` bytes, aligned as by operator new. Throws std::bad_alloc.
[[nodiscard]] void* take_pooled(std::size_t size);
/// Gives back what take_pooled(size) gave.
void give_back_pooled(void* data, std::size_t size) noexcept;

template <class T>
struct PooledAllocator {
    using value_type = T;

    PooledAllocator() = default;
    template <class U>
    explicit(false) PooledAllocator(const PooledAllocator<U>&) noexcept {}

    T* allocate(std::size_t n) { return static_cast<T*>(take_pooled(n * sizeof(T))); }
    void deallocate(T* data, std::size_t n) noexcept { give_back_pooled(data, n * sizeof(T)); }

    bool operator==(const PooledAllocator&) const = default;
};

template <class T>
using PooledVector = std::vector<T, PooledAllocator<T>>;

}  // namespace satchel::detail
