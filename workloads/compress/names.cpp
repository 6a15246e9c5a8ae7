// Suffixes, as the codecs name them.
#include "names.hpp"

#include <algorithm>

namespace satchel {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

// Upper case counts, as on files from systems that know no other, and as with gzip. A name that
// consists of its suffix alone is the name of a hidden file, and has no suffix.
bool ends_in(std::string_view name, std::string_view suffix) {
    const auto file_name = name.substr(name.find_last_of('/') + 1);
    const auto equal = [](char a, char b) { return lower(a) == lower(b); };
    return file_name.size() > suffix.size() &&
           std::ranges::equal(file_name.substr(file_name.size() - suffix.size()), suffix, equal);
}

bool has_suffix(std::string_view name, const Codec& codec) {
    return std::ranges::any_of(codec.info().suffixes,
                               [&](const Suffix& suffix) { return ends_in(name, suffix.text); });
}

std::string compressed_name(std::string_view name, const Codec& codec) {
    return std::string(name) + std::string(codec.info().suffix);
}

std::optional<std::string> decompressed_name(std::string_view name) {
    for (const Codec* codec : codecs()) {
        for (const Suffix& suffix : codec->info().suffixes) {
            if (!ends_in(name, suffix.text)) continue;
            const auto stem = name.substr(0, name.size() - suffix.text.size());
            return std::string(stem) + std::string(suffix.replacement);
        }
    }
    return std::nullopt;
}

}  // namespace satchel
