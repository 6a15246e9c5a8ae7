// doctest's main(), which may also become a worker of the clusters that the tests start.
#define DOCTEST_CONFIG_IMPLEMENT
#include <satchel/init.hpp>

#include <doctest/doctest.h>

int main(int argc, char** argv) {
    satchel::init(argc, argv);
    return doctest::Context(argc, argv).run();
}
