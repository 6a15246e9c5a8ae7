// The libraries that the codecs call, as a process has loaded them. Another version may make other
// bytes of the same chunk; so a chunk is compressed only where they are the same.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace satchel::detail {

struct CodecLibraries {
    /// The tag of each one's build, by the name of its file.
    std::map<std::string, std::uint64_t> builds = {};

    [[nodiscard]] static const CodecLibraries& of_this_process();

    /// Throws Error, which names a library, if this process has others.
    void require() const;
};

}  // namespace satchel::detail
