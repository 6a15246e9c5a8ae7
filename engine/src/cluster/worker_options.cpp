// Reading options by hand: programs that are their own workers need no parser of command lines for
// that.
#include "cluster/worker_options.hpp"

#include <satchel/error.hpp>

#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace satchel::cluster {
namespace {

std::int64_t number_in(const std::string& name, const std::string& text) {
    std::int64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && at == end) return number;
    throw InvalidArgument(fmt::format("{} takes a number, and '{}' is none", name, text));
}

using Setters = std::map<std::string, std::function<void(const std::string&)>, std::less<>>;

Setters setters_of(ServeWorkerOptions& options) {
    return {
        {"--connection-file", [&](const auto& text) { options.connection_file = text; }},
        {"--nthreads", [&](const auto& text) { options.nthreads = number_in("--nthreads", text); }},
        {"--nworkers", [&](const auto& text) { options.nworkers = number_in("--nworkers", text); }},
        {"--name", [&](const auto& text) { options.name = text; }},
        {"--memory-limit", [&](const auto& text) { options.memory_limit = MemoryLimit(text); }},
        {"--death-timeout", [&](const auto& text) { options.death_timeout = parse_timeout(text); }},
    };
}

}  // namespace

ServeWorkerOptions read_worker_options(const std::vector<std::string>& arguments) {
    ServeWorkerOptions options;
    const auto setters = setters_of(options);
    for (auto word = arguments.begin(); word != arguments.end(); ++word) {
        if (*word == "--no-nanny") {
            options.nanny = false;
        } else if (!word->starts_with("-")) {
            options.address = *word;
        } else {
            const auto equals = word->find('=');
            const auto setter = setters.find(std::string_view(*word).substr(0, equals));
            if (setter == setters.end()) {
                throw InvalidArgument(fmt::format(
                    "a worker has no option '{}'; `satchel worker --help` lists all", *word));
            }
            const bool has_value = equals != std::string::npos || word + 1 != arguments.end();
            if (!has_value) throw InvalidArgument(fmt::format("{} needs a value", *word));
            setter->second(equals != std::string::npos ? word->substr(equals + 1) : *++word);
        }
    }
    return options;
}

}  // namespace satchel::cluster
