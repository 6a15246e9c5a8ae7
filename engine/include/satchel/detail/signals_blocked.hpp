/// For the library and its programs: threads that leave the program's signals to the threads that
/// the program made.
#pragma once

#include <csignal>
#include <initializer_list>

#include <pthread.h>

namespace satchel::detail {

/// While it lives, this thread takes no signals but those of its own crash; nor do, for all their
/// life, the threads that it starts meanwhile.
class SignalsBlocked {
  public:
    /// Those in `but` stay as they are.
    SignalsBlocked(std::initializer_list<int> but = {}) {
        sigset_t blocked;
        sigfillset(&blocked);
        for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
            sigdelset(&blocked, crash);
        }
        for (const int number : but) sigdelset(&blocked, number);
        pthread_sigmask(SIG_BLOCK, &blocked, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

}  // namespace satchel::detail
