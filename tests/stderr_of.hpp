// What is written to the standard error output, for tests of warnings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

namespace satchel::testing {

/// Has the standard error output go to a file for as long as it lives.
class StderrTo {
  public:
    explicit StderrTo(std::FILE* file) : before_(::dup(STDERR_FILENO)) {
        ::dup2(::fileno(file), STDERR_FILENO);
    }
    StderrTo(const StderrTo&) = delete;
    StderrTo& operator=(const StderrTo&) = delete;
    ~StderrTo() {
        std::fflush(stderr);
        ::dup2(before_, STDERR_FILENO);
        ::close(before_);
    }

  private:
    int before_;
};

/// What `f` writes there, in any thread, until it returns.
template <class F>
std::string stderr_of(F f) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
    REQUIRE(file != nullptr);
    {
        const StderrTo redirection(file.get());
        f();
    }
    REQUIRE(std::fseek(file.get(), 0, SEEK_SET) == 0);
    std::string text;
    std::array<char, 4096> some{};
    while (const auto count = std::fread(some.data(), 1, some.size(), file.get())) {
        text.append(some.data(), count);
    }
    return text;
}

}  // namespace satchel::testing
