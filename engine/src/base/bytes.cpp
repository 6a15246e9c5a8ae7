// Bytes and Buffer, and the pool that large buffers come from.
#include <satchel/bytes.hpp>
#include <satchel/detail/huge_pages.hpp>
#include <satchel/detail/pooled_allocator.hpp>
#include <satchel/error.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

namespace satchel {
namespace {

// Fresh memory is first touched at about a quarter of memcpy's speed, so blocks of at least this
// size are worth keeping; below it, malloc is as good.
constexpr std::size_t pooled_minimum = std::size_t{64} << 10;

// What the pool keeps at the most; past it, the blocks that were given back first go. It never
// holds more than was once in use at the same time.
constexpr std::size_t pooled_total = std::size_t{64} << 20;
constexpr std::size_t pooled_blocks = 64;

// Sizes are rounded up to a step of an eighth of their power of two, so that blocks for chunks of
// nearly one size (a chunk, its worst-case output) can serve each other.
std::size_t pooled_capacity(std::size_t size) {
    if (size < pooled_minimum) return size;
    std::size_t step = pooled_minimum / 8;
    while (step <= size / 16) step *= 2;
    return (size + step - 1) / step * step;
}

class BlockPool {
  public:
    std::byte* take(std::size_t capacity) {
        if (capacity >= pooled_minimum) {
            const std::lock_guard lock(mutex_);
            const auto found = std::find_if(free_.rbegin(), free_.rend(), [&](const Block& block) {
                return block.capacity == capacity;
            });
            if (found != free_.rend()) {
                auto* data = found->data;
                free_.erase(std::next(found).base());
                held_ -= capacity;
                return data;
            }
        }
        auto* data = static_cast<std::byte*>(::operator new(capacity));
        detail::prefer_huge_pages(data, capacity);
        return data;
    }

    void give_back(std::byte* data, std::size_t capacity) noexcept {
        if (capacity < pooled_minimum || capacity > pooled_total) {
            ::operator delete(data);
            return;
        }
        const std::lock_guard lock(mutex_);
        while (held_ + capacity > pooled_total || free_.size() == pooled_blocks) {
            held_ -= free_.front().capacity;
            ::operator delete(free_.front().data);
            free_.erase(free_.begin());
        }
        free_.push_back({data, capacity});
        held_ += capacity;
    }

  private:
    struct Block {
        std::byte* data;
        std::size_t capacity;
    };
    std::mutex mutex_;
    std::vector<Block> free_ = [] {
        std::vector<Block> blocks;
        blocks.reserve(pooled_blocks);
        return blocks;
    }();
    std::size_t held_ = 0;
};

// Never destroyed: Bytes may live in static objects that are destroyed after it would be.
BlockPool& pool() {
    static auto* instance = new BlockPool;
    return *instance;
}

template <class Container>
Bytes adopt(Container&& data) {
    auto owner = std::make_shared<std::remove_cvref_t<Container>>(std::forward<Container>(data));
    const auto* first = reinterpret_cast<const std::byte*>(owner->data());
    const auto size = owner->size();
    return {std::move(owner), first, size};
}

}  // namespace

Bytes::Bytes(std::vector<std::byte>&& data) : Bytes(adopt(std::move(data))) {}
Bytes::Bytes(std::vector<unsigned char>&& data) : Bytes(adopt(std::move(data))) {}
Bytes::Bytes(std::string&& text) : Bytes(adopt(std::move(text))) {}

Bytes Bytes::copy_of(std::span<const std::byte> data) {
    Buffer buffer(data.size());
    if (!data.empty()) std::memcpy(buffer.data(), data.data(), data.size());
    return std::move(buffer).freeze();
}

Bytes Bytes::copy_of(std::string_view text) { return copy_of(std::as_bytes(std::span(text))); }

Bytes Bytes::slice(std::size_t offset, std::size_t length) const {
    if (offset > size_) {
        throw InvalidArgument("Bytes::slice: offset " + std::to_string(offset) +
                              " lies past the end of " + std::to_string(size_) + " bytes");
    }
    return {owner_, data_ + offset, std::min(length, size_ - offset)};
}

void* detail::take_pooled(std::size_t size) {
    if (size > PTRDIFF_MAX) throw std::bad_alloc();  // it could not be rounded up, either
    return pool().take(pooled_capacity(size));
}

void detail::give_back_pooled(void* data, std::size_t size) noexcept {
    pool().give_back(static_cast<std::byte*>(data), pooled_capacity(size));
}

Buffer::Buffer(std::size_t size) { resize(size); }

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
}

Buffer::~Buffer() {
    if (data_ != nullptr) pool().give_back(data_, capacity_);
}

void Buffer::resize(std::size_t size) {
    if (size > capacity_) {
        auto* data = static_cast<std::byte*>(detail::take_pooled(size));
        if (size_ != 0) std::memcpy(data, data_, size_);
        if (data_ != nullptr) pool().give_back(data_, capacity_);
        data_ = data;
        capacity_ = pooled_capacity(size);
    }
    size_ = size;
}

void Buffer::append(std::span<const std::byte> data) {
    if (data.empty()) return;
    const auto old_size = size_;
    if (old_size + data.size() > capacity_) {
        Buffer larger(std::max(2 * capacity_, old_size + data.size()));
        if (old_size != 0) std::memcpy(larger.data(), data_, old_size);
        std::memcpy(larger.data() + old_size, data.data(), data.size());
        larger.size_ = old_size + data.size();
        *this = std::move(larger);
    } else {
        std::memcpy(data_ + old_size, data.data(), data.size());
        size_ = old_size + data.size();
    }
}

Bytes Buffer::freeze() && {
    if (data_ == nullptr) return {};
    const auto* data = data_;
    const auto size = size_;
    const auto capacity = capacity_;
    std::shared_ptr<const void> owner(std::exchange(data_, nullptr), [capacity](std::byte* block) {
        pool().give_back(block, capacity);
    });
    size_ = capacity_ = 0;
    return {std::move(owner), data, size};
}

}  // namespace satchel
