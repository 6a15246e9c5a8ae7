// Watching one worker process after the other.
#include "process/nanny.hpp"

#include <satchel/error.hpp>
#include <satchel/log.hpp>
#include <satchel/units.hpp>

#include "process/log_tail.hpp"
#include "process/memory_use.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <unistd.h>

namespace satchel::process {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string WorkerEnd::describe() const {
    auto text = fmt::format("the worker process {} {}", pid, status.describe());
    if (was_late) {
        text +=
            ": it did not get to satchel::init(argc, argv) in time, with which main() must begin";
    } else if (used_memory > 0) {
        text += fmt::format(
            ": its nanny killed it because it used {}, more than {:.0f} % of its memory limit of "
            "{}{}",
            format_bytes(static_cast<std::uint64_t>(used_memory)), 100 * kill_at,
            format_bytes(static_cast<std::uint64_t>(memory_limit)),
            began_over_limit ? ", before it had done anything; make the limit larger"
                             : "; make partitions smaller or the limit larger");
    } else if (was_killed_from_outside()) {
        text += ", which satchel did not send";
        if (status.signal == SIGKILL) text += ": perhaps the system ran out of memory";
    } else if (!was_ready) {
        text += " before it called satchel::init(argc, argv), with which main() must begin";
    } else if (!has_joined && !was_asked) {
        text += " before it had joined its cluster";
    }
    if (!last_lines.empty()) {
        text += fmt::format("; the last lines of its log:\n  {}", fmt::join(last_lines, "\n  "));
    }
    return text;
}

bool WorkerEnd::was_killed_from_outside() const {
    const bool was_sent = status.signal == SIGKILL || status.signal == SIGTERM ||
                          status.signal == SIGINT || status.signal == SIGHUP;
    return was_sent && !was_asked && !was_late && used_memory == 0;
}

namespace {

// So many of the first processes may end before they could do what they are for.
constexpr int early_ends_max = 5;

// Nothing when there is no more for now (EAGAIN), or ever: what a process has left behind may keep
// the channel open.
std::optional<std::byte> next_byte(int channel) {
    std::byte byte{};
    errno = 0;
    if (::recv(channel, &byte, 1, MSG_DONTWAIT) != 1) return std::nullopt;
    return byte;
}

}  // namespace

class Nanny::Impl {
  public:
    Impl(net::EventLoop& loop, NannyOptions options, NannyHandlers handlers)
        : loop_(loop),
          options_(std::move(options)),
          handlers_(std::move(handlers)),
          timer_(loop),
          memory_timer_(loop) {}

    [[nodiscard]] net::EventLoop& loop() { return loop_; }
    void start();
    void stop(std::function<void()> stopped);
    void restart();

  private:
    // One process, and what is watched of it.
    struct Life {
        explicit Life(Child started, const NannyOptions& options)
            : child(std::move(started)),
              log(static_cast<std::size_t>(options.kept_lines), options.passes_log_on) {
            end.pid = child.pid();
        }
        Child child;
        LogTail log;
        WorkerEnd end;
        steady_clock::time_point began = steady_clock::now();
        std::optional<net::Watch> end_watch;
        std::optional<net::Watch> channel_watch;
        std::optional<net::Watch> log_watch;
    };

    void on_channel();
    void hear(Life& life, std::byte byte);
    void on_log();
    void on_end();
    [[nodiscard]] bool is_hopeless(const WorkerEnd& end) const;
    void ask_to_end();
    void watch_memory();
    void start_after_pause(bool was_healthy);
    void start_again();

