/// ProgressBar: how far computations have come, on the terminal.
///
///     {
///         satchel::ProgressBar bar;
///         auto result = words.compute();
///     }
///
///     [########                                ] | 22% Completed | 151.62 ms
///
/// While a ProgressBar lives, every compute(), persist() and take() of this process that is not
/// called from inside a task draws a line on stderr, in tasks done of tasks to do; one that has no
/// tasks draws nothing, and neither does one that begins while another draws. Where stderr is no
/// terminal, nothing is written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace satchel {

/// How a ProgressBar draws.
struct ProgressOptions {
    /// Characters between the brackets: 0 to 1000.
    std::int64_t width = 40;
    /// Computations that take less than so many seconds draw nothing.
    double minimum_seconds = 0;
    /// Where the text goes; empty: to stderr, if that is a terminal. Called by one thread at a
    /// time. When it throws, the bar draws no more.
    std::function<void(std::string_view)> write = {};
};

/// "[####    ] | 50% Completed": `fraction` is clamped to [0, 1]. Throws InvalidArgument unless
/// 0 <= width <= 1000.
[[nodiscard]] std::string progress_text(double fraction, std::int64_t width = 40);

/// Draws a bar for what is computed while it lives. Thread-safe.
class ProgressBar {
  public:
    /// Throws InvalidArgument for a width that progress_text() refuses.
    explicit ProgressBar(ProgressOptions options = {});
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ~ProgressBar();

  private:
    class Drawer;
    std::shared_ptr<Drawer> drawer_;
};

}  // namespace satchel
