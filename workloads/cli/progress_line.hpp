// The progress line on a terminal:
//
//     [########                                ] | 22% Completed | 1.62 s | 301.45 MiB/s | 5.74 s
//     left
//
// Where the total is not known, as for a pipe, the amount stands in its place.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace satchel::cli {

/// How far something has come, and how fast: the text of the line.
struct ProgressState {
    std::int64_t total = 0;      ///< bytes to be read; 0 if not known
    std::int64_t input = 0;      ///< bytes read
    std::int64_t processed = 0;  ///< uncompressed bytes, by which the speed is measured
    double seconds = 0;
};
[[nodiscard]] std::string progress_text(const ProgressState& state);

/// Whether there is a terminal to draw on.
[[nodiscard]] bool can_show_progress();

/// Draws the line ten times a second, on a thread of its own because a single chunk may take long.
/// Destroyed without `finish`, it wipes itself off to make place for the message that follows.
/// Belongs to one thread.
class ProgressLine {
  public:
    explicit ProgressLine(std::int64_t total);
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine();

    void update(std::int64_t input, std::int64_t processed) noexcept;

    /// Draws the end and leaves it there.
    void finish();

  private:
    using Clock = std::chrono::steady_clock;

    void run(const std::stop_token& stop);
    void draw(const char* ending);
    void stop_drawing();

    const std::int64_t total_;
    const Clock::time_point start_ = Clock::now();
    std::atomic<std::int64_t> input_ = 0;
    std::atomic<std::int64_t> processed_ = 0;
    std::mutex mutex_;
    std::condition_variable_any stopped_;
    bool finished_ = false;
    std::jthread thread_;
};

}  // namespace satchel::cli