    net::EventLoop& loop_;
    NannyOptions options_;
    NannyHandlers handlers_;
    net::Timer timer_;  // for the start, the stop or the pause, which exclude each other
    net::Timer memory_timer_;
    std::unique_ptr<Life> life_;
    bool was_ever_ready_ = false;
    bool has_ever_joined_ = false;
    int ends_ = 0;  // nobody had asked for
    bool is_stopping_ = false;
    std::function<void()> stopped_;
    milliseconds pause_{0};
};

void Nanny::Impl::start() {
    life_ = std::make_unique<Life>(Child::spawn(options_.command, options_.parameters), options_);
    const auto& child = life_->child;
    life_->end_watch.emplace(loop_, child.end_file(), [this] { on_end(); });
    life_->channel_watch.emplace(loop_, child.channel(), [this] { on_channel(); });
    life_->log_watch.emplace(loop_, child.log(), [this] { on_log(); });
    timer_.start(options_.start_timeout, [this] {
        life_->end.was_late = true;
        life_->child.kill();
    });
}

void Nanny::Impl::on_channel() {
    const auto byte = next_byte(life_->child.channel());
    if (!byte && errno == EAGAIN) return;
    if (byte) hear(*life_, *byte);
    if (byte != ready_byte) return life_->channel_watch.reset();  // that was all, or it is ending
    if (life_->end.was_asked) return;
    timer_.cancel();
    if (options_.memory_limit > 0) watch_memory();
    life_->end.began_over_limit = life_->end.used_memory > 0;
    const auto started = handlers_.started;
    if (started) started(life_->end.pid);
}

void Nanny::Impl::hear(Life& life, std::byte byte) {
    if (byte == ready_byte) was_ever_ready_ = life.end.was_ready = true;
    if (byte == joined_byte) has_ever_joined_ = life.end.has_joined = true;
}

void Nanny::Impl::on_log() {
    std::array<char, 16384> text{};
    const auto count = ::read(life_->child.log(), text.data(), text.size());
    if (count > 0) life_->log.add({text.data(), static_cast<std::size_t>(count)});
    if (count == 0) life_->log_watch.reset();
}

void Nanny::Impl::on_end() {
    auto life = std::move(life_);
    timer_.cancel();
    memory_timer_.cancel();
    // What it has said before it ended may not have been looked at yet.
    while (const auto byte = next_byte(life->child.channel())) hear(*life, *byte);
    std::array<char, 16384> text{};
    ssize_t count = 0;
    while ((count = ::read(life->child.log(), text.data(), text.size())) > 0) {
        life->log.add({text.data(), static_cast<std::size_t>(count)});
    }
    life->end.status = life->child.reap();
    life->end.last_lines = life->log.finish();
    const auto end = life->end;
    const bool was_healthy = steady_clock::now() - life->began >= options_.healthy_after;
    life.reset();

    // What comes next is decided first: a handler may call back.
    if (!end.was_asked) ++ends_;
    const bool is_last = is_hopeless(end);
    if (!is_stopping_ && !is_last) {
        // Somebody else's signal says nothing against the program, however often it comes.
        const bool was_killed = end.was_ready && end.was_killed_from_outside();
        start_after_pause(was_healthy || end.was_asked || was_killed);
    }
    // They are copied: it may also destroy this.
    const auto stopped = std::exchange(stopped_, nullptr);
    const auto handlers = handlers_;
    if (handlers.ended) handlers.ended(end);
    if (is_last && handlers.failed) handlers.failed(end.describe());
    if (stopped) stopped();
}

// Whether another process would only end in the same way.
bool Nanny::Impl::is_hopeless(const WorkerEnd& end) const {
    if (end.began_over_limit) return true;
    if (end.was_asked || has_ever_joined_) return false;
    const bool may_be_chance = was_ever_ready_ || end.was_killed_from_outside();
    return !may_be_chance || ends_ >= early_ends_max;
}

// A worker that has no memory left would be ended by the system, and perhaps others with it.
void Nanny::Impl::watch_memory() {
    auto& end = life_->end;
    const auto used = memory_in_use(end.pid);
    if (static_cast<double>(used) > kill_at * static_cast<double>(options_.memory_limit)) {
        end.used_memory = used;
        end.memory_limit = options_.memory_limit;
        return life_->child.kill();
    }
    memory_timer_.start(options_.memory_interval, [this] { watch_memory(); });
}

void Nanny::Impl::start_after_pause(bool was_healthy) {
    if (was_healthy) pause_ = milliseconds(0);
    timer_.start(pause_, [this] { start_again(); });
    pause_ = std::clamp(2 * pause_, options_.first_pause, options_.longest_pause);
}

void Nanny::Impl::start_again() {
    try {
        start();
    } catch (const Error& error) {
        // The system has no room for a process now; it may have later.
        log_warning("nanny", fmt::format("{}; it is tried again", error.what()));
        start_after_pause(false);
    }
}

void Nanny::Impl::stop(std::function<void()> stopped) {
    is_stopping_ = true;
    timer_.cancel();
    if (!life_) return stopped();
    stopped_ = std::move(stopped);
    ask_to_end();
}

void Nanny::Impl::restart() {
    if (life_) ask_to_end();
}

void Nanny::Impl::ask_to_end() {
    life_->end.was_asked = true;
    life_->child.send_signal(SIGTERM);
    timer_.start(options_.stop_grace, [this] { life_->child.kill(); });
}

Nanny::Nanny(net::EventLoop& loop, NannyOptions options, NannyHandlers handlers)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(handlers))) {}
Nanny::Nanny(Nanny&&) noexcept = default;
Nanny::~Nanny() {
    if (impl_) impl_->loop().call([&] { impl_.reset(); });
}

void Nanny::start() { impl_->start(); }
void Nanny::stop(std::function<void()> stopped) { impl_->stop(std::move(stopped)); }
void Nanny::restart() { impl_->restart(); }

}  // namespace satchel::process
