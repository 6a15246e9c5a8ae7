// Each rotation tells the next character of the text and the rotation that begins one character
// later. To follow that alone is to wait for memory at each step. So several ways through the text
// are followed at once. They begin at rotations of which nobody knows where in the text they are,
// and end where another begins, or after some steps, where another then begins: with all of them
// done, one can be put behind the other.
#include "rotation_unsort.hpp"

#include <satchel/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace satchel::detail {
namespace {

// Of a rotation: its last character, the next rotation, and whether a way begins there.
using Link = std::uint32_t;
constexpr unsigned next_shift = 8;
constexpr Link next_mask = (Link{1} << 20) - 1;
constexpr Link is_start = Link{1} << 31;

std::uint32_t next_of(Link link) { return link >> next_shift & next_mask; }

// How many ways are followed at once: what the processor waits for at the same time.
constexpr std::size_t lanes = 16;

// A text that fits in the nearest caches is read at once, without ways.
constexpr std::size_t small_text = 65'536;

// The last ways leave lanes idle: the more ways there are, the shorter these are.
constexpr std::size_t first_starts = 256;
static_assert(first_starts % lanes == 0);

struct Way {
    std::uint32_t start = 0;
    std::uint32_t end = 0;  // the rotation at which the way that follows begins
    std::uint32_t size = 0;
};

class Unsorter {
  public:
    Unsorter(std::span<std::uint8_t> text, std::uint32_t origin)
        : text_(text), links_memory_(text.size() * sizeof(Link)) {
        links_ = {reinterpret_cast<Link*>(links_memory_.data()), text.size()};
        make_links();
        origin_ = next_of(links_[origin]);
    }

    void read_alone() {
        auto at = origin_;
        for (auto& character : text_) {
            character = static_cast<std::uint8_t>(links_[at]);
            at = next_of(links_[at]);
        }
    }

    void read_along_ways() {
        // Where a way is cut off, another begins: that costs less than that all others wait. Those
        // that are cut off are fewer than four times the first ones.
        way_size_ = text_.size() / (4 * first_starts) + 1;
        pieces_memory_ = Buffer((5 * first_starts + lanes) * way_size_);
        begin_way(origin_);
        for (std::size_t i = 1; i < first_starts; ++i) {
            const auto start = static_cast<std::uint32_t>(text_.size() / first_starts * i);
            if (start != origin_) begin_way(start);
        }
        for (std::size_t done = 0; done < ways_.size();) done += follow(done);
        join();
    }

  private:
    // Both halves at a time: in a run of equal characters, each waits for the one before it.
    void make_links() {
        const auto half = static_cast<std::uint32_t>(text_.size() / 2);
        std::array<std::array<std::uint32_t, 256>, 2> rows{};
        for (std::uint32_t i = 0; i < half; ++i) {
            ++rows[0][text_[i]];
            ++rows[1][text_[half + i]];
        }
        if (text_.size() % 2 != 0) ++rows[1][text_.back()];
        std::uint32_t sum = 0;
        for (std::size_t character = 0; character < 256; ++character) {
            for (auto& row : rows) sum += std::exchange(row[character], sum);
        }
        const auto link = [&](std::size_t part, std::uint32_t i) {
            const auto row = rows[part][text_[i]]++;
            links_[row] = text_[row] | i << next_shift;
        };
        for (std::uint32_t i = 0; i < half; ++i) {
            link(0, i);
            link(1, half + i);
        }
        if (text_.size() % 2 != 0) link(1, 2 * half);
    }

    void begin_way(std::uint32_t start) {
        links_[start] |= is_start;
        ways_.push_back({.start = start});
    }

    [[nodiscard]] std::uint8_t* piece(std::size_t way) {
        return reinterpret_cast<std::uint8_t*>(pieces_memory_.data()) + way * way_size_;
    }

    // Follows the ways from `first` on, all as far as one goes that is cut off: what comes after
    // the end of the others is not used. Gives how many that were.
    std::size_t follow(std::size_t first) {
        const auto count = std::min(lanes, ways_.size() - first);
        std::array<std::uint32_t, lanes> at{};
        std::array<std::uint8_t*, lanes> out{};
        std::array<std::uint32_t, lanes> ends{};
        std::array<std::uint32_t, lanes> sizes{};
        const auto whole = static_cast<std::uint32_t>(way_size_);
        sizes.fill(whole);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            at[lane] = ways_[first + (lane < count ? lane : 0)].start;
            out[lane] = piece(first + lane);
        }
        for (std::uint32_t step = 0; step < whole; ++step) {
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                const auto link = links_[at[lane]];
                if ((link & is_start) != 0 && step != 0 && sizes[lane] == whole) [[unlikely]] {
                    sizes[lane] = step;
                    ends[lane] = at[lane];
                }
                out[lane][step] = static_cast<std::uint8_t>(link);
                at[lane] = next_of(link);
                __builtin_prefetch(&links_[at[lane]]);
            }
        }
        for (std::size_t lane = 0; lane < count; ++lane) {
            const bool is_cut_off = sizes[lane] == whole;
            auto& way = ways_[first + lane];
            way.size = sizes[lane];
            way.end = is_cut_off ? at[lane] : ends[lane];
        }
        for (std::size_t lane = 0; lane < count; ++lane) {
            const auto end = ways_[first + lane].end;
            if ((links_[end] & is_start) == 0) begin_way(end);
        }
        return count;
    }

    // Puts the ways one behind the other. A text that repeats itself comes back to its start.
    void join() {
        std::vector<std::uint32_t> order(ways_.size());
        for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
        const auto start_of = [&](std::uint32_t way) { return ways_[way].start; };
        std::ranges::sort(order, {}, start_of);
        auto left = text_;
        std::uint32_t way = 0;
        do {
            const auto size = std::min<std::size_t>(ways_[way].size, left.size());
            std::memcpy(left.data(), piece(way), size);
            left = left.subspan(size);
            way = *std::ranges::lower_bound(order, ways_[way].end, {}, start_of);
        } while (way != 0 && !left.empty());
        while (!left.empty()) {
            const auto size = std::min(text_.size() - left.size(), left.size());
            std::memcpy(left.data(), text_.data(), size);
            left = left.subspan(size);
        }
    }

    std::span<std::uint8_t> text_;
    Buffer links_memory_;
    std::span<Link> links_;
    std::uint32_t origin_ = 0;
    std::size_t way_size_ = 0;
    Buffer pieces_memory_;
    std::vector<Way> ways_;
};

}  // namespace

void unsort_rotations(std::span<std::uint8_t> text, std::uint32_t origin) {
    Unsorter unsorter(text, origin);
    if (text.size() <= small_text) {
        unsorter.read_alone();
    } else {
        unsorter.read_along_ways();
    }
}

}  // namespace satchel::detail
