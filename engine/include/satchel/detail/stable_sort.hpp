// A stable sort, because <algorithm> costs every user's compilation a tenth of a second.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace satchel::detail {

/// Sorts by `before`; equal items stay in their order. Merges runs of 1, 2, 4, … items.
template <class T, class Before>
void stable_sort(std::vector<T>& items, Before before) {
    const auto size = items.size();
    std::vector<T> merged;
    merged.reserve(size);
    for (std::size_t run = 1; run < size; run *= 2) {
        merged.clear();
        for (std::size_t left = 0, end = 0; left < size; left = end) {
            const auto middle = std::min(left + run, size);
            end = std::min(middle + run, size);
            for (auto right = middle; left < middle || right < end;) {
                const bool take_right =
                    left == middle || (right < end && before(items[right], items[left]));
                merged.push_back(std::move(items[take_right ? right++ : left++]));
            }
        }
        items.swap(merged);
    }
}

}  // namespace satchel::detail
