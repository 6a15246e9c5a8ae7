// The way of each file through the compressor: open, transfer, commit, and only then remove.
#include "compressor.hpp"

#include <satchel/error.hpp>
#include <satchel/module.hpp>
#include <satchel/units.hpp>

#include "compress.hpp"
#include "file_list.hpp"
#include "index_file.hpp"
#include "progress_line.hpp"
#include "report.hpp"
#include "run_files.hpp"
#include "signals.hpp"
#include "source.hpp"
#include "target.hpp"
#include "workforce.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

// Smaller files are done before a progress line could be read.
constexpr std::int64_t progress_minimum = 1'000'000;

std::string_view action_of(Mode mode) {
    switch (mode) {
        case Mode::compress:
            return "compress";
        case Mode::decompress:
            return "decompress";
        case Mode::test:
            return "test";
        case Mode::list:
            return "list";
        case Mode::cat:
            break;
    }
    return "cat";
}

class Compressor {
  public:
    explicit Compressor(const CompressorOptions& options)
        : options_(options),
          messages_(options.verbosity),
          workforce_(options, messages_),
          files_(file_list(options_, messages_), options_) {}

    Exit run() {
        while (const auto file = files_.next()) process(*file);
        if (listed_ > 1 && !options_.json) fmt::print("{}", list_line_of(total_));
        return messages_.exit();
    }

  private:
    void process(const std::string& file) {
        file_ = file;
        report_ = {.file = is_named() ? file : "stdin",
                   .action = std::string(action_of(options_.mode))};
        try {
            if (options_.index && !is_named()) throw Refusal("an index lies beside a file");
            report_.warning = options_.makes_file() ? convert(file) : examine(file);
        } catch (const std::bad_alloc&) {
            report_.error = options_.mode == Mode::compress
                                ? "not enough memory; fewer --threads and a smaller --chunk-size "
                                  "need less"
                                : "not enough memory; fewer --threads need less";
        } catch (const ModuleMissing& error) {
            report_.error =
                fmt::format("the workers run another build of satchel: {}", error.what());
        } catch (const std::exception& error) {
            report_.error = without_name(error.what());
        }
        if (!report_.warning.empty()) messages_.warning(prefixed(report_.warning));
        if (!report_.error.empty()) messages_.error(prefixed(report_.error));
        if (options_.json) print_json(file);
    }

    /// It is not the standard input.
    [[nodiscard]] bool is_named() const { return file_ != standard_stream; }

