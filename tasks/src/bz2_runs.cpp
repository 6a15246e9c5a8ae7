// Runs are rare: eight bytes are copied at once where none begins.
#include "bz2_runs.hpp"

#include <algorithm>

namespace satchel::detail {

ShortenedRuns shorten_runs(std::span<const std::byte> data, std::span<std::uint8_t> out) {
    std::size_t used = 0;
    std::size_t size = 0;
    while (used < data.size()) {
        while (used + bz2_run_window <= data.size() && size + 8 <= out.size() &&
               no_run_begins(&data[used])) {
            std::memcpy(&out[size], &data[used], 8);
            used += 8;
            size += 8;
        }
        const auto left = std::min(bz2_run_max, data.size() - used);
        if (left == 0) break;
        const auto byte = data[used];
        std::size_t run = 1;
        while (run < left && data[used + run] == byte) ++run;
        const auto shortened = run < bz2_run_min ? run : bz2_run_min + 1;
        if (size + shortened > out.size()) break;
        std::fill_n(&out[size], std::min(run, bz2_run_min), std::to_integer<std::uint8_t>(byte));
        if (run >= bz2_run_min) {
            out[size + bz2_run_min] = static_cast<std::uint8_t>(run - bz2_run_min);
        }
        used += run;
        size += shortened;
    }
    return {used, size};
}

void RunExpander::expand(std::span<std::byte>& out) {
    while (!out.empty()) {
        if (repeat_ != 0) {
            const auto size = std::min(repeat_, out.size());
            std::fill_n(out.begin(), size, byte_);
            out = out.subspan(size);
            repeat_ -= size;
            continue;
        }
        copy_plain(out);
        if (text_.empty()) return;
        begin_run();
    }
}

void RunExpander::copy_plain(std::span<std::byte>& out) {
    std::size_t size = 0;
    while (size + bz2_run_window <= text_.size() && size + 8 <= out.size() &&
           no_run_begins(&text_[size])) {
        std::memcpy(&out[size], &text_[size], 8);
        size += 8;
    }
    text_ = text_.subspan(size);
    out = out.subspan(size);
}

void RunExpander::begin_run() {
    const auto first = text_.front();
    byte_ = std::byte{first};
    std::size_t run = 1;
    while (run < std::min(bz2_run_min, text_.size()) && text_[run] == first) ++run;
    repeat_ = run;
    text_ = text_.subspan(run);
    if (run < bz2_run_min) return;
    if (text_.empty()) {
        damaged_ = true;
        return;
    }
    repeat_ += text_.front();
    text_ = text_.subspan(1);
}

}  // namespace satchel::detail
