// What the tests of processes share: a folder with a pipe in it, through which processes tell that
// they live.
#pragma once

#include "base/file_descriptor.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace satchel_tests {

/// A named pipe. Whoever has it open for writing is alive; when it ends, nobody is.
class LifeLine {
  public:
    LifeLine() {
        auto name = (std::filesystem::temp_directory_path() / "satchel-process-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
        REQUIRE(mkfifo(path().c_str(), 0600) == 0);
    }
    ~LifeLine() { std::filesystem::remove_all(folder_); }
    LifeLine(const LifeLine&) = delete;
    LifeLine& operator=(const LifeLine&) = delete;

    [[nodiscard]] std::string path() const { return (folder_ / "fifo").string(); }
    [[nodiscard]] std::filesystem::path folder() const { return folder_; }

    /// Waits until `count` processes have opened the pipe; gives their numbers.
    std::vector<pid_t> wait_for(int count) {
        std::vector<pid_t> pids;
        std::string line;
        char c = 0;
        // While this has it open for writing as well, reading waits where nobody else has: to open
        // it again would miss who has come and gone in between, and wait for the next.
        const satchel::detail::FileDescriptor own(::open(path().c_str(), O_RDWR | O_CLOEXEC));
        if (!file_) {
            file_ = satchel::detail::FileDescriptor(::open(path().c_str(), O_RDONLY | O_CLOEXEC));
        }
        while (static_cast<int>(pids.size()) < count) {
            if (::read(file_.get(), &c, 1) != 1) continue;
            if (c != '\n') {
                line += c;
            } else {
                pids.push_back(static_cast<pid_t>(std::stol(line)));
                line.clear();
            }
        }
        return pids;
    }

    /// Waits until no process has the pipe open.
    void wait_for_end() {
        char c = 0;
        while (::read(file_.get(), &c, 1) > 0) {
        }
    }

  private:
    std::filesystem::path folder_;
    satchel::detail::FileDescriptor file_;
};

}  // namespace satchel_tests
