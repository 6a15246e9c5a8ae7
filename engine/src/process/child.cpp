// Starting a process: what happens between fork and exec, and at its end.
#include "process/child.hpp"

#include <satchel/error.hpp>

#include "net/little_endian.hpp"
#include "process/worker_mode.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace satchel::process {
namespace {

using detail::FileDescriptor;

[[noreturn]] void fail(const Command& command, int error) {
    throw Error(fmt::format("cannot start a worker process ({}): {}", command.program,
                            std::strerror(error)));
}

// Not one of the standard files, also if this process has closed those.
FileDescriptor above_standard_files(int fd) {
    FileDescriptor file(fd);
    if (!file || file.get() > STDERR_FILENO) return file;
    return FileDescriptor(::fcntl(file.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

struct Ends {
    FileDescriptor parents;
    FileDescriptor childs;
};

Ends make_socket_pair() {
    std::array<int, 2> fds{-1, -1};
    (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data());
    return {above_standard_files(fds[0]), above_standard_files(fds[1])};
}

Ends make_pipe_from_child() {
    std::array<int, 2> fds{-1, -1};
    (void)::pipe2(fds.data(), O_CLOEXEC);
    return {above_standard_files(fds[0]), above_standard_files(fds[1])};
}

// All that the child needs, made before it exists: between fork and exec, nothing may be allocated.
struct Preparation {
    explicit Preparation(const Command& command);

    Ends channel = make_socket_pair();
    Ends log = make_pipe_from_child();
    Ends failure = make_pipe_from_child();  // tells why exec failed
    FileDescriptor nothing = above_standard_files(::open("/dev/null", O_RDWR | O_CLOEXEC));
    pid_t parent = ::getpid();

    std::string program;
    std::vector<std::string> texts;
    std::vector<char*> arguments;
    std::vector<char*> environment;
};

Preparation::Preparation(const Command& command) : program(command.program) {
    const auto error = errno;
    if (!channel.childs || !log.childs || !failure.childs || !nothing) fail(command, error);
    texts = {program_invocation_name, worker_flag,
             fmt::format("{}{}", channel_flag, channel.childs.get())};
    texts.insert(texts.end(), command.arguments.begin(), command.arguments.end());
    const auto argument_count = texts.size();
    texts.push_back(fmt::format("{}={}", worker_variable, parent));
    texts.insert(texts.end(), command.environment.begin(), command.environment.end());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        (i < argument_count ? arguments : environment).push_back(texts[i].data());
    }
    for (auto** variable = environ; *variable != nullptr; ++variable) {
        environment.push_back(*variable);
    }
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
}

// In the child: only system calls from here on.
[[noreturn]] void become_worker(const Preparation& prepared) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != prepared.parent) _exit(1);
    ::setpgid(0, 0);
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(prepared.nothing.get(), STDIN_FILENO);
    ::dup2(prepared.log.childs.get(), STDERR_FILENO);
    // What the program itself has left open is not for its workers.
    ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    ::fcntl(prepared.channel.childs.get(), F_SETFD, 0);
    ::execve(prepared.program.c_str(), prepared.arguments.data(), prepared.environment.data());
    const int error = errno;
    (void)!::write(prepared.failure.childs.get(), &error, sizeof error);
    _exit(1);
}

// 0 when exec has closed the pipe, else the errno of why it did not.
int error_of_start(int pipe) {
    int error = 0;
    ssize_t count = 0;
    do count = ::read(pipe, &error, sizeof error);
    while (count < 0 && errno == EINTR);
    return count == sizeof error ? error : 0;
}

// An unread byte of what fits into the socket's buffer never blocks; a child that is gone is
// noticed by its end.
void send_parameters(int channel, const Bytes& parameters) {
    std::array<std::byte, sizeof(std::uint32_t)> header{};
    net::store_little_endian(static_cast<std::uint32_t>(parameters.size()), header.data());
    (void)::send(channel, header.data(), header.size(), MSG_NOSIGNAL);
    (void)::send(channel, parameters.data(), parameters.size(), MSG_NOSIGNAL);
}

}  // namespace

std::string ExitStatus::describe() const {
    if (signal == 0) return fmt::format("exited with code {}", code);
    const auto* name = ::sigdescr_np(signal);
    return fmt::format("was ended by signal {} ({})", signal, name == nullptr ? "unknown" : name);
}

Child Child::spawn(const Command& command, const Bytes& parameters) {
    require_init();
    if (parameters.size() > max_parameters) {
        throw InvalidArgument(fmt::format("parameters of {} bytes for a worker process; at most {}",
                                          parameters.size(), max_parameters));
    }
    Preparation prepared(command);
    Child child;
    child.pid_ = ::fork();
    if (child.pid_ == 0) become_worker(prepared);
    if (child.pid_ < 0) fail(command, errno);
    child.end_file_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid_, 0)));
    if (!child.end_file_) fail(command, errno);

    prepared.failure.childs.reset();
    if (const int error = error_of_start(prepared.failure.parents.get()); error != 0) {
        fail(command, error);
    }
    child.channel_ = std::move(prepared.channel.parents);
    child.log_ = std::move(prepared.log.parents);
    (void)::fcntl(child.log_.get(), F_SETFL, O_NONBLOCK);
    send_parameters(child.channel_.get(), parameters);
    return child;
}

Child::~Child() {
    if (pid_ < 0) return;
    kill();
    (void)reap();
}

void Child::send_signal(int signal) const { (void)::kill(pid_, signal); }

void Child::kill() const {
    (void)::kill(-pid_, SIGKILL);
    (void)::kill(pid_, SIGKILL);
}

ExitStatus Child::reap() {
    // While it is not reaped, no other process and no other group can have its number.
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
           errno == EINTR) {
    }
    (void)::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
    return {WEXITSTATUS(status), 0};
}

}  // namespace satchel::process
