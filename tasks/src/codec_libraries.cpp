// Libraries are told from each other by their build-ids: not all of them can say their version.
#include "codec_libraries.hpp"

#include <satchel/error.hpp>
#include <satchel/module.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

constexpr std::array<std::string_view, 6> names{"libdeflate.so", "libisal.so", "libz.so",
                                                "libbz2.so",     "liblzma.so", "libzstd.so"};

[[noreturn]] void refuse(const std::string& library) {
    throw Error(fmt::format(
        "compressing a chunk for another process: this one has another {}, so that the bytes could "
        "differ; install the same version on both computers",
        library));
}

}  // namespace

const CodecLibraries& CodecLibraries::of_this_process() {
    static const CodecLibraries libraries = [] {
        CodecLibraries found;
        for (const auto& module : loaded_modules()) {
            const auto file = std::filesystem::path(module.path).filename().native();
            const bool is_one = std::ranges::any_of(
                names, [&](std::string_view name) { return file.starts_with(name); });
            if (is_one) found.builds[file] = module.tag;
        }
        return found;
    }();
    return libraries;
}

void CodecLibraries::require() const {
    const auto& own = of_this_process().builds;
    for (const auto& [name, build] : builds) {
        const auto found = own.find(name);
        if (found == own.end() || found->second != build) refuse(name);
    }
    for (const auto& [name, build] : own) {
        if (!builds.contains(name)) refuse(name);
    }
}

}  // namespace satchel::detail
