// Finds the groups of this process where Linux mounts them.
#include "base/control_groups.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

// The tightest limit of a group and of all that it lies in. In a container the path from /proc may
// be that of the host; then only the root, which is the container's own group, exists.
double tightest(const std::filesystem::path& root, std::filesystem::path path, GroupLimit limit) {
    double least = limit(root);
    for (path = path.relative_path(); !path.empty(); path = path.parent_path()) {
        least = std::min(least, limit(root / path));
    }
    return least;
}

}  // namespace

std::string first_line(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

double tightest_group_limit(std::string_view controller, GroupLimit version_2,
                            GroupLimit version_1) {
    const std::filesystem::path mounted("/sys/fs/cgroup");
    // The outermost ones are there even where /proc is not.
    double least = std::min(version_2(mounted), version_1(mounted / controller));
    std::ifstream groups("/proc/self/cgroup");  // lines "hierarchy:controllers:path"
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const auto controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
        const auto path = line.substr(second + 1);
        if (controllers == ",,") {
            least = std::min(least, tightest(mounted, path, version_2));
        } else if (controllers.find(fmt::format(",{},", controller)) != std::string::npos) {
            least = std::min(least, tightest(mounted / controller, path, version_1));
        }
    }
    return least;
}

}  // namespace satchel::detail
