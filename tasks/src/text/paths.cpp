// Absolute paths, and finding the files that a pattern means, folder by folder.
#include "text/paths.hpp"

#include <satchel/detail/text_operations.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace satchel::detail {
namespace {

namespace fs = std::filesystem;

class Search {
  public:
    explicit Search(const fs::path& pattern) : parts_(pattern.begin(), pattern.end()) {}

    // Looks in `folder` for what matches the parts from number `k` on.
    void look_in(const fs::path& folder, std::size_t k) {
        if (k == parts_.size()) return;
        const auto& part = parts_[k].native();
        if (!is_pattern(part)) {
            go_on_with(folder / part, k);
        } else if (part == "**") {
            look_in(folder, k + 1);
            for (const auto& entry : entries_of(folder)) {
                std::error_code ignored;
                const bool hidden = entry.path().filename().native().starts_with('.');
                if (hidden || entry.is_symlink(ignored)) continue;
                if (entry.is_directory(ignored)) {
                    look_in(folder / entry.path().filename(), k);
                } else if (k + 1 == parts_.size()) {
                    go_on_with(folder / entry.path().filename(), k);
                }
            }
        } else {
            for (const auto& entry : entries_of(folder)) {
                const std::string name = entry.path().filename().native();
                if (name.starts_with('.') && !part.starts_with('.')) continue;
                if (matches_wildcard(part, name)) go_on_with(folder / name, k);
            }
        }
    }

    std::vector<std::string> found;

  private:
    void go_on_with(const fs::path& path, std::size_t k) {
        std::error_code ignored;
        const auto type = fs::status(path, ignored).type();
        if (type == fs::file_type::directory) return look_in(path, k + 1);
        const bool exists = type != fs::file_type::not_found && type != fs::file_type::none;
        if (exists && k + 1 == parts_.size()) found.push_back(path.native());
    }

    // What cannot be read is taken for empty, as shells do.
    static fs::directory_iterator entries_of(const fs::path& folder) {
        std::error_code ignored;
        return {folder.empty() ? fs::path(".") : folder, ignored};
    }

    std::vector<fs::path> parts_;
};

}  // namespace

std::string absolute_path(const fs::path& path) {
    fs::path result;
    for (const auto& part : fs::absolute(path)) {
        if (part == ".") continue;
        result /= part;
        if (part != "..") continue;
        // Where the system cannot follow a link, whoever opens the file says why.
        std::error_code error;
        auto real = fs::weakly_canonical(result, error);
        if (!error) result = std::move(real);
    }
    return result.native();
}

bool is_pattern(std::string_view path) {
    return path.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> files_that_match(const std::string& pattern) {
    Search search(pattern);
    search.look_in({}, 0);
    std::ranges::sort(search.found);
    const auto same = std::ranges::unique(search.found);
    search.found.erase(same.begin(), same.end());
    return std::move(search.found);
}

}  // namespace satchel::detail
