// satchel worker: processes that compute.
#include <satchel/serve.hpp>

#include "command.hpp"

#include <string>

namespace satchel::cli {
namespace {

int run(const Arguments& arguments) {
    ServeWorkerOptions options;
    CLI::App app("Runs workers until they get SIGTERM or SIGINT, or the scheduler ends.",
                 "satchel worker");
    app.add_option("ADDRESS", options.address,
                   "of the scheduler; default: that of the connection file");
    add_connection_file_option(app, options.connection_file, "what the scheduler has written");
    app.add_option("--nthreads", options.nthreads,
                   "threads of each worker; default: as many as fit this computer")
        ->type_name("N");
    app.add_option("--nworkers", options.nworkers, "how many workers; default 1")->type_name("N");
    app.add_option("--name", options.name, "a name for people; default: one that no other has")
        ->type_name("NAME");
    const auto set_limit = [&](const std::string& text) {
        options.memory_limit = MemoryLimit(text);
    };
    app.add_option_function<std::string>("--memory-limit", set_limit,
                                         "of each worker, or auto (default), or 0 for none")
        ->type_name("BYTES");
    app.add_flag_callback(
        "--no-nanny", [&] { options.nanny = false; },
        "one worker, in this process; it is not replaced");
    add_duration_option(app, "--death-timeout", options.death_timeout,
                        "how long to look for the scheduler; default 60s");
    app.footer("Example: satchel worker --connection-file cluster.json --nworkers 2");
    if (const auto code = parse(app, arguments)) return *code;
    return serve_worker(options);
}

}  // namespace

const Command worker_command{"worker", "run workers of a cluster", run};

}  // namespace satchel::cli
