// Random numbers by counter: the n-th number of a stream is a function of (seed, stream, n) alone,
// so that the same elements are chosen on every executor and when a task runs again.
#pragma once

#include <satchel/stable_hash.hpp>

#include <cstdint>

namespace satchel::detail {

class CounterRandom {
  public:
    CounterRandom(std::uint64_t seed, std::uint64_t stream)
        : state_(hash_mix(hash_mix(seed, 7), stream)) {}

    /// 64 random bits.
    std::uint64_t next() noexcept { return hash_mix(state_, hash_mix(counter_++, 8)); }

    /// A number in [0, 1).
    double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

    /// A number below `n`, which is not 0; the bias is at most n / 2^64.
    std::uint64_t below(std::uint64_t n) noexcept {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::uint64_t>((static_cast<Wide>(next()) * n) >> 64);
    }

  private:
    std::uint64_t state_;
    std::uint64_t counter_ = 0;
};

}  // namespace satchel::detail
