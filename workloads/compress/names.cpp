// Suffixes, as the codecs name them.
#include "names.hpp"

#include <algorithm>

namespace satchel {

bool has_suffix(std::string_view name, const Codec& codec) {
    return std::ranges::any_of(codec.info().suffixes,
                               [&](const Suffix& suffix) { return suffix.ends(name); });
}

std::string compressed_name(std::string_view name, const Codec& codec) {
    return std::string(name) + std::string(codec.info().suffix);
}

std::optional<std::string> decompressed_name(std::string_view name) {
    for (const Codec* codec : codecs()) {
        for (const Suffix& suffix : codec->info().suffixes) {
            if (!suffix.ends(name)) continue;
            const auto stem = name.substr(0, name.size() - suffix.text.size());
            return std::string(stem) + std::string(suffix.replacement);
        }
    }
    return std::nullopt;
}

}  // namespace satchel
