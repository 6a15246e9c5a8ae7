// SlotArray: the slots of a graph's tasks, in memory that is used again for the next graph.
//
// A million slots are 32 MB. Touching so much fresh memory costs more than compiling the graph, so
// it comes from the pool of large buffers.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/function.hpp>

#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace satchel::detail {

class SlotArray {
  public:
    SlotArray() = default;
    /// Empty, with room for `capacity` slots.
    explicit SlotArray(std::size_t capacity)
        : memory_(capacity * sizeof(TaskSlot) + alignof(TaskSlot)), capacity_(capacity) {
        void* place = memory_.data();
        auto space = memory_.size();
        slots_ = static_cast<TaskSlot*>(
            std::align(alignof(TaskSlot), capacity * sizeof(TaskSlot), place, space));
    }
    SlotArray(SlotArray&& other) noexcept { swap(other); }
    SlotArray& operator=(SlotArray&& other) noexcept {
        swap(other);
        return *this;
    }
    ~SlotArray() { std::destroy_n(slots_, size_); }

    /// REQUIRES: there is room.
    void push_back(TaskSlot&& slot) {
        assert(size_ < capacity_);
        std::construct_at(slots_ + size_, std::move(slot));
        ++size_;
    }

    /// Drops all slots. With `all_empty`, which promises that no slot has a value, without looking
    /// at them.
    void clear(bool all_empty) noexcept {
        if (all_empty) size_ = 0;
        *this = SlotArray();
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] TaskSlot* data() noexcept { return slots_; }
    [[nodiscard]] TaskSlot& operator[](std::size_t k) noexcept { return slots_[k]; }
    [[nodiscard]] const TaskSlot& operator[](std::size_t k) const noexcept { return slots_[k]; }

  private:
    void swap(SlotArray& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(slots_, other.slots_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

    Buffer memory_;
    TaskSlot* slots_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace satchel::detail
