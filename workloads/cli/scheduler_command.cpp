// satchel scheduler: the process that decides which worker computes what.
#include <satchel/serve.hpp>

#include "command.hpp"

namespace satchel::cli {
namespace {

int run(const Arguments& arguments) {
    ServeSchedulerOptions options;
    CLI::App app("Runs a scheduler until it gets SIGTERM or SIGINT.", "satchel scheduler");
    app.add_option("--host", options.host, "the address to listen on; default 127.0.0.1")
        ->type_name("ADDRESS");
    app.add_option("--port", options.port, "the port; 0 is a free one; default 8786")
        ->type_name("PORT");
    add_connection_file_option(app, options.connection_file, "where to tell how to connect");
    add_duration_option(app, "--idle-timeout", options.idle_timeout,
                        "end after so long without a client or a task; default: never");
    app.footer("Example: satchel scheduler --connection-file cluster.json");
    if (const auto code = parse(app, arguments)) return *code;
    return serve_scheduler(options);
}

}  // namespace

const Command scheduler_command{"scheduler", "run the scheduler of a cluster", run};

}  // namespace satchel::cli
