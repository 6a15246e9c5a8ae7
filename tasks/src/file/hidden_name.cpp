// Hidden names, the list of them that a signal handler can read, and the search for stale ones.
#include "file/hidden_name.hpp"

#include <satchel/stable_hash.hpp>
#include <satchel/tasks/file.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <random>
#include <set>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace satchel {
namespace {

constexpr std::string_view prefix = ".satchel-";
constexpr std::string_view suffix = ".part";
constexpr std::size_t digits_of_host = 8;
constexpr std::size_t digits = digits_of_host + 8;

std::string_view digits_in(std::string_view name) { return name.substr(prefix.size(), digits); }

bool is_hidden_name(std::string_view name) {
    if (name.size() != prefix.size() + digits + suffix.size()) return false;
    return name.starts_with(prefix) && name.ends_with(suffix) &&
           digits_in(name).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

const std::string& digits_of_this_host() {
    static const std::string text = [] {
        std::array<char, 256> name{};  // longer ones are cut off, and need no more
        ::gethostname(name.data(), name.size() - 1);
        const auto hash = static_cast<std::uint32_t>(stable_hash(std::string_view(name.data())));
        return fmt::format("{:0{}x}", hash, digits_of_host);
    }();
    return text;
}

// The names that exist, for `remove_pending_files`, which must neither lock nor allocate. A slot's
// text belongs to whoever exchanges it for null: its owner, or a signal handler, which may not free
// it and keeps it in `removed`, in a process that is about to die. When all slots are taken a file
// goes without: it is then left to the next run in its folder.
constexpr std::size_t slots = 64;
std::array<std::atomic<char*>, slots> registry{};
std::array<std::atomic<char*>, slots> removed{};

std::size_t enlist(const std::string& path) {
    char* text = ::strdup(path.c_str());
    for (std::size_t slot = 0; slot < slots; ++slot) {
        char* none = nullptr;
        if (registry[slot].compare_exchange_strong(none, text)) return slot;
    }
    std::free(text);
    return slots;
}

void delist(std::size_t slot) noexcept {
    if (slot < slots) std::free(registry[slot].exchange(nullptr));
}

std::string fresh_path(const std::filesystem::path& folder) {
    const std::uint32_t number = std::random_device()();
    return folder / fmt::format("{}{}{:0{}x}{}", prefix, digits_of_this_host(), number,
                                digits - digits_of_host, suffix);
}

void remove_if_stale(const std::filesystem::path& path) {
    // O_NONBLOCK for the case that somebody gave such a name to a pipe; for writing where possible,
    // because network file systems lock no other files.
    constexpr int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int number = ::open(path.c_str(), O_RDWR | flags);
    if (number < 0) number = ::open(path.c_str(), O_RDONLY | flags);
    const detail::Descriptor file(number);
    struct stat found {};
    if (!file || ::fstat(file.number(), &found) != 0 || !S_ISREG(found.st_mode)) return;
    constexpr std::time_t day = 24 * 60 * 60;
    const bool is_ours = digits_in(path.filename().native()).starts_with(digits_of_this_host());
    if (!is_ours && std::time(nullptr) - found.st_ctim.tv_sec < day) return;
    if (lock_hidden_file(file.number())) ::unlink(path.c_str());
}

bool first_visit(const std::filesystem::path& folder) {
    static std::mutex mutex;
    static std::set<std::filesystem::path> visited;
    const std::lock_guard lock(mutex);
    return visited.insert(folder).second;
}

}  // namespace

HiddenName::HiddenName(const std::filesystem::path& folder)
    : path_(fresh_path(folder)), slot_(enlist(path_)) {}

HiddenName::~HiddenName() {
    ::unlink(path_.c_str());
    delist(slot_);
}

bool is_pending_file(const std::filesystem::path& path) {
    return is_hidden_name(path.filename().native());
}

bool lock_hidden_file(int descriptor) noexcept {
    return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
}

void remove_stale_files(const std::filesystem::path& folder) noexcept {
    try {
        if (!first_visit(folder)) return;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            if (is_pending_file(entry.path())) remove_if_stale(entry.path());
        }
    } catch (const std::exception&) {
        // A folder that may be written to but not listed: the next run that can will find them.
        return;
    }
}

void remove_pending_files() noexcept {
    for (std::size_t slot = 0; slot < slots; ++slot) {
        char* const path = registry[slot].exchange(nullptr);
        if (path == nullptr) continue;
        ::unlink(path);
        removed[slot] = path;
    }
}

}  // namespace satchel
