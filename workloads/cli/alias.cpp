// Links to the executable that are called like other tools do what these do.
#include "command.hpp"

#include <array>

namespace satchel::cli {
namespace {

struct Alias {
    std::string_view tool;
    std::string_view reverse;
    std::string_view to_stdout;
    std::string_view format;      // what it makes; what it reads is told by the content
    std::string_view habit = {};  // an option, for what the others do not do
};

constexpr std::array aliases{Alias{"gzip", "gunzip", "zcat", "gzip"},
                             Alias{"pigz", "unpigz", "pigzcat", "gzip", "--zlib-by-z"},
                             Alias{"bzip2", "bunzip2", "bzcat", "bz2"},
                             Alias{"xz", "unxz", "xzcat", "xz"},
                             Alias{"zstd", "unzstd", "zstdcat", "zstd", "--keep"}};

Arguments with_habit(Arguments arguments, const Alias& alias) {
    if (!alias.habit.empty()) arguments.emplace_back(alias.habit);
    return arguments;
}

}  // namespace

Arguments alias_arguments(std::string_view program) {
    constexpr std::string_view prefix = "satchel-";
    program = program.substr(program.find_last_of('/') + 1);
    if (!program.starts_with(prefix)) return {};
    const auto name = program.substr(prefix.size());
    for (const Alias& alias : aliases) {
        if (name == alias.tool) {
            return with_habit({"compress", "--default-format", std::string(alias.format)}, alias);
        }
        if (name == alias.reverse) return with_habit({"decompress"}, alias);
        if (name == alias.to_stdout) return {"decompress", "--stdout"};
    }
    return {};
}

}  // namespace satchel::cli
