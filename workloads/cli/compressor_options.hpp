// The options that compress, decompress and test share.
#pragma once

#include <satchel/tasks/codec.hpp>

#include "command.hpp"
#include "messages.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace satchel::cli {

enum class Mode { compress, decompress, test };

/// What stands for the standard input and output.
inline const std::string standard_stream = "-";

struct CompressorOptions {
    Mode mode = Mode::compress;
    std::vector<std::string> files;  ///< at least one
    std::string output;              ///< empty: a file beside each source
    bool keep = false;
    bool force = false;
    bool strict = false;
    bool show_progress = true;
    Verbosity verbosity = Verbosity::normal;
    const Codec* codec = nullptr;  ///< null when decompressing: told by the content
    CompressOptions compress = {};
    std::int64_t threads = 0;  ///< 0: all that the process may use

    /// Whether the result goes elsewhere than beside the source, which is then no replacement for
    /// it.
    [[nodiscard]] bool copies() const { return mode == Mode::test || !output.empty(); }
    [[nodiscard]] bool writes_to_stdout(const std::string& file) const {
        return output == standard_stream || (output.empty() && file == standard_stream);
    }
};

/// How a command introduces itself in its --help.
struct CommandText {
    std::string name;
    std::string description;
    std::string example;
};

/// Parses the arguments of a command whose own mode is `options.mode`; returns as `parse` does.
[[nodiscard]] std::optional<int> parse_compressor_options(const CommandText& text,
                                                          const Arguments& arguments,
                                                          CompressorOptions& options);

}  // namespace satchel::cli
