// A library for LD_PRELOAD that makes calls fail, or that interrupts the process right before one
// of those that change files. With it the tests visit every instant at which a process can die in
// the middle of its work.
//
//     FAULT_SIGNAL=7:9           before the seventh such call, signal 9
//     FAULT_ERROR=fsync:2:28     the second fsync fails with errno 28; several are joined by commas
//     FAULT_NO_UNNAMED_FILES=1   the file system knows no unnamed files (O_TMPFILE)
//     FAULT_FILE=/f              for which file alone `read` and `pread` fail: the end of its path
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <list>
#include <sstream>
#include <string>
#include <string_view>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace {

std::atomic<int> calls = 0;

struct Fault {
    std::string call;
    int at = 0;
    int code = 0;
    std::atomic<int> calls = 0;
};

std::list<Fault> faults_asked_for() {
    std::list<Fault> faults;
    const char* wanted = ::getenv("FAULT_ERROR");
    std::istringstream in(wanted == nullptr ? "" : wanted);
    for (std::string text; std::getline(in, text, ',');) {
        char call[32] = "";
        Fault& fault = faults.emplace_back();
        if (::sscanf(text.c_str(), "%31[^:]:%d:%d", call, &fault.at, &fault.code) == 3) {
            fault.call = call;
        }
    }
    return faults;
}

// A thread that blocks the signal leaves it to the others. It waits for the end that they make, so
// that its call is not made before.
void interrupt_by(int number) {
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    if (::sigismember(&blocked, number) == 0) {
        ::raise(number);
        return;
    }
    ::kill(::getpid(), number);
    while (true) ::pause();
}

void interrupt() {
    int at = 0;
    int number = 0;
    const char* wanted = ::getenv("FAULT_SIGNAL");
    if (wanted == nullptr || ::sscanf(wanted, "%d:%d", &at, &number) != 2) return;
    if (++calls == at) interrupt_by(number);
}

bool is_to_fail(std::string_view call) {
    static auto faults = faults_asked_for();
    for (Fault& fault : faults) {
        if (call != fault.call || ++fault.calls != fault.at) continue;
        errno = fault.code;
        return true;
    }
    return false;
}

// Of a call that changes files.
bool fails(std::string_view call) {
    interrupt();
    return is_to_fail(call);
}

// Much else is read than what the tests are about.
bool fails_to_read(std::string_view call, int file) {
    const char* wanted = ::getenv("FAULT_FILE");
    if (wanted == nullptr) return is_to_fail(call);
    const auto link = "/proc/self/fd/" + std::to_string(file);
    char path[4096];
    const auto size = ::readlink(link.c_str(), path, sizeof path);
    const std::string_view found(path, size < 0 ? 0 : static_cast<size_t>(size));
    return found.ends_with(wanted) && is_to_fail(call);
}

template <class Function, class... Arguments>
auto real(const char* name, Arguments... arguments) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name))(arguments...);
}

bool makes_unnamed_file(int flags) { return (flags & O_TMPFILE) == O_TMPFILE; }

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const auto mode = va_arg(rest, mode_t);
    va_end(rest);
    if (makes_unnamed_file(flags) && ::getenv("FAULT_NO_UNNAMED_FILES") != nullptr) {
        errno = EOPNOTSUPP;
        return -1;
    }
    const bool makes_file = makes_unnamed_file(flags) || (flags & O_CREAT) != 0;
    if (makes_file && fails("open")) return -1;
    return real<int(const char*, int, mode_t)>("open", path, flags, mode);
}

ssize_t write(int file, const void* data, size_t size) {
    if (file > STDERR_FILENO && fails("write")) return -1;
    return real<ssize_t(int, const void*, size_t)>("write", file, data, size);
}

ssize_t read(int file, void* data, size_t size) {
    if (fails_to_read("read", file)) return -1;
    return real<ssize_t(int, void*, size_t)>("read", file, data, size);
}

ssize_t pread(int file, void* data, size_t size, off_t offset) {
    if (fails_to_read("pread", file)) return -1;
    return real<ssize_t(int, void*, size_t, off_t)>("pread", file, data, size, offset);
}

int fsync(int file) { return fails("fsync") ? -1 : real<int(int)>("fsync", file); }

int dup(int file) noexcept { return fails("dup") ? -1 : real<int(int)>("dup", file); }

int fchown(int file, uid_t owner, gid_t group) noexcept {
    return fails("fchown") ? -1 : real<int(int, uid_t, gid_t)>("fchown", file, owner, group);
}

int fsetxattr(int file, const char* name, const void* value, size_t size, int flags) noexcept {
    if (fails("fsetxattr")) return -1;
    return real<int(int, const char*, const void*, size_t, int)>("fsetxattr", file, name, value,
                                                                 size, flags);
}

int fchmod(int file, mode_t mode) noexcept {
    return fails("fchmod") ? -1 : real<int(int, mode_t)>("fchmod", file, mode);
}

int futimens(int file, const timespec times[2]) noexcept {
    return fails("futimens") ? -1 : real<int(int, const timespec*)>("futimens", file, times);
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
    if (fails("linkat")) return -1;
    return real<int(int, const char*, int, const char*, int)>("linkat", from_folder, from,
                                                              to_folder, to, flags);
}

int link(const char* from, const char* to) noexcept {
    return fails("link") ? -1 : real<int(const char*, const char*)>("link", from, to);
}

int rename(const char* from, const char* to) noexcept {
    return fails("rename") ? -1 : real<int(const char*, const char*)>("rename", from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
    if (fails("renameat2")) return -1;
    return real<int(int, const char*, int, const char*, unsigned)>("renameat2", from_folder, from,
                                                                   to_folder, to, flags);
}

int unlink(const char* path) noexcept {
    return fails("unlink") ? -1 : real<int(const char*)>("unlink", path);
}

}  // extern "C"
