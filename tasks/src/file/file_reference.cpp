// Finding a file again in another process, and making sure that it is the same.
#include "file/file_reference.hpp"

#include <filesystem>
#include <system_error>

#include <fcntl.h>

namespace satchel::detail {
namespace {

// Without a working folder there is no absolute path; then nobody else finds the file.
std::string absolute_path(const std::string& name) {
    std::error_code error;
    const auto path = std::filesystem::absolute(name, error);
    return error ? name : path.native();
}

std::optional<Bytes> read_if_same(const std::string& path, const FileStatus& status,
                                  std::int64_t offset, std::int64_t length) {
    // O_NONBLOCK: a pipe of that name is not waited for.
    const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!descriptor) return std::nullopt;
    const InputFile file(descriptor.number(), path);
    if (!file.status().unchanged_since(status)) return std::nullopt;
    auto data = file.read_at(offset, length);
    if (!file.unchanged()) return std::nullopt;
    return data;
}

}  // namespace

FileReference::FileReference(const InputFile& file)
    : here_(&file), path_(absolute_path(file.name())), status_(file.status()) {}

std::optional<Bytes> FileReference::read_at(std::int64_t offset, std::int64_t length) const {
    if (here_ != nullptr) return here_->read_at(offset, length);
    try {
        return read_if_same(path_, status_, offset, length);
    } catch (const FileError&) {
        return std::nullopt;  // who has the file open can read it, or says why not
    }
}

}  // namespace satchel::detail
