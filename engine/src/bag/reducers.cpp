// The parts of reducers that do not depend on the element type.
#include <satchel/detail/sampling.hpp>
#include <satchel/detail/statistics.hpp>

#include <algorithm>
#include <cmath>

namespace satchel::detail {
namespace {

// Heaps have the greatest in front: here, the earliest position.
bool is_later(const Turns::Turn& one, const Turns::Turn& other) {
    return one.position > other.position;
}

}  // namespace

double square_root(double x) noexcept { return std::sqrt(x); }

void Turns::add(Turn turn) {
    heap_.push_back(turn);
    std::ranges::push_heap(heap_, is_later);
}

std::uint64_t Turns::next_position() const noexcept {
    return heap_.empty() ? UINT64_MAX : heap_.front().position;
}

Turns::Turn Turns::take_next() {
    std::ranges::pop_heap(heap_, is_later);
    const auto turn = heap_.back();
    heap_.pop_back();
    return turn;
}

}  // namespace satchel::detail
