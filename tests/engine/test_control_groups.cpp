// The limits of control groups, by groups of our own where the system lets us make some.
#include <satchel/detail/usable_memory.hpp>

#include "base/control_groups.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t limit = 200 << 20;

bool write_line(const fs::path& file, const std::string& text) {
    std::ofstream out(file);
    out << text << std::endl;
    return static_cast<bool>(out);
}

// The folder of the group whose memory this process uses, and the name of the file with its limit.
struct OwnGroup {
    fs::path folder;
    std::string limit_file;
};
std::optional<OwnGroup> own_group() {
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const auto path = line.substr(line.rfind(':') + 1);
        if (line.find(":memory:") != std::string::npos) {
            return OwnGroup{"/sys/fs/cgroup/memory" + path, "memory.limit_in_bytes"};
        }
        if (line.starts_with("0::") && fs::exists("/sys/fs/cgroup/cgroup.controllers")) {
            return OwnGroup{"/sys/fs/cgroup" + path, "memory.max"};
        }
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("memory is what the groups that this one lies in allow") {
    CHECK(satchel::detail::usable_memory() > 0);
    const auto own = own_group();
    if (!own) {
        MESSAGE("left out: there are no control groups");
        return;
    }
    const auto outer = own->folder / ("satchel-test-" + std::to_string(getpid()));
    const auto inner = outer / "inner";
    std::error_code error;
    fs::create_directories(inner, error);
    const bool is_limited = !error && write_line(outer / own->limit_file, std::to_string(limit));
    int status = -1;
    if (is_limited) {
        const auto child = fork();
        if (child == 0) {
            if (!write_line(inner / "cgroup.procs", std::to_string(getpid()))) _exit(2);
            _exit(satchel::detail::usable_memory() == limit ? 0 : 1);
        }
        waitpid(child, &status, 0);
    }
    fs::remove(inner, error);
    fs::remove(outer, error);
    if (!is_limited || (WIFEXITED(status) && WEXITSTATUS(status) == 2)) {
        MESSAGE("left out: no control group can be made here");
        return;
    }
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a controller that nobody has limits nothing") {
    const auto none = [](const fs::path&) { return satchel::detail::no_limit; };
    CHECK(satchel::detail::tightest_group_limit("no such", none, none) ==
          satchel::detail::no_limit);
    CHECK(satchel::detail::first_line("/no/such/file").empty());
}
