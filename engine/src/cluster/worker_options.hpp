// The options of a worker as words of a command line: what a user's program takes after
// `--satchel-worker`.
#pragma once

#include <satchel/serve.hpp>

#include <string>
#include <vector>

namespace satchel::cluster {

/// Those of `satchel worker`, as `--name value` or `--name=value`. Throws InvalidArgument.
[[nodiscard]] ServeWorkerOptions read_worker_options(const std::vector<std::string>& arguments);

}  // namespace satchel::cluster
