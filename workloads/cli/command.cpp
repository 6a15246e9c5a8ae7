// What every subcommand does with its arguments.
#include "command.hpp"

#include <satchel/error.hpp>
#include <satchel/serve.hpp>
#include <satchel/units.hpp>

#include "messages.hpp"

#include <cstdio>
#include <string_view>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace satchel::cli {

namespace {

// As CLI11 says it, without one sentence that means nothing to who typed --keep=yes.
std::string in_our_words(const CLI::ParseError& error) {
    constexpr std::string_view theirs = " was given a disallowed flag override";
    const std::string_view text = error.what();
    if (!text.ends_with(theirs)) return std::string(text);
    return fmt::format("--{} takes no value", text.substr(0, text.size() - theirs.size()));
}

}  // namespace

std::string version_text() { return "satchel " SATCHEL_VERSION; }

std::optional<int> parse(CLI::App& app, const Arguments& arguments) {
    app.set_help_flag("-h,--help", "this text");
    app.set_version_flag("-V,--version", version_text(), "the version");
    for (auto* const option : app.get_options()) {
        // Else CLI11 would take --keep=false for not to keep.
        if (option->get_items_expected_max() == 0) option->disable_flag_override();
    }
    try {
        // CLI11 wants them in reverse.
        app.parse(Arguments(arguments.rbegin(), arguments.rend()));
        return std::nullopt;
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", app.help());
        return static_cast<int>(Exit::success);
    } catch (const CLI::CallForVersion& version) {
        fmt::print("{}\n", version.what());
        return static_cast<int>(Exit::success);
    } catch (const CLI::ExtrasError&) {
        return report_usage_error(
            app.get_name(), fmt::format("not understood: {}", fmt::join(app.remaining(), " ")));
    } catch (const CLI::ParseError& error) {
        return report_usage_error(app.get_name(), in_our_words(error));
    } catch (const Error& error) {
        return report_usage_error(app.get_name(), error.what());
    }
}

int report_usage_error(std::string_view command, std::string_view what) {
    tell(fmt::format("satchel: {} ({} --help tells more)\n", masked(what), command));
    return static_cast<int>(Exit::error);
}

CLI::Option* add_bytes_option(CLI::App& app, const std::string& name, std::int64_t& value,
                              const std::string& description) {
    const auto assign = [&value](const std::string& text) { value = parse_bytes(text); };
    return app.add_option_function<std::string>(name, assign, description)
        ->type_name("BYTES")
        ->take_last();
}

CLI::Option* add_duration_option(CLI::App& app, const std::string& name,
                                 std::chrono::milliseconds& value, const std::string& description) {
    const auto assign = [&value](const std::string& text) { value = parse_timeout(text); };
    return app.add_option_function<std::string>(name, assign, description)->type_name("TIME");
}

void add_connection_file_option(CLI::App& app, std::filesystem::path& path,
                                const std::string& description) {
    const auto assign = [&path](const std::string& text) { path = text; };
    app.add_option_function<std::string>("--connection-file", assign,
                                         fmt::format("{}; default {}", description, path.string()))
        ->type_name("FILE");
}

}  // namespace satchel::cli
