// The main() of the tests of faults, which is also the other programs in them: workers that
// somebody else has started, and a client that is killed.
#include <satchel/bag.hpp>
#include <satchel/client.hpp>
#include <satchel/init.hpp>
#include <satchel/serve.hpp>

#include "cluster/faults.hpp"

#include <string_view>

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

namespace satchel_tests {

int run_doomed_client(const char* connection_file, const char* pipe) {
    const satchel::Client client(connection_file);
    const auto kept = client.map([](int x) { return x; }, std::vector<int>(100, 1));
    (void)satchel::wait(kept);
    const auto endless = client.map(announce_until_stopped, std::vector<std::string>(2, pipe));
    (void)satchel::wait(endless);
    return 1;
}

}  // namespace satchel_tests

int main(int argc, char** argv) {
    satchel::init(argc, argv);
    const std::string_view role = argc > 2 ? argv[1] : "";
    if (role == "worker") return satchel::serve_worker({.connection_file = argv[2], .nthreads = 1});
    if (role == "client") return satchel_tests::run_doomed_client(argv[2], argv[3]);
    return doctest::Context(argc, argv).run();
}
