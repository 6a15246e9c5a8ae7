// The signal handler, which may only call what is async-signal-safe.
#include "signals.hpp"

#include <satchel/tasks/file.hpp>

#include <atomic>

#include <signal.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

constexpr int deadly[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};

std::atomic<bool> line_open = false;

void end_process(int number) {
    remove_pending_files();
    if (line_open && number != SIGPIPE) {
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, "\n", 1);
    }
    ::signal(number, SIG_DFL);
    ::raise(number);  // takes effect when this handler returns
}

}  // namespace

void clean_up_on_signals() {
    struct sigaction action {};
    action.sa_handler = end_process;
    sigfillset(&action.sa_mask);
    for (const int number : deadly) {
        struct sigaction inherited {};
        ::sigaction(number, nullptr, &inherited);
        if (inherited.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);
    }
    ::signal(SIGXFSZ, SIG_IGN);
}

void set_line_open(bool open) noexcept { line_open = open; }

}  // namespace satchel::cli
