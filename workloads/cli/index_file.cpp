// Finding and replacing indexes.
#include "index_file.hpp"

#include <satchel/error.hpp>

#include "compress.hpp"
#include "source.hpp"

#include <cerrno>

#include <fmt/format.h>

namespace satchel::cli {
namespace {

// What `recognise` and `is_index` look at.
constexpr std::int64_t head_size = 16;

std::optional<InputFile> open_index(const InputFile& source) {
    try {
        return InputFile(index_name(source.name()));
    } catch (const FileError& error) {
        if (error.code() == ENOENT) return std::nullopt;
        throw;
    }
}

}  // namespace

std::string index_name(const std::string& file) { return file + ".idx"; }

std::optional<SeekTable> read_index(const InputFile& source) {
    if (!source.seekable()) return std::nullopt;
    const Codec* const codec = recognise(source.read_at(0, head_size));
    const auto index = open_index(source);
    if (codec == nullptr || !index) return std::nullopt;
    const Bytes data = read_file(index->name());
    if (!is_index(data)) return std::nullopt;  // somebody else's
    return decode_index(data, *codec, random_access(source));
}

void write_index(const InputFile& source, const SeekTable& table, const Codec& codec, bool force) {
    if (table.pieces.empty() && table.output_size > 0) {
        throw Refusal("can be decoded from its start only, so there is no index of it");
    }
    const auto old = open_index(source);
    if (old && !force && !is_index(old->read_at(0, head_size))) {
        throw Refusal(index_name(source.name()) + " is no index; --force replaces it");
    }
    OutputFile file(index_name(source.name()), {.replace = old.has_value()});
    file.write(encode_index(table, codec, random_access(source)));
    file.commit();
}

}  // namespace satchel::cli
