// The options that compress, decompress, test, list and cat share.
#pragma once

#include <satchel/tasks/codec.hpp>

#include "command.hpp"
#include "messages.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace satchel::cli {

enum class Mode { compress, decompress, test, list, cat };

/// What stands for the standard input and output.
inline const std::string standard_stream = "-";

struct CompressorOptions {
    Mode mode = Mode::compress;
    std::vector<std::string> files;  ///< at least one
    std::string output;              ///< empty: a file beside each source
    bool keep = false;
    bool force = false;
    bool strict = false;
    bool recursive = false;
    bool keep_name = false;  ///< the original's name and time go into the header, and come back
    bool rsyncable = false;
    bool json = false;
    bool index = false;  ///< write an index of each compressed file beside it
    bool show_progress = true;
    std::string suffix;            ///< empty: the codec's
    std::string files0;            ///< a file of further names, zeros between them
    std::int64_t max_output = -1;  ///< bytes that a result of decompression may have; < 0: any
    std::int64_t memory = 0;       ///< bytes to use at most; 0: not limited
    std::int64_t offset = 0;       ///< of what `cat` shows
    std::int64_t length = -1;      ///< and how much; < 0: all
    Verbosity verbosity = Verbosity::normal;
    const Codec* codec = nullptr;  ///< null when decompressing: told by the content
    CompressOptions compress = {};
    std::int64_t threads = 0;             ///< 0: all that the process may use
    std::optional<std::int64_t> workers;  ///< processes to start in place of threads; 0: as above
    std::string cluster;  ///< an address or a connection file; empty: this computer does the work

    /// Whether the result goes elsewhere than beside the source, which is then no replacement for
    /// it.
    [[nodiscard]] bool copies() const { return !makes_file() || !output.empty(); }
    [[nodiscard]] bool makes_file() const {
        return mode == Mode::compress || mode == Mode::decompress;
    }
    [[nodiscard]] bool writes_to_stdout(const std::string& file) const {
        return mode == Mode::cat || output == standard_stream ||
               (output.empty() && file == standard_stream);
    }

    /// What may be called the original of a compressed `file`; nothing if its name does not tell.
    [[nodiscard]] std::optional<std::string> original_name(const std::string& file) const;
    [[nodiscard]] bool is_compressed_name(const std::string& file) const;
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
