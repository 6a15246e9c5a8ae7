// A program with a cluster of two workers, each of which runs a task that never ends and tells its
// process number in a pipe: to be killed.
//
//     cluster_program FIFO
#include <satchel/init.hpp>
#include <satchel/local_cluster.hpp>

#include "cluster/access.hpp"
#include "cluster/test_client.hpp"

#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

using namespace satchel;

namespace {

Value announce_and_wait(const Arguments& in) {
    const int fd = ::open(in.get<std::string>(0).c_str(), O_WRONLY);
    const auto line = fmt::format("{}\n", ::getpid());
    if (::write(fd, line.data(), line.size()) < 0) std::abort();
    while (true) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
    init(argc, argv);
    if (argc != 2) return 2;
    const LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    satchel_tests::TestClient client(cluster.access().scheduler, cluster.access().credentials);
    const auto layer =
        satchel_tests::layer_of(Function(&announce_and_wait), "announce", 2, {Input::literal(0)},
                                {Value::of(std::string(argv[1]))});
    client.update({{}, {layer}, {{layer.token, 0, 2}}});
    client.wait_for_end();
    return 1;
}
