// What is written to the standard error output, for tests of warnings.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

namespace satchel::testing {

/// What `f` writes there, in any thread, until it returns.
template <class F>
std::string stderr_of(F f) {
    std::FILE* const file = std::tmpfile();
    REQUIRE(file != nullptr);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(::fileno(file), STDERR_FILENO);
    f();
    std::fflush(stderr);
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
    REQUIRE(std::fseek(file, 0, SEEK_SET) == 0);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    return text;
}

}  // namespace satchel::testing
