// Dying by a signal without leaving anything behind.
#pragma once

namespace satchel::cli {

/// From here on SIGHUP, SIGINT, SIGTERM and SIGPIPE remove the files that are being written and
/// then end the process as they would have done anyway, so that whoever waits for it sees which it
/// was. Those that it inherited as ignored (nohup, background jobs) stay ignored. A file that may
/// not grow further (SIGXFSZ) is an error like a full disk.
///
/// Threads have to leave signals to the main thread (see SignalsBlocked), so that the cleaning up
/// is not overtaken by the work whose traces it removes.
void clean_up_on_signals();

/// While a progress line stands on the terminal, a signal ends it, so that the shell's prompt does
/// not follow on the same line.
void set_line_open(bool open) noexcept;

}  // namespace satchel::cli
