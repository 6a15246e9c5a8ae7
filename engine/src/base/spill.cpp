// Data in temporary files.
#include "base/spill.hpp"

#include <satchel/error.hpp>
#include <satchel/units.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace satchel::detail {
namespace {

// Room is freed file by file, and each takes a descriptor.
constexpr std::uint64_t file_bytes_max = std::uint64_t{1} << 30;

std::string temporary_folder() {
    const char* given = std::getenv("TMPDIR");
    return given != nullptr && *given != '\0' ? given : "/var/tmp";
}

[[noreturn]] void fail(const std::string& folder, const std::string& doing, int code) {
    throw FileError(
        fmt::format("setting data aside in '{}': cannot {}: {}; set TMPDIR to a folder on a disk "
                    "with room, or let SATCHEL_SHUFFLE__MEMORY bytes of shuffles stay in memory",
                    folder, doing, std::generic_category().message(code)),
        code);
}

int open_temporary(const std::string& folder) {
    constexpr int owner_only = 0600;
    int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, owner_only);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
    // Some file systems know no files without names.
    std::string name = folder + "/satchel-XXXXXX";
    fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) ::unlink(name.c_str());
    return fd;
}

std::optional<std::int64_t> memory_of_environment() {
    const char* given = std::getenv("SATCHEL_SHUFFLE__MEMORY");
    if (given == nullptr || *given == '\0') return std::nullopt;
    try {
        return parse_bytes(given);
    } catch (const InvalidArgument& error) {
        throw InvalidArgument(
            fmt::format("the environment variable SATCHEL_SHUFFLE__MEMORY: {}", error.what()));
    }
}

}  // namespace

SpillFile::SpillFile(std::string folder)
    : folder_(std::move(folder)), file_(open_temporary(folder_)) {
    if (!file_) fail(folder_, "make a temporary file", errno);
}

void SpillFile::write(std::uint64_t offset, const Bytes& data) const {
    for (std::size_t done = 0; done < data.size();) {
        const auto written = ::pwrite(file_.get(), data.data() + done, data.size() - done,
                                      static_cast<off_t>(offset + done));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(folder_, fmt::format("write {}", format_bytes(data.size())), errno);
        done += static_cast<std::size_t>(written);
    }
}

Bytes SpillFile::read(std::uint64_t offset, std::uint64_t size) const {
    Buffer data(static_cast<std::size_t>(size));
    for (std::size_t done = 0; done < data.size();) {
        const auto got = ::pread(file_.get(), data.data() + done, data.size() - done,
                                 static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        // What was written is there, unless the disk has failed.
        if (got <= 0) {
            fail(folder_, fmt::format("read {} back", format_bytes(size)), got < 0 ? errno : EIO);
        }
        done += static_cast<std::size_t>(got);
    }
    return std::move(data).freeze();
}

struct SpillSpace::Held {
    Held(SpillSpace& in, Bytes data) : space(in), bytes(std::move(data)) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { space.memory_used_ -= static_cast<std::int64_t>(bytes.size()); }

    SpillSpace& space;
    Bytes bytes;
};

// Never destroyed, as data may be given up later than static objects are.
SpillSpace& SpillSpace::of_process() {
    static auto* instance = new SpillSpace(memory_of_environment().value_or(default_memory));
    return *instance;
}

void SpillSpace::fit_into(std::int64_t process_bytes) {
    if (memory_of_environment()) return;
    of_process().set_memory_max(std::min(default_memory, process_bytes / 4));
}

bool SpillSpace::reserve(std::int64_t bytes) noexcept {
    if (memory_used_.fetch_add(bytes) + bytes <= memory_max_) return true;
    memory_used_ -= bytes;
    return false;
}

SpillSpace::Place SpillSpace::put(Bytes data) {
    const auto size = data.size();
    if (!reserve(static_cast<std::int64_t>(size))) return set_aside(data);
    auto held = std::make_shared<const Held>(*this, std::move(data));
    const auto* first = held->bytes.data();
    return {.bytes = Bytes(std::move(held), first, size)};
}

SpillSpace::Place SpillSpace::set_aside(const Bytes& data) {
    Place place;
    place.file = file_for(data.size(), place.offset);
    place.file->write(place.offset, data);
    return place;
}

std::shared_ptr<const SpillFile> SpillSpace::file_for(std::uint64_t size, std::uint64_t& offset) {
    const std::lock_guard lock(mutex_);
    auto file = file_.lock();
    if (!file || file_end_ + size > file_bytes_max) {
        file = std::make_shared<const SpillFile>(temporary_folder());
        file_ = file;
        file_end_ = 0;
    }
    offset = std::exchange(file_end_, file_end_ + size);
    return file;
}

}  // namespace satchel::detail