    [[nodiscard]] std::string prefixed(std::string_view text) const {
        return fmt::format("{}: {}", report_.file, text);
    }
    // The library's errors begin with the name of the file already.
    [[nodiscard]] std::string without_name(std::string_view text) const {
        const auto prefix = report_.file + ": ";
        return std::string(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
    }

    void print_json(const std::string& file) {
        const bool carries_data = options_.makes_file() || options_.mode == Mode::cat;
        const bool taken = carries_data && options_.writes_to_stdout(file);
        const auto line = json_of(report_) + "\n";
        try {
            taken ? tell(line) : fmt::print("{}", line);
        } catch (const std::system_error& error) {  // the other files are done all the same
            messages_.error(
                fmt::format("stdout: cannot write the report: {}", error.code().message()));
        }
    }

    // Returns a warning, or nothing.
    std::string convert(const std::string& file) {
        auto source = open_source(file, options_);
        Target target(file, source, options_, files_);
        report_.output = target.name();
        if (const auto lost = lost_time(source); !lost.empty()) messages_.warning(prefixed(lost));
        if (options_.index) refuse_index(target.name(), source);
        auto warning = transfer(
            source, [&](auto data) { target.write(data); }, [&] { target.commit(); });
        const auto no_index = options_.index ? index(target.name()) : std::string();
        const bool remove = warning.empty() && is_to_be_removed(file, source, options_);
        const bool removed = remove && remove_source(file, source);
        if (removed) remove_index(file, files_);
        messages_.note(fmt::format("{}: {}, {} {}", source.name(), summary_,
                                   removed ? "replaced by" : "written to", target.name()));
        if (remove && !removed) return "is no longer the file that was read, and is kept";
        return warning.empty() ? no_index : warning;
    }

    // What makes no file: test, list and cat.
    std::string examine(const std::string& file) {
        auto source = open_source(file, options_);
        if (options_.mode == Mode::cat) {
            refuse_same_file(source, file_status(STDOUT_FILENO, "stdout"));
        }
        const auto index_warning = look_up_index(source);
        if (options_.index) refuse_index(source.name(), source);
        std::int64_t written = 0;
        const auto show = [&](std::span<const std::byte> data) {
            if (options_.mode != Mode::cat) return;
            write_all(STDOUT_FILENO, data, "stdout", written);
            written += static_cast<std::int64_t>(data.size());
        };
        auto warning = transfer(source, show, [] {});
        if (options_.mode == Mode::list) list(file);
        const auto no_index =
            options_.index ? keep_index(source, codec(report_.format)) : std::string();
        messages_.note(fmt::format("{}: {}, OK", source.name(), summary_));
        if (!warning.empty()) return warning;
        return no_index.empty() ? index_warning : no_index;
    }

    // Where the index of `file`, which is `source` or becomes of it, may not be written.
    void refuse_index(const std::string& file, const InputFile& source) {
        files_.refuse_to_replace(index_name(file), source.status());
        refuse_foreign_index(file, options_.force);
    }

    // What cat goes by. No table is used where memory is limited, and a useless index only costs
    // time.
    std::string look_up_index(const InputFile& source) {
        index_.reset();
        if (options_.mode != Mode::cat || options_.memory != 0) return {};
        try {
            index_ = read_index(source);
        } catch (const Error& error) {
            return fmt::format("{}: {}", index_name(source.name()), error.what());
        }
        return {};
    }

    // Decodes the result once more, and writes down where that can begin. Returns a warning, or
    // nothing.
    std::string index(const std::string& file) {
        InputFile source(file);
        found_ = {};
        DecompressStreamOptions how;
        how.on_piece = on_piece();
        how.executor = workforce_.executor();
        const auto result = decompress_stream(
            source, [](auto) {}, how);
        found_.output_size = static_cast<std::uint64_t>(result.transfer.output);
        return keep_index(source, *result.codec);
    }

    // Returns a warning, or nothing.
    std::string keep_index(const InputFile& source, const Codec& codec) {
        if (!found_.pieces.empty() || found_.output_size == 0) {
            const bool written = write_index(source, found_, codec, options_.force);
            return written ? ""
                           : "has more pieces than an index may have, so there is no index of it";
        }
        const bool has_its_own = codec.seek_table(random_access(source)).has_value();
        return has_its_own ? "" : "can be decoded from its start only, so there is no index of it";
    }

    std::function<void(const SeekPiece&)> on_piece() {
        return [this](const SeekPiece& piece) { found_.pieces.push_back(piece); };
    }

    void list(const std::string& file) {
        if (options_.json) return;
        report_.output = options_.original_name(file).value_or(report_.file);
        if (listed_++ == 0) fmt::print("{}", list_heading());
        fmt::print("{}", list_line_of(report_));
        total_.compressed += report_.compressed;
        total_.uncompressed += report_.uncompressed;
        total_.streams += report_.streams;
        total_.output = "(totals)";
        report_.output.clear();
    }

    // Reads the source to its end and commits what became of it; the progress line covers both.
    template <class Commit>
    std::string transfer(InputFile& source, const Sink& sink, Commit commit) {
        const auto start = std::chrono::steady_clock::now();
        (void)workforce_.executor();  // what is said of it comes before the line
        std::optional<ProgressLine> line;
        if (shows_progress(source)) line.emplace(source.status().size);
        const auto on_progress = [&](const Transfer& done) {
            if (line) line->update(done.input, uncompressed(done));
            refuse_large(done);
        };
        const auto result = run_codec(source, sink, on_progress);
        commit();
        if (line) line->finish();
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
        summarise(result, elapsed.count());
        if (!source.unchanged()) return "changed while it was read, and is kept";
        return result.warning.empty() || options_.copies() ? result.warning
                                                           : result.warning + "; the file is kept";
    }

    void refuse_large(const Transfer& done) const {
        if (options_.mode == Mode::compress || options_.max_output < 0) return;
        if (done.output <= options_.max_output) return;
        throw Refusal(
            fmt::format("holds more than the {} bytes of --max-output: {} bytes of it were read, "
                        "and gave {} so far",
                        options_.max_output, done.input, done.output));
    }

    Decompressed run_codec(InputFile& source, const Sink& sink, const OnProgress& on_progress) {
        if (options_.mode == Mode::compress) {
            const auto& codec = *options_.codec;
            return {.transfer = compress_stream(source, sink, codec,
                                                {.codec = codec_options(source),
                                                 .content_defined = options_.rsyncable,
                                                 .executor = workforce_.executor(),
                                                 .on_progress = on_progress}),
                    .codec = &codec,
                    .streams = 1};
        }
        const std::string format(options_.codec == nullptr ? "" : options_.codec->info().name);
        const bool to_stdout = options_.mode == Mode::cat || options_.output == standard_stream;
        found_ = {};
        DecompressStreamOptions how;
        how.codec = {
            .format = format, .strict = options_.strict, .memory = decoder_memory(options_)};
        how.offset = options_.offset;
        how.length = options_.length;
        how.table = index_ ? &*index_ : nullptr;
        if (options_.index) how.on_piece = on_piece();
        how.copy_unknown = options_.force && to_stdout && options_.mode != Mode::test;
        how.executor = workforce_.executor();
        how.on_progress = on_progress;
        auto result = decompress_stream(source, sink, how);
        found_.output_size = static_cast<std::uint64_t>(result.transfer.output);
        return result;
    }

    [[nodiscard]] CompressOptions codec_options(const InputFile& source) const {
        auto options = options_.compress;
        if (!options_.keep_name || source.status().type != FileType::regular) return options;
        const std::string& name = source.name();
        if (is_named()) options.name = name.substr(name.find_last_of('/') + 1);
        options.modified = source.status().modified_ns / 1'000'000'000;
        return options;
    }

    // What --name cannot write down.
    [[nodiscard]] std::string lost_time(const InputFile& source) const {
        constexpr std::int64_t last = 0xFFFF'FFFF;
        const auto modified = source.status().modified_ns / 1'000'000'000;
        const bool is_told = options_.mode == Mode::compress && options_.keep_name &&
                             options_.codec->info().name == "gzip" &&
                             source.status().type == FileType::regular;
        if (!is_told || (modified > 0 && modified <= last)) return {};
        return "its time does not fit into a gzip header, which does not tell it";
    }

    [[nodiscard]] bool shows_progress(const InputFile& source) const {
        if (!options_.show_progress || options_.verbosity == Verbosity::quiet) return false;
        if (!can_show_progress() || source.status().type == FileType::other) return false;
        // Data and progress line on the same terminal would be unreadable, both.
        if (options_.writes_to_stdout(file_) && ::isatty(STDOUT_FILENO) == 1) return false;
        return source.status().type == FileType::pipe || source.status().size >= progress_minimum;
    }

    [[nodiscard]] std::int64_t uncompressed(const Transfer& done) const {
        return options_.mode == Mode::compress ? done.input : done.output;
    }

    void summarise(const Decompressed& result, double seconds) {
        const Transfer& done = result.transfer;
        const auto bytes = [](std::int64_t n) {
            return format_bytes(static_cast<std::uint64_t>(n));
        };
        const auto speed = static_cast<double>(uncompressed(done)) / std::max(seconds, 1e-6);
        summary_ = fmt::format("{} -> {} in {}, {}/s", bytes(done.input), bytes(done.output),
                               format_duration(seconds), bytes(static_cast<std::int64_t>(speed)));
        report_.uncompressed = uncompressed(done);
        report_.compressed = done.input + done.output - report_.uncompressed;
        report_.streams = result.streams;
        report_.check = result.check;
        report_.seconds = seconds;
        if (result.codec != nullptr) report_.format = result.codec->info().name;
    }

    const CompressorOptions& options_;
    Messages messages_;
    Workforce workforce_;
    RunFiles files_;
    std::string file_;     ///< the last one, as it was named
    Report report_;        ///< on it
    std::string summary_;  ///< of it
    Report total_;
    int listed_ = 0;
    std::optional<SeekTable> index_;  ///< of the file that is read
    SeekTable found_;                 ///< where it can be entered
};

}  // namespace

int run_compressor(const CommandText& text, Mode mode, const Arguments& arguments) {
    CompressorOptions options;
    options.mode = mode;
    if (const auto code = parse_compressor_options(text, arguments, options)) return *code;
    return static_cast<int>(Compressor(options).run());
}

}  // namespace satchel::cli
