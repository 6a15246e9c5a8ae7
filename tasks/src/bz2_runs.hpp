// The first step of bzip2: runs of four to 255 equal bytes become four and the count of the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace satchel::detail {

constexpr std::size_t bz2_run_min = 4;
constexpr std::size_t bz2_run_max = 255;

/// What no_run_begins() reads.
constexpr std::size_t bz2_run_window = 11;

/// Whether none of the eight positions from `data` on begins a run.
template <class Byte>
bool no_run_begins(const Byte* data) {
    const auto load = [&](std::size_t i) {
        std::uint64_t word = 0;
        std::memcpy(&word, data + i, sizeof word);
        return word;
    };
    const auto a = load(0);
    const auto b = load(1);
    const auto c = load(2);
    const auto d = load(3);
    // A byte is zero where four are equal.
    const auto different = (a ^ b) | (b ^ c) | (c ^ d);
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    return ((different - ones) & ~different & ones << 7) == 0;
}

/// Shortens the runs of `data`, from its front, until `out` is full.
struct ShortenedRuns {
    std::size_t used = 0;  ///< bytes of the data
    std::size_t size = 0;  ///< bytes of the output
};
ShortenedRuns shorten_runs(std::span<const std::byte> data, std::span<std::uint8_t> out);

/// Gives the runs their length again.
class RunExpander {
  public:
    RunExpander() = default;
    explicit RunExpander(std::span<const std::uint8_t> text) : text_(text) {}

    /// Writes to the front of `out`, which is advanced, until it is full or all is written.
    void expand(std::span<std::byte>& out);

    /// All is written. It may be wrong, if the text was no such text: see `is_damaged`.
    [[nodiscard]] bool is_done() const { return text_.empty() && repeat_ == 0; }

    /// The text ends within a run, without its count.
    [[nodiscard]] bool is_damaged() const { return damaged_; }

  private:
    void copy_plain(std::span<std::byte>& out);
    void begin_run();

    std::span<const std::uint8_t> text_;
    std::size_t repeat_ = 0;
    std::byte byte_{};
    bool damaged_ = false;
};

}  // namespace satchel::detail
