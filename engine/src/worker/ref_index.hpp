// Where the entry of an execution is: a hash table of one array, because a worker looks something
// up several times a task, and knows too few of the scheduler's tasks to number them as it does.
#pragma once

#include "messages/names.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace satchel::worker {

class RefIndex {
  public:
    [[nodiscard]] std::uint32_t find(TaskRef ref) const noexcept {
        if (cells_.empty()) return none;
        for (auto k = home(ref);; k = next(k)) {
            if (cells_[k].place == none || cells_[k].ref == ref) return cells_[k].place;
        }
    }

    /// REQUIRES: `ref` is not in the table.
    void insert(TaskRef ref, std::uint32_t place) {
        if ((size_ + 1) * 2 > cells_.size()) grow();
        put({ref, place});
        ++size_;
    }

    /// REQUIRES: `ref` is in the table.
    void erase(TaskRef ref) {
        auto hole = home(ref);
        while (cells_[hole].ref != ref) hole = next(hole);
        // What follows moves up, unless it would come to stand before its own place.
        for (auto k = next(hole); cells_[k].place != none; k = next(k)) {
            const auto distance = (k - home(cells_[k].ref)) & (cells_.size() - 1);
            if (distance < ((k - hole) & (cells_.size() - 1))) continue;
            cells_[hole] = cells_[k];
            hole = k;
        }
        cells_[hole] = {};
        --size_;
    }

  private:
    struct Cell {
        TaskRef ref;
        std::uint32_t place = none;
    };

    [[nodiscard]] std::size_t home(TaskRef ref) const noexcept {
        return digest_of(ref) & (cells_.size() - 1);
    }
    [[nodiscard]] std::size_t next(std::size_t k) const noexcept {
        return (k + 1) & (cells_.size() - 1);
    }

    void put(const Cell& cell) {
        auto k = home(cell.ref);
        while (cells_[k].place != none) k = next(k);
        cells_[k] = cell;
    }

    void grow() {
        // A power of two, which home() and next() rely on.
        const auto size = cells_.empty() ? 64 : cells_.size() * 2;
        const auto old = std::exchange(cells_, std::vector<Cell>(size));
        for (const auto& cell : old) {
            if (cell.place != none) put(cell);
        }
    }

    std::vector<Cell> cells_;
    std::size_t size_ = 0;
};

}  // namespace satchel::worker
