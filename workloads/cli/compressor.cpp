// The way of each file through the compressor: open, transfer, commit, and only then remove.
#include "compressor.hpp"

#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/units.hpp>

#include "compress.hpp"
#include "progress_line.hpp"
#include "signals.hpp"
#include "source.hpp"
#include "target.hpp"

#include <chrono>
#include <new>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

// Smaller files are done before a progress line could be read.
constexpr std::int64_t progress_minimum = 1'000'000;

class Compressor {
  public:
    explicit Compressor(const CompressorOptions& options)
        : options_(options), messages_(options.verbosity) {}

    Exit run() {
        for (const auto& file : options_.files) process(file);
        return messages_.exit();
    }

  private:
    void process(const std::string& file) {
        const std::string shown = file == standard_stream ? "stdin" : file;
        const auto prefixed = [&](std::string_view text) {
            const auto prefix = shown + ": ";
            return text.starts_with(prefix) ? std::string(text) : prefix + std::string(text);
        };
        try {
            const auto warning = options_.mode == Mode::test ? test(file) : convert(file);
            if (!warning.empty()) messages_.warning(prefixed(warning));
        } catch (const std::bad_alloc&) {
            messages_.error(
                prefixed("not enough memory; fewer --threads and a smaller "
                         "--chunk-size need less"));
        } catch (const std::exception& error) {
            messages_.error(prefixed(error.what()));
        }
    }

    // Returns a warning, or nothing.
    std::string convert(const std::string& file) {
        auto source = open_source(file, options_);
        Target target(file, source, options_);
        const auto warning = transfer(
            source, [&](auto data) { target.write(data); }, [&] { target.commit(); });
        const bool remove = warning.empty() && is_to_be_removed(file, source, options_);
        const bool removed = remove && remove_source(file, source);
        messages_.note(fmt::format("{}: {}, {} {}", source.name(), summary_,
                                   removed ? "replaced by" : "written to", target.name()));
        if (remove && !removed) return "is no longer the file that was read, and is kept";
        return warning;
    }

    std::string test(const std::string& file) {
        auto source = open_source(file, options_);
        auto warning = transfer(
            source, [](auto) {}, [] {});
        messages_.note(fmt::format("{}: {}, OK", source.name(), summary_));
        return warning;
    }

    // Reads the source to its end and commits what became of it; the progress line covers both.
    template <class Commit>
    std::string transfer(InputFile& source, const Sink& sink, Commit commit) {
        const auto start = std::chrono::steady_clock::now();
        std::optional<ProgressLine> line;
        if (shows_progress(source)) line.emplace(source.status().size);
        const auto on_progress = [&](const Transfer& done) {
            if (line) line->update(done.input, uncompressed(done));
        };
        const auto result = run_codec(source, sink, on_progress);
        commit();
        if (line) line->finish();
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
        summarise(result.transfer, elapsed.count());
        if (!source.unchanged()) return "changed while it was read, and is kept";
        return result.warning.empty() || options_.copies() ? result.warning
                                                           : result.warning + "; the file is kept";
    }

    Decompressed run_codec(InputFile& source, const Sink& sink, const OnProgress& on_progress) {
        if (options_.mode == Mode::compress) {
            return {
                .transfer = compress_stream(
                    source, sink, *options_.codec,
                    {.codec = options_.compress, .executor = pool(), .on_progress = on_progress})};
        }
        const std::string format(options_.codec == nullptr ? "" : options_.codec->info().name);
        const bool to_stdout = options_.output == standard_stream;
        return decompress_stream(
            source, sink,
            {.codec = {.format = format, .strict = options_.strict},
             .copy_unknown = options_.force && to_stdout && options_.mode == Mode::decompress,
             .executor = pool(),
             .on_progress = on_progress});
    }

    // Threads are started when there is something to compress.
    const Executor& pool() {
        if (!pool_) {
            const SignalsBlocked blocked;
            pool_.emplace(options_.threads == 0 ? default_concurrency() : options_.threads);
        }
        return *pool_;
    }

    [[nodiscard]] bool shows_progress(const InputFile& source) const {
        if (!options_.show_progress || options_.verbosity == Verbosity::quiet) return false;
        if (!can_show_progress() || source.status().type == FileType::other) return false;
        // Data and progress line on the same terminal would be unreadable, both.
        if (options_.writes_to_stdout(source.name()) && ::isatty(STDOUT_FILENO) == 1) return false;
        return source.status().type == FileType::pipe || source.status().size >= progress_minimum;
    }

    [[nodiscard]] std::int64_t uncompressed(const Transfer& done) const {
        return options_.mode == Mode::compress ? done.input : done.output;
    }

    void summarise(const Transfer& done, double seconds) {
        const auto bytes = [](std::int64_t n) {
            return format_bytes(static_cast<std::uint64_t>(n));
        };
        const auto speed = static_cast<double>(uncompressed(done)) / std::max(seconds, 1e-6);
        summary_ = fmt::format("{} -> {} in {}, {}/s", bytes(done.input), bytes(done.output),
                               format_duration(seconds), bytes(static_cast<std::int64_t>(speed)));
    }

    const CompressorOptions& options_;
    Messages messages_;
    std::optional<ThreadPoolExecutor> pool_;
    std::string summary_;  ///< of the last file
};

}  // namespace

int run_compressor(const CommandText& text, Mode mode, const Arguments& arguments) {
    CompressorOptions options;
    options.mode = mode;
    if (const auto code = parse_compressor_options(text, arguments, options)) return *code;
    return static_cast<int>(Compressor(options).run());
}

}  // namespace satchel::cli
