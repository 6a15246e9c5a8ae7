// The progress bar: a thread that looks at the counters of what is running, and draws.
#include <satchel/detail/run_progress.hpp>
#include <satchel/error.hpp>
#include <satchel/progress.hpp>
#include <satchel/units.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds redraw_interval{100};

void write_to_stderr(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

constexpr std::int64_t width_max = 1'000;

// What cannot be drawn is refused at the call: in the thread that draws, nobody could catch it.
void check_width(std::int64_t width) {
    if (width >= 0 && width <= width_max) return;
    throw InvalidArgument(
        fmt::format("a progress bar was asked for that is {} characters wide; it "
                    "can have 0 to {}",
                    width, width_max));
}

}  // namespace

std::string progress_text(double fraction, std::int64_t width) {
    check_width(width);
    fraction = fraction > 0 ? std::min(fraction, 1.0) : 0;  // a NaN is 0
    const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(width));
    return fmt::format("[{:<{}}] | {}% Completed", std::string(filled, '#'), width,
                       static_cast<int>(fraction * 100));
}

// Follows one computation at a time: the first that begins. Others that run meanwhile are not
// drawn.
class ProgressBar::Drawer : public detail::RunWatcher {
  public:
    explicit Drawer(ProgressOptions options) : options_(std::move(options)) {
        thread_ = std::jthread([this](const std::stop_token& stop) { draw_until(stop); });
    }
    Drawer(const Drawer&) = delete;
    Drawer& operator=(const Drawer&) = delete;
    ~Drawer() override = default;

    void run_begins(std::shared_ptr<detail::RunProgress> run) override {
        const std::lock_guard lock(mutex_);
        if (run_) return;
        run_ = std::move(run);
        start_ = Clock::now();
        changed_.notify_all();
    }

    void run_ends(const detail::RunProgress& run) override {
        const std::lock_guard lock(mutex_);
        if (run_.get() != &run) return;
        draw("\n");
        run_.reset();
    }

  private:
    void draw_until(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested() &&
               changed_.wait(lock, stop, [&] { return run_ != nullptr; })) {
            draw("");
            const auto drawn = run_;
            changed_.wait_for(lock, stop, redraw_interval, [&] { return run_ != drawn; });
        }
        if (run_) draw("\n");  // it goes on without this
    }

    // Under the lock. Nobody could catch what `write` throws: not in the drawer's thread, nor where
    // a run ends.
    void draw(const char* ending) noexcept {
        try {
            write_line(ending);
        } catch (...) {
            is_broken_ = true;
        }
    }

    // How many tasks a run has is not known when it begins, and there may be none.
    void write_line(const char* ending) {
        const std::chrono::duration<double> elapsed = Clock::now() - start_;
        const auto total = run_->total.load(std::memory_order_relaxed);
        if (is_broken_ || total == 0 || elapsed.count() < options_.minimum_seconds) return;
        const auto finished = run_->finished.load(std::memory_order_relaxed);
        const auto fraction = static_cast<double>(finished) / static_cast<double>(total);
        options_.write(fmt::format("\r\033[K{} | {}{}", progress_text(fraction, options_.width),
                                   format_duration(elapsed.count()), ending));
    }

    ProgressOptions options_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::shared_ptr<detail::RunProgress> run_;
    Clock::time_point start_;
    bool is_broken_ = false;  // `write` has thrown
    std::jthread thread_;
};

ProgressBar::ProgressBar(ProgressOptions options) {
    check_width(options.width);
    if (!options.write) {
        if (::isatty(STDERR_FILENO) != 1) return;
        options.write = write_to_stderr;
    }
    drawer_ = std::make_shared<Drawer>(std::move(options));
    detail::add_run_watcher(drawer_);
}

ProgressBar::~ProgressBar() {
    if (drawer_) detail::remove_run_watcher(drawer_);
}

}  // namespace satchel
