// The main() of the test programs: doctest's, in programs that can be their own worker processes.
#include <satchel/init.hpp>

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

int main(int argc, char** argv) {
    satchel::init(argc, argv);
    return doctest::Context(argc, argv).run();
}
