// satchel generate: test data of exactly the size asked for.
#include <satchel/tasks/file.hpp>
#include <satchel/units.hpp>

#include "command.hpp"
#include "compressor_options.hpp"
#include "messages.hpp"
#include "progress_line.hpp"
#include "test_data.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

struct GenerateOptions {
    std::string file;
    std::int64_t size = 100'000'000;
    std::uint64_t seed = 1;
    TestData kind = TestData::guide;
};

TestData kind_called(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, TestData>, 3> kinds{
        {{"guide", TestData::guide}, {"json", TestData::json}, {"random", TestData::random}}};
    for (const auto& [known, kind] : kinds) {
        if (known == name) return kind;
    }
    throw InvalidArgument(
        fmt::format("there is no kind '{}'; there are guide, json, random", name));
}

std::optional<int> parse_options(const Arguments& arguments, GenerateOptions& options) {
    CLI::App app("Makes a file of test data. An existing file is not overwritten.",
                 "satchel generate");
    app.add_option("FILE", options.file, "the file to make, or - for the standard output")
        ->required();
    add_bytes_option(app, "--size", options.size, "its size, to the byte; default 100MB");
    app.add_option("--seed", options.seed, "another seed, other data; default 1")
        ->type_name("N")
        ->take_last();
    const auto set_kind = [&](const std::string& name) { options.kind = kind_called(name); };
    app.add_option_function<std::string>("--kind", set_kind,
                                         "guide (default): lines that compress very well; "
                                         "json: records, one a line; random: incompressible")
        ->type_name("KIND")
        ->take_last();
    app.footer("Example: satchel generate big.txt --size 100MB");
    return parse(app, arguments);
}

void generate(const GenerateOptions& options) {
    std::optional<OutputFile> file;
    if (options.file != standard_stream) file.emplace(options.file);
    std::optional<ProgressLine> line;
    if (file && can_show_progress()) line.emplace(options.size);
    std::int64_t size = 0;
    generate_test_data(options.kind, options.size, options.seed, [&](auto block) {
        if (file) {
            file->write(block);
        } else {
            write_all(STDOUT_FILENO, block, "stdout", size);
        }
        size += static_cast<std::int64_t>(block.size());
        if (line) line->update(size, size);
    });
    if (file) file->commit();
    if (line) line->finish();
}

int run(const Arguments& arguments) {
    GenerateOptions options;
    if (const auto code = parse_options(arguments, options)) return *code;
    Messages messages(Verbosity::normal);
    try {
        generate(options);
    } catch (const FileError& error) {
        messages.error(error.what());
    }
    return static_cast<int>(messages.exit());
}

}  // namespace

const Command generate_command{"generate", "make a file of test data", run};

}  // namespace satchel::cli
