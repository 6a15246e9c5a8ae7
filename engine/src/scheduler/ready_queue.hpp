// Tasks that could run and are held back until a thread is free, most urgent first. The tasks of a
// bag's layer follow each other in number and in priority, so that they are kept as one entry; a
// task that leaves the queue otherwise stays in it and is passed over by who takes it out.
#pragma once

#include "messages/names.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace satchel::scheduler {

class ReadyQueue {
  public:
    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }

    void push(std::uint64_t priority, TaskId task) {
        if (last_ < heap_.size()) {
            auto& last = heap_[last_];
            if (last.priority + last.count == priority && last.first + last.count == task) {
                ++last.count;
                return;
            }
        }
        insert({priority, task, 1});
    }

    /// The priority of what pop() would give. REQUIRES: !empty().
    [[nodiscard]] std::uint64_t next_priority() const noexcept { return heap_.front().priority; }

    /// Takes the most urgent task out. REQUIRES: !empty().
    [[nodiscard]] TaskId pop() {
        auto& top = heap_.front();
        const auto task = top.first;
        const Run rest{top.priority + 1, task + 1, top.count - 1};
        const bool stays = rest.count > 0 && (heap_.size() < 2 || rest < heap_[1]) &&
                           (heap_.size() < 3 || rest < heap_[2]);
        if (stays) {
            top = rest;
            return task;
        }
        std::ranges::pop_heap(heap_, std::greater<>());
        heap_.pop_back();
        last_ = SIZE_MAX;
        if (rest.count > 0) insert(rest);
        return task;
    }

    void clear() noexcept {
        heap_.clear();
        last_ = SIZE_MAX;
    }

    /// Calls f(task) for each entry, in no order.
    template <class F>
    void for_each(F&& f) const {
        for (const auto& run : heap_) {
            for (std::uint32_t k = 0; k < run.count; ++k) f(run.first + k);
        }
    }

  private:
    struct Run {
        std::uint64_t priority;
        TaskId first;
        std::uint32_t count;

        friend bool operator<(const Run& a, const Run& b) noexcept {
            return a.priority < b.priority;
        }
        friend bool operator>(const Run& a, const Run& b) noexcept { return b < a; }
        friend bool operator==(const Run& a, const Run& b) noexcept {
            return a.priority == b.priority;
        }
        friend bool operator<=(const Run& a, const Run& b) noexcept { return !(b < a); }
        friend bool operator>=(const Run& a, const Run& b) noexcept { return !(a < b); }
    };

    void insert(const Run& run) {
        heap_.push_back(run);
        std::ranges::push_heap(heap_, std::greater<>());
        // Only a run that stayed where it was put can be found again to be made longer.
        last_ = heap_.back().priority == run.priority && heap_.back().first == run.first
                    ? heap_.size() - 1
                    : SIZE_MAX;
    }

    std::vector<Run> heap_;
    std::size_t last_ = SIZE_MAX;
};

}  // namespace satchel::scheduler
