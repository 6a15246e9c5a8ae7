// Compressed files for the fuzz targets to begin with.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace satchel::fuzz {

struct CompressedFile {
    std::string format;
    std::string data;
};

/// Small files of all formats: of one chunk and of several, also put together, by satchel and by
/// those of the usual tools that are installed.
std::vector<CompressedFile> compressed_files();

/// Text that is small when it is compressed, but of several chunks.
std::string long_text();

/// Text that also has something of all bytes.
std::string short_text();

/// The place of a format in codecs(); their number if it is not among them.
std::size_t codec_index(std::string_view format);

/// A byte of a seed.
constexpr char byte(std::size_t value) { return static_cast<char>(value); }

}  // namespace satchel::fuzz
