// How the options are spelled, and what cannot be asked for together.
#include "compressor_options.hpp"

#include <satchel/error.hpp>
#include <satchel/units.hpp>

#include "names.hpp"
#include "special_file.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace satchel::cli {
namespace {

// More threads than any machine that this runs on has processors are a slip of the finger.
constexpr std::int64_t threads_max = 1024;

// What was said, before it is known whether it makes sense together: options come in any order.
struct Spoken {
    std::optional<std::int64_t> level;
    std::optional<std::int64_t> chunk_size;
    const Codec* default_codec = &codec("gzip");  // of compression
    bool z_means_zlib = false;
};

// A flag that takes effect when it is met, so that the last one of several wins.
template <class Action>
CLI::Option* add_switch(CLI::App& app, const std::string& names, const std::string& description,
                        Action action) {
    return app.add_flag_callback(names, action, description)->trigger_on_parse();
}

// Another spelling, which fingers know from other tools: understood, and not shown.
template <class Action>
void add_spelling(CLI::App& app, const std::string& names, Action action) {
    add_switch(app, names, "", action)->group("");
}

void add_mode_switches(CLI::App& app, CompressorOptions& options, Spoken& spoken) {
    if (options.makes_file()) {
        // Fingers that type it to `gunzip`, too, need not learn otherwise.
        const std::string group = options.mode == Mode::compress ? "Options" : "";
        add_switch(app, "-d,--decompress", "decompress, as `satchel decompress` does", [&] {
            options.mode = Mode::decompress;
        })->group(group);
        add_spelling(app, "--uncompress", [&] { options.mode = Mode::decompress; });
        add_spelling(app, "--compress", [&] { options.mode = Mode::compress; });
        // As pigz, which reads both formats whether it is given or not.
        const auto make_zlib = [&] {
            options.codec = nullptr;
            spoken.default_codec = &codec("zlib");
        };
        add_spelling(app, "-z", [&options, &spoken, make_zlib] {
            if (spoken.z_means_zlib) {
                make_zlib();
            } else {
                options.mode = Mode::compress;
            }
        });
        add_spelling(app, "--zlib-by-z", [&] { spoken.z_means_zlib = true; });
        add_spelling(app, "--zlib", make_zlib);
        const auto set_default = [&](const std::string& name) {
            spoken.default_codec = &codec(name);
        };
        app.add_option_function<std::string>("--default-format", set_default)  // for alias.cpp
            ->trigger_on_parse()
            ->take_last()
            ->group("");
        add_switch(app, "-t,--test", "check only, as `satchel test` does",
                   [&] { options.mode = Mode::test; });
        add_switch(app, "-l,--list", "show sizes only, as `satchel list` does",
                   [&] { options.mode = Mode::list; });
    }
}

// Options that mean nothing to `test`, but are what fingers may type, are understood and not shown.
void add_output_options(CLI::App& app, CompressorOptions& options) {
    const std::string group = options.makes_file() ? "Options" : "";
    add_switch(app, "-k,--keep", "keep the source", [&] { options.keep = true; })->group(group);
    add_spelling(app, "--rm", [&] { options.keep = false; });  // as zstd spells it
    add_spelling(app, "--synchronous", [] {});                 // as gzip does; nothing else is done
    add_switch(app, "-c,--stdout", "write to the standard output, keep the source", [&] {
        options.output = standard_stream;
    })->group(group);
    add_spelling(app, "--to-stdout", [&] { options.output = standard_stream; });
    const auto set_output = [&](const std::string& name) {
        if (name.empty()) throw CLI::ValidationError("--output", "the name is empty");
        options.output = is_standard_output(name) ? standard_stream : name;
    };
    app.add_option_function<std::string>("-o,--output", set_output,
                                         "write to FILE, keep the source")
        ->trigger_on_parse()
        ->type_name("FILE")
        ->take_last()
        ->group(group);
    app.add_flag("-f,--force", options.force,
                 "replace existing files, follow links, write to a terminal")
        ->group(group);
    const auto set_suffix = [&](const std::string& suffix) {
        if (suffix.empty() || suffix.find('/') != std::string::npos) {
            throw CLI::ValidationError("--suffix", "it must be a part of a file's name");
        }
        options.suffix = suffix;
    };
    app.add_option_function<std::string>("-S,--suffix", set_suffix,
                                         "what compressed files end with, beside .gz, .bz2 …")
        ->trigger_on_parse()
        ->type_name("SUFFIX")
        ->take_last()
        ->group(group);
    add_switch(app, "-N,--name", "keep the original's name and time in gzip files, restore them",
               [&] { options.keep_name = true; })
        ->group(group);
    add_switch(app, "-n,--no-name", "do not; this is the default", [&] {
        options.keep_name = false;
    })->group(group);
}

void add_input_options(CLI::App& app, CompressorOptions& options) {
    if (options.mode == Mode::compress || options.mode == Mode::test) {
        add_switch(app, "--index",
                   "write FILE.idx beside each compressed FILE, by which `satchel cat --range`\n"
                   "finds its way; most formats do without",
                   [&] { options.index = true; });
    }
    add_switch(app, "-r,--recursive", "go through folders", [&] { options.recursive = true; });
    app.add_option("--files0", options.files0,
                   "read further names from FILE, a zero byte behind each; - is the standard input")
        ->type_name("FILE")
        ->take_last();
}

void add_talk_options(CLI::App& app, CompressorOptions& options) {
    add_switch(app, "-q,--quiet", "no warnings, no progress; the exit code tells",
               [&] { options.verbosity = Verbosity::quiet; });
    add_spelling(app, "--silent", [&] { options.verbosity = Verbosity::quiet; });
    add_switch(app, "-v,--verbose", "say what was done with each file",
               [&] { options.verbosity = Verbosity::verbose; });
    app.add_flag_callback(
        "--no-progress", [&] { options.show_progress = false; }, "no progress line");
    app.add_flag("--strict", options.strict,
                 "garbage and padding after the compressed data are errors");
    app.add_flag("--json", options.json,
                 "say what was done with each file in JSON, on the standard output, or on the\n"
                 "standard error where that carries data");
}

void add_compression_options(CLI::App& app, CompressorOptions& options, Spoken& spoken) {
    bool& rsyncable = options.rsyncable;
    const std::string group = options.mode == Mode::compress ? "Options" : "";
    app.add_option("--level", spoken.level,
                   "-1 (or --fast) to -9 (or --best), zstd up to 19: how hard to try; default 6,\n"
                   "bz2 9, zstd 3")
        ->type_name("N")
        ->take_last()
        ->trigger_on_parse()
        ->group(group);
    for (std::int64_t level = 0; level <= 9; ++level) {
        auto names = fmt::format("-{}", level);
        if (level == 1) names += ",--fast";
        if (level == 9) names += ",--best";
        add_spelling(app, names, [&spoken, level] { spoken.level = level; });
    }
    const auto set_chunk_size = [&](const std::string& text) {
        spoken.chunk_size = parse_bytes(text);
    };
    app.add_option_function<std::string>(
           "--chunk-size", set_chunk_size,
           "bytes that are compressed as one piece, 64KiB to 1GiB; default by format")
        ->type_name("BYTES")
        ->take_last()
        ->group(group);
    add_switch(app, "--rsyncable", "let a small change of the input change the output little",
               [&rsyncable] { rsyncable = true; })
        ->group(group);
}

// Decompression understands them, too: it does with threads what compression does with workers.
void add_worker_options(CLI::App& app, CompressorOptions& options) {
    const std::string group = options.mode == Mode::compress ? "Options" : "";
    app.add_option("--workers", options.workers,
                   "worker processes to start and use; 0: as many as there are processors")
        ->check(CLI::Range(std::int64_t{0}, threads_max).description(""))
        ->type_name("N")
        ->take_last()
        ->group(group);
    const auto set_cluster = [&](const std::string& place) {
        if (place.empty()) throw CLI::ValidationError("--cluster", "it is empty");
        options.cluster = place;
    };
    app.add_option_function<std::string>(
           "--cluster", set_cluster,
           "compress on a cluster: the address of its scheduler, or its connection file")
        ->type_name("ADDRESS|FILE")
        ->take_last()
        ->group(group);
}

void add_engine_options(CLI::App& app, CompressorOptions& options) {
    std::vector<std::string_view> names;
    for (const Codec* codec : codecs()) names.push_back(codec->info().name);
    const auto set_format = [&](const std::string& name) { options.codec = &codec(name); };
    app.add_option_function<std::string>(
           "--format", set_format,
           options.mode == Mode::compress ? "default gzip" : "default: by the content")
        ->type_name(fmt::format("{}", fmt::join(names, "|")))
        ->trigger_on_parse()
        ->take_last();
    const auto add_threads = [&](const std::string& names_of_option) {
        const auto set = [&](std::int64_t threads) { options.threads = threads; };
        return app
            .add_option_function<std::int64_t>(
                names_of_option, set,
                "threads to use; default and 0: all, or as many as half the\n"
                "memory has room for")
            ->check(CLI::Range(std::int64_t{0}, threads_max).description(""))
            ->type_name("N")
            ->trigger_on_parse()
            ->take_last();
    };
    add_threads("-T,--threads");
    add_threads("-p,--processes")->group("");  // as pigz and pbzip2 spell it
    add_worker_options(app, options);
    add_bytes_option(app, "--memory", options.memory,
                     "use no more: fewer threads, or an error where even one needs more");
    add_bytes_option(app, "--max-output", options.max_output,
                     "decompress no file to more than this");
}

// OFFSET:LENGTH; without a length, to the end.
void add_range_option(CLI::App& app, CompressorOptions& options) {
    const auto set_range = [&](const std::string& text) {
        const auto colon = text.find(':');
        if (colon == std::string::npos) {
            throw InvalidArgument(fmt::format(
                "cannot read '{}' as a range; write OFFSET:LENGTH, as in 1MiB:100", text));
        }
        const auto number = [](const std::string& part, std::int64_t empty) {
            return part.empty() ? empty : parse_bytes(part);
        };
        options.offset = number(text.substr(0, colon), 0);
        options.length = number(text.substr(colon + 1), -1);
    };
    app.add_option_function<std::string>(
           "--range", set_range, "these bytes of the original only; without LENGTH, to its end")
        ->type_name("OFFSET:LENGTH")
        ->take_last();
}

void settle_level(const Spoken& spoken, const Codec& codec, CompressOptions& options) {
    if (!spoken.level) return;
    const CodecInfo& info = codec.info();
    if (*spoken.level < info.level_min || *spoken.level > info.level_max) {
        throw InvalidArgument(fmt::format("there is no level {}: {} takes {} to {}", *spoken.level,
                                          info.name, info.level_min, info.level_max));
    }
    options.level = *spoken.level;
}

// What --rsyncable cuts into, where nobody says: a chunk is what a change of one byte changes. The
// smaller ones of xz would not know enough of what comes before them.
std::int64_t rsyncable_chunk_size(const Codec& codec) {
    using namespace literals;
    return codec.info().name == "xz" ? 1_MiB : 128_KiB;
}

void settle_chunk_size(const Spoken& spoken, const CompressorOptions& chosen,
                       CompressOptions& options) {
    using namespace literals;
    if (!spoken.chunk_size) {
        if (chosen.rsyncable) options.chunk_size = rsyncable_chunk_size(*chosen.codec);
        return;
    }
    if (*spoken.chunk_size < 64_KiB || *spoken.chunk_size > 1_GiB) {
        throw InvalidArgument(
            fmt::format("--chunk-size {} is out of range: 64KiB to 1GiB are "
                        "possible",
                        *spoken.chunk_size));
    }
    options.chunk_size = *spoken.chunk_size;
}

// How many there are in folders and lists is not known yet.
bool may_be_several(const CompressorOptions& options) {
    return options.files.size() > 1 || options.recursive || !options.files0.empty();
}

// Several files in one zlib stream: readers would see the first of them alone.
void refuse_concatenation(const CompressorOptions& options) {
    if (options.mode != Mode::compress || options.codec->info().concatenates) return;
    if (options.output == standard_stream && may_be_several(options)) {
        throw InvalidArgument(fmt::format(
            "several files cannot become one {} stream; compress them one by one, or use gzip",
            options.codec->info().name));
    }
}

void settle_workforce(const CompressorOptions& options) {
    const int places = (options.threads != 0 ? 1 : 0) + (options.workers ? 1 : 0) +
                       (options.cluster.empty() ? 0 : 1);
    if (places > 1) {
        throw InvalidArgument("--threads, --workers and --cluster exclude each other");
    }
    if (!options.cluster.empty() && options.memory != 0) {
        throw InvalidArgument(
            "--memory limits what is used on this computer; on a cluster, start the workers with "
            "--memory-limit, or ask for a smaller --chunk-size");
    }
}

// An index lies beside a file.
void refuse_index(const CompressorOptions& options) {
    if (!options.index) return;
    const bool makes_none = options.mode != Mode::compress && options.mode != Mode::test;
    const bool streams = options.output == standard_stream ||
                         std::ranges::find(options.files, standard_stream) != options.files.end();
    if (makes_none || streams || takes_data_as_it_comes(options.output)) {
        throw InvalidArgument("--index goes with compressing to a file, and with testing one");
    }
}

void settle(const Spoken& spoken, CompressorOptions& options) {
    if (options.files.empty() && options.files0.empty()) options.files.push_back(standard_stream);
    if (options.mode == Mode::compress) {
        if (options.codec == nullptr) options.codec = spoken.default_codec;
        settle_level(spoken, *options.codec, options.compress);
        settle_chunk_size(spoken, options, options.compress);
    }
    const bool one_output = !options.output.empty() && options.output != standard_stream;
    if (one_output && options.mode == Mode::cat) {
        throw InvalidArgument("cat writes to the standard output; decompress takes --output");
    }
    if (one_output && may_be_several(options) && options.makes_file()) {
        throw InvalidArgument("--output takes the result of one file only");
    }
    refuse_concatenation(options);
    settle_workforce(options);
    refuse_index(options);
}

// Takes the levels of two digits, -10 to -29 by themselves or in a cluster such as -k19, out of an
// argument of short options, so that they are not read as two of one; gives the last.
// `takes_value` is set if the argument ends with an option whose value is the next one.
std::optional<std::string> take_long_level(const CLI::App& app, std::string& argument,
                                           bool& takes_value) {
    std::optional<std::string> level;
    const auto is_digit = [&](std::size_t k) {
        return k < argument.size() && argument[k] >= '0' && argument[k] <= '9';
    };
    for (std::size_t k = 1; k < argument.size(); ++k) {
        if ((argument[k] == '1' || argument[k] == '2') && is_digit(k + 1)) {
            level = argument.substr(k, 2);
            argument.erase(k--, 2);
            continue;
        }
        const auto* option = app.get_option_no_throw(std::string("-") + argument[k]);
        if (option == nullptr || option->get_items_expected_max() == 0) continue;
        takes_value = k + 1 == argument.size();
        break;  // what follows is its value
    }
    return level;
}

// CLI11 takes an argument in brackets for a list, and a file may be called so. With a folder before
// its name it is the same file and no list.
std::string not_a_list(const std::string& file) {
    return file.starts_with('[') ? "./" + file : file;
}

// The arguments, in the form in which CLI11 reads them as they were meant.
Arguments adapted(const CLI::App& app, const Arguments& arguments) {
    Arguments result;
    bool is_value = false;
    bool are_files = false;
    for (auto argument : arguments) {
        are_files = are_files || (argument == "--" && !is_value);
        if (std::exchange(is_value, false)) {
            result.push_back(std::move(argument));
        } else if (are_files || argument.size() < 2 || argument[0] != '-') {
            result.push_back(not_a_list(argument));
        } else if (argument[1] == '-') {
            const auto* option = app.get_option_no_throw(argument);
            is_value = option != nullptr && option->get_items_expected_max() != 0;
            result.push_back(std::move(argument));
        } else {
            const auto level = take_long_level(app, argument, is_value);
            if (level) result.push_back("--level=" + *level);
            if (argument != "-") result.push_back(std::move(argument));
        }
    }
    return result;
}

}  // namespace

