// The executable `satchel`: finds the subcommand and hands it the rest of the arguments.
#include <satchel/init.hpp>
#include <satchel/task.hpp>

#include "command.hpp"
#include "messages.hpp"
#include "signals.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

const Command* const commands[] = {&generate_command,  &compress_command, &decompress_command,
                                   &test_command,      &list_command,     &cat_command,
                                   &scheduler_command, &worker_command};

// DESIGN: wrong usage is 2, but for the compressor's commands, which follow gzip.
constexpr int unknown_command = 2;

std::string help() {
    std::string text =
        "satchel: compress on all processors, decompress, make data to try it on, run a cluster\n"
        "\nUsage: satchel COMMAND [OPTIONS] [FILE...]\n"
        "\nCommands:\n";
    for (const auto* command : commands) {
        text += fmt::format("  {:<14}{}\n", command->name, command->summary);
    }
    text +=
        "\nOptions:\n"
        "  -h,--help     this text; `satchel COMMAND --help` tells a command's options\n"
        "  -V,--version  the version\n"
        "\nExample:\n"
        "  satchel generate big.txt --size 100MB\n"
        "  satchel compress --keep big.txt        # big.txt.gz, which any gzip reads\n"
        "  satchel test big.txt.gz\n";
    return text;
}

int run(const Arguments& arguments) {
    if (arguments.empty()) {
        tell(help());
        return unknown_command;
    }
    const auto& first = arguments.front();
    if (first == "--help" || first == "-h" || first == "help") {
        fmt::print("{}", help());
        return 0;
    }
    if (first == "--version" || first == "-V") {
        fmt::print("{}\n", version_text());
        return 0;
    }
    const auto* const found =
        std::ranges::find(commands, first, [](const Command* command) { return command->name; });
    if (found == std::ranges::end(commands)) {
        tell(fmt::format("satchel: there is no command '{}' (satchel --help lists them)\n",
                         masked(first)));
        return unknown_command;
    }
    return (*found)->run(Arguments(arguments.begin() + 1, arguments.end()));
}

// A file that is opened while one of the standard streams is closed would become that stream, and
// messages would go into it. What is opened here the wrong way round fails as a closed one does.
void reserve_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) >= 0) continue;
        [[maybe_unused]] const int lowest_free =
            ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

}  // namespace
}  // namespace satchel::cli

int main(int argc, char** argv) {
    satchel::cli::reserve_standard_streams();
    satchel::detail::name_engine_parts();  // a worker may be sent them before it has made any
    satchel::init(argc, argv);
    satchel::cli::clean_up_on_signals();
    try {
        auto arguments = satchel::cli::alias_arguments(argc > 0 ? argv[0] : "");
        arguments.insert(arguments.end(), argv + std::min(argc, 1), argv + argc);
        const int code = satchel::cli::run(arguments);
        // Help or a list that did not arrive, as on a full disk, is not success.
        if (std::fflush(stdout) == 0) return code;
        satchel::cli::tell(fmt::format("satchel: stdout: cannot write: {}\n",
                                       std::generic_category().message(errno)));
        return 1;
    } catch (const std::exception& error) {
        satchel::cli::tell(fmt::format("satchel: {}\n", satchel::cli::masked(error.what())));
        return 1;
    }
}
