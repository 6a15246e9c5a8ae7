// The loop behind stream() and for_each_partition().
#include <satchel/error.hpp>
#include <satchel/stream.hpp>

#include <deque>
#include <stop_token>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

// Stops all items at the end of its life. Were each stopped by its own destructor alone, which then
// waits for it, the executor would begin the next ones meanwhile.
class StoppedTogether {
  public:
    StoppedTogether() = default;
    StoppedTogether(const StoppedTogether&) = delete;
    StoppedTogether& operator=(const StoppedTogether&) = delete;
    ~StoppedTogether() { source_.request_stop(); }

    [[nodiscard]] RunOptions options() const { return {.stop_token = source_.get_token()}; }

  private:
    std::stop_source source_;
};

}  // namespace

void run_stream(const Executor& executor, const char* operation, std::int64_t window,
                StreamEnds& ends) {
    if (window < 0) {
        throw InvalidArgument(fmt::format(
            "{}: window is {}; it must be positive, or 0 for the default", operation, window));
    }
    // Asked anew each time, because workers come to a cluster, and leave it.
    const auto limit = [&] {
        return static_cast<std::size_t>(window == 0 ? 2 * executor.concurrency() + 2 : window);
    };
    std::deque<std::unique_ptr<Submission>> begun;
    const StoppedTogether items;  // after `begun`, so that it is destroyed before
    bool more = true;
    while (more || !begun.empty()) {
        // Writing what is done comes first: it frees memory, and shows progress.
        if (more && begun.size() < limit() && (begun.empty() || !begun.front()->done())) {
            auto graph = ends.next();
            if (!graph) {
                more = false;
                continue;
            }
            const auto last = graph->size() - 1;
            begun.push_back(executor.submit(std::move(*graph), {last}, items.options()));
            continue;
        }
        if (begun.empty()) continue;
        auto results = begun.front()->take();
        begun.pop_front();
        ends.write(std::move(results.front()));
    }
}

}  // namespace satchel::detail
