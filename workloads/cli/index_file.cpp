// Finding and replacing indexes.
#include "index_file.hpp"

#include <satchel/error.hpp>
#include <satchel/units.hpp>

#include "compress.hpp"
#include "source.hpp"

#include <cerrno>
#include <chrono>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

// What an index may have, in bytes: a file must not decide how much memory is used. That of 300 GB
// in pieces of 64 KiB is smaller.
constexpr std::uint64_t index_size_max = std::uint64_t{256} << 20;

enum class Found { nothing, index, other_file, no_file };

// What lies at `name`. A pipe there is not opened: that would wait for somebody to write to it.
Found look_at(const std::string& name) {
    try {
        if (file_status(name).type != FileType::regular) return Found::no_file;
        return is_index(InputFile(name).read_at(0, head_size_max)) ? Found::index
                                                                   : Found::other_file;
    } catch (const FileError& error) {
        if (error.code() == ENOENT) return Found::nothing;
        throw;
    }
}

// What an index tells of a file is for those who may read that.
FileStatus metadata_for_index(const InputFile& source) {
    auto metadata = source.status();
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    metadata.modified_ns = std::chrono::nanoseconds(now).count();
    return metadata;
}

}  // namespace

std::string index_name(const std::string& file) { return file + ".idx"; }

std::optional<SeekTable> read_index(const InputFile& source) {
    if (!source.seekable()) return std::nullopt;
    const Codec* const codec = recognise(source.read_at(0, head_size_max));
    const auto name = index_name(source.name());
    if (codec == nullptr || look_at(name) != Found::index) return std::nullopt;
    const InputFile index(name);
    const auto size = static_cast<std::uint64_t>(index.status().size);
    if (size > index_size_max) {
        throw OverMemoryLimit(
            fmt::format("cannot use the index: it has {}, and none of more than {} is read",
                        format_bytes(size), format_bytes(index_size_max)));
    }
    return decode_index(index.read_at(0, index.status().size), *codec, random_access(source));
}

void refuse_foreign_index(const std::string& file, bool force) {
    const auto name = index_name(file);
    const auto found = look_at(name);
    if (found == Found::no_file) {
        throw Refusal(name + " is no regular file and is not replaced by an index");
    }
    if (found == Found::other_file && !force) {
        throw Refusal(name + " is no index; --force replaces it");
    }
}

void remove_index(const std::string& file, RunFiles& files) noexcept {
    try {
        const auto name = index_name(file);
        if (look_at(name) == Found::index && files.may_be_removed(name)) ::unlink(name.c_str());
    } catch (const std::exception&) {
        return;  // one that stays is recognised as that of another file
    }
}

bool write_index(const InputFile& source, const SeekTable& table, const Codec& codec, bool force) {
    const Bytes index = encode_index(table, codec, random_access(source));
    if (index.size() > index_size_max) return false;
    refuse_foreign_index(source.name(), force);
    const auto name = index_name(source.name());
    OutputFile file(name, {.replace = force || look_at(name) == Found::index,
                           .metadata = metadata_for_index(source)});
    file.write(index);
    file.commit();
    return true;
}

}  // namespace satchel::cli
