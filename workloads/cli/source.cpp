// Refusals and the removal of the source.
#include "source.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

// A file that its result is to replace must be a plain file with one name. What is only read may be
// anything that can be read.
void refuse_to_replace(const FileStatus& status, const CompressorOptions& options) {
    if (status.type == FileType::symlink) {
        throw Refusal("is a symbolic link; --force follows it, --stdout reads it");
    }
    if (status.type != FileType::regular && status.type != FileType::directory) {
        throw Refusal("is no regular file; --stdout reads it");
    }
    if (status.has_special_bits && !options.keep && status.type == FileType::regular) {
        throw Refusal(
            "has the set-user-ID, set-group-ID or sticky bit, which its result would not have; "
            "--keep keeps it, --force removes it");
    }
    if (status.links > 1 && !options.keep && status.type == FileType::regular) {
        throw Refusal(fmt::format("has {} other name{}; --keep keeps it, --force removes this one",
                                  status.links - 1, status.links == 2 ? "" : "s"));
    }
}

InputFile open_standard_input(const CompressorOptions& options) {
    if (options.mode != Mode::compress && !options.force && ::isatty(STDIN_FILENO) == 1) {
        throw Refusal("compressed data is not read from a terminal; name a file, or use --force");
    }
    return {STDIN_FILENO, "stdin"};
}

}  // namespace

std::optional<FileStatus> status_if_exists(const std::string& name, Symlinks symlinks) {
    try {
        return file_status(name, symlinks);
    } catch (const FileError& error) {
        if (error.code() == ENOENT) return std::nullopt;
        throw;
    }
}

InputFile open_source(const std::string& file, const CompressorOptions& options) {
    if (file == standard_stream) return open_standard_input(options);
    const auto status = file_status(file, Symlinks::examine);
    if (!options.copies() && !options.force) {
        refuse_to_replace(status, options);
        if (options.mode == Mode::compress && options.is_compressed_name(file)) {
            throw Refusal(fmt::format("has the suffix of {} already; --force compresses it",
                                      options.codec->info().name));
        }
    }
    return InputFile(file);
}

void refuse_same_file(const InputFile& source, const FileStatus& target) {
    if (target.type == FileType::regular && source.status().same_file(target)) {
        throw Refusal("input and output are the same file");
    }
}

bool is_to_be_removed(const std::string& file, const InputFile& source,
                      const CompressorOptions& options) {
    return !options.keep && !options.copies() && file != standard_stream &&
           source.status().type == FileType::regular;
}

bool remove_source(const std::string& file, const InputFile& source) {
    const auto there = status_if_exists(file, Symlinks::follow);
    if (!there) return true;  // somebody was faster
    if (!there->unchanged_since(source.status())) return false;
    if (::unlink(file.c_str()) != 0) throw_file_error(file, "remove", errno);
    return true;
}

}  // namespace satchel::cli
