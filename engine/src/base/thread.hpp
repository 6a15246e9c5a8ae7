// Threads that leave the program's signals to the threads that the program made.
#pragma once

#include <satchel/detail/signals_blocked.hpp>

#include <csignal>
#include <thread>
#include <utility>

#include <pthread.h>

namespace satchel::detail {

/// A thread in which all signals are blocked but those of its own crash.
template <class Work>
std::thread thread_without_signals(Work work) {
    const SignalsBlocked blocked;
    return std::thread(std::move(work));
}

/// From now on this thread takes all signals, as the first thread of a program does.
inline void take_signals() {
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace satchel::detail
