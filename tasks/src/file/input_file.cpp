// Reading: whole files, ranges of them, and what can only be read once from front to back.
#include <satchel/tasks/file.hpp>

#include "file/system_call.hpp"

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace satchel {
namespace {

detail::Descriptor open_for_reading(const std::filesystem::path& path) {
    const int number =
        uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); });
    if (number < 0) throw_file_error(path.native(), "open", errno);
    return detail::Descriptor(number);
}

// Calls `read_some(rest of block, bytes read so far)` until the block is full or the input ends.
template <class ReadSome>
std::size_t fill(std::span<std::byte> block, std::string_view name, std::int64_t offset,
                 int descriptor, ReadSome read_some) {
    std::size_t filled = 0;
    while (filled < block.size()) {
        const auto n = uninterrupted([&] { return read_some(block.subspan(filled), filled); });
        if (n == 0) break;
        if (n > 0) {
            filled += static_cast<std::size_t>(n);
        } else if (!wait_if_not_ready(descriptor, POLLIN)) {
            const auto at = offset + static_cast<std::int64_t>(filled);
            throw_file_error(name, fmt::format("read at offset {}", at), errno);
        }
    }
    return filled;
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path)
    : name_(path.native()),
      descriptor_(open_for_reading(path)),
      status_(file_status(descriptor_.number(), name_)) {
    if (status_.type == FileType::directory) throw_file_error(name_, "read", EISDIR);
}

InputFile::InputFile(int descriptor, std::string name)
    : name_(std::move(name)),
      descriptor_(descriptor, false),
      status_(file_status(descriptor, name_)) {
    if (status_.type == FileType::directory) throw_file_error(name_, "read", EISDIR);
}

bool InputFile::unchanged() const {
    if (status_.type != FileType::regular) return true;
    return file_status(descriptor_.number(), name_).unchanged_since(status_);
}

std::size_t InputFile::read(std::span<std::byte> block) {
    const int number = descriptor_.number();
    const auto filled = fill(block, name_, position_, number, [&](auto rest, std::size_t) {
        return ::read(number, rest.data(), rest.size());
    });
    position_ += static_cast<std::int64_t>(filled);
    return filled;
}

Bytes InputFile::read_at(std::int64_t offset, std::int64_t length) const {
    if (offset < 0 || length < 0) {
        throw InvalidArgument(
            fmt::format("{}: there is no range of {} bytes at offset {}", name_, length, offset));
    }
    Buffer buffer(static_cast<std::size_t>(length));
    buffer.resize(read_at(offset, {buffer.data(), buffer.size()}));
    return std::move(buffer).freeze();
}

std::size_t InputFile::read_at(std::int64_t offset, std::span<std::byte> block) const {
    const int number = descriptor_.number();
    return fill(block, name_, offset, number, [&](auto rest, auto done) {
        return ::pread(number, rest.data(), rest.size(), offset + static_cast<off_t>(done));
    });
}

std::vector<FileChunk> file_chunks(const std::filesystem::path& path, std::int64_t chunk_size) {
    if (chunk_size < 1) {
        throw InvalidArgument(
            fmt::format("{}: cannot be cut into chunks of {} bytes; a chunk has "
                        "at least one",
                        path.native(), chunk_size));
    }
    const InputFile file(path);
    const auto& status = file.status();
    if (status.type != FileType::regular) {
        throw FileError(path.native() + ": is no regular file: only those can be cut into ranges");
    }
    if (status.size == 0 && !file.read_at(0, 1).empty()) {  // of the kernel, as those in /proc
        throw FileError(path.native() +
                        ": does not tell its size, so it cannot be cut into ranges; copy it, and "
                        "read the copy");
    }
    const auto absolute = std::filesystem::absolute(path).native();
    std::vector<FileChunk> chunks;
    chunks.reserve(static_cast<std::size_t>(status.size / chunk_size + 1));
    for (std::int64_t offset = 0; offset < status.size; offset += chunk_size) {
        chunks.push_back({absolute, offset, std::min(chunk_size, status.size - offset)});
    }
    return chunks;
}

Bytes read_chunk(const FileChunk& chunk) {
    auto data = InputFile(chunk.path).read_at(chunk.offset, chunk.length);
    if (static_cast<std::int64_t>(data.size()) != chunk.length) {
        throw FileError(
            fmt::format("{}: {} bytes are expected at offset {}, but the file ends "
                        "after {} of them; it was truncated after it was cut",
                        chunk.path, chunk.length, chunk.offset, data.size()));
    }
    return data;
}

Bytes read_file(const std::filesystem::path& path) {
    InputFile file(path);
    // One byte more than its size tells in the same call that the file ends there; files that do
    // not know their size, as those in /proc, and growing ones take further turns.
    Buffer buffer(static_cast<std::size_t>(std::max<std::int64_t>(file.status().size, 4095) + 1));
    std::size_t size = 0;
    while (true) {
        size += file.read({buffer.data() + size, buffer.size() - size});
        if (size < buffer.size()) break;
        buffer.resize(2 * size);
    }
    buffer.resize(size);
    return std::move(buffer).freeze();
}

}  // namespace satchel