std::optional<std::string> CompressorOptions::original_name(const std::string& file) const {
    if (suffix.empty() || !Suffix{suffix, {}}.ends(file)) return decompressed_name(file);
    return file.substr(0, file.size() - suffix.size());
}

bool CompressorOptions::is_compressed_name(const std::string& file) const {
    if (!suffix.empty() && Suffix{suffix, {}}.ends(file)) return true;
    return mode == Mode::compress ? has_suffix(file, *codec) : decompressed_name(file).has_value();
}

std::optional<int> parse_compressor_options(const CommandText& text, const Arguments& arguments,
                                            CompressorOptions& options) {
    CLI::App app(text.description, text.name);
    Spoken spoken;
    app.add_option("FILE", options.files,
                   "files, or - for the standard input, which is the default")
        ->type_name("");
    add_mode_switches(app, options, spoken);
    add_output_options(app, options);
    if (options.mode == Mode::cat) add_range_option(app, options);
    add_input_options(app, options);
    add_talk_options(app, options);
    add_compression_options(app, options, spoken);
    add_engine_options(app, options);
    app.footer("Exit code: 0, 1 after an error, 2 after a warning.\n\nExample: " + text.example);
    if (const auto code = parse(app, adapted(app, arguments))) return code;
    try {
        settle(spoken, options);
    } catch (const InvalidArgument& error) {
        return report_usage_error(text.name, error.what());
    }
    return std::nullopt;
}

}  // namespace satchel::cli
