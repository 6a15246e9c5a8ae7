// The subcommands of `satchel`, each in a file of its own.
//
// To add one: write its file, declare it below, and name it in the table in main.cpp.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>

namespace satchel::cli {

using Arguments = std::vector<std::string>;

struct Command {
    std::string_view name;
    std::string_view summary;            ///< what `satchel --help` says of it
    int (*run)(const Arguments& after);  ///< gets what follows its name; returns the exit code
};

extern const Command generate_command;
extern const Command compress_command;
extern const Command decompress_command;
extern const Command test_command;
extern const Command list_command;
extern const Command cat_command;
extern const Command scheduler_command;
extern const Command worker_command;

/// The arguments that a link called `program` stands for: "satchel-gzip", "satchel-bunzip2",
/// "satchel-xzcat" and so on; none for any other name.
[[nodiscard]] Arguments alias_arguments(std::string_view program);

/// "satchel 1.2.3".
[[nodiscard]] std::string version_text();

/// Parses the arguments into what `app` was told to fill in. Returns an exit code when that is all
/// there was to do: after --help, --version, or after wrong usage, which has been explained.
[[nodiscard]] std::optional<int> parse(CLI::App& app, const Arguments& arguments);

/// Explains wrong usage of a command on the standard error; returns the exit code for it.
int report_usage_error(std::string_view command, std::string_view what);

/// Adds an option that takes a number of bytes, as in 10MB or 1MiB.
CLI::Option* add_bytes_option(CLI::App& app, const std::string& name, std::int64_t& value,
                              const std::string& description);

/// Adds an option that takes a time, as in 300ms or 5min.
CLI::Option* add_duration_option(CLI::App& app, const std::string& name,
                                 std::chrono::milliseconds& value, const std::string& description);

/// Adds --connection-file.
void add_connection_file_option(CLI::App& app, std::filesystem::path& path,
                                const std::string& description);

}  // namespace satchel::cli
