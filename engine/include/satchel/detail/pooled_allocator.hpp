/// For the library: an allocator for the large arrays of graphs, whose memory is used again for the
/// next graph.
///
/// Touching fresh memory costs more than filling it, so what is large comes from the pool that
/// Buffers come from, and goes back to it.
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
