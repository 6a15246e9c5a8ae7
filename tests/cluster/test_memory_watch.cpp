// MemoryWatch: when a worker begins no more tasks, and when it goes on.
#include "cluster/memory_watch.hpp"

#include <string>

#include <doctest/doctest.h>

using satchel::cluster::MemoryWatch;

namespace {

std::string text_of(const MemoryWatch::Change& change) {
    return change.text == nullptr ? "" : change.text;
}

}  // namespace

TEST_CASE("a worker pauses when its memory is full, and goes on when it is not") {
    MemoryWatch watch;
    CHECK_FALSE(watch.look(0.59, false).pauses_or_goes_on);
    CHECK_FALSE(watch.is_tight());
    CHECK_FALSE(watch.look(0.79, false).pauses_or_goes_on);
    CHECK(watch.is_tight());
    const auto pause = watch.look(0.81, false);
    CHECK(pause.pauses_or_goes_on);
    CHECK(text_of(pause) == "it begins no more tasks");
    CHECK(watch.is_paused());
    CHECK_FALSE(watch.look(0.77, false).pauses_or_goes_on);
    const auto relief = watch.look(0.74, false);
    CHECK(relief.pauses_or_goes_on);
    CHECK(text_of(relief) == "it goes on");
    CHECK_FALSE(watch.is_paused());
}

TEST_CASE("a worker in which no task runs does not wait for ever") {
    MemoryWatch watch;
    (void)watch.look(0.9, false);
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        for (int k = 0; k < 20; ++k) CHECK_FALSE(watch.look(0.9, false).pauses_or_goes_on);
        for (int k = 1; k < MemoryWatch::patience; ++k) {
            CHECK_FALSE(watch.look(0.9, true).pauses_or_goes_on);
        }
        const auto on = watch.look(0.9, true);
        CHECK(on.pauses_or_goes_on);
        CHECK_FALSE(watch.is_paused());
        CHECK(text_of(on).empty() == (round > 0));  // said once
        const auto pause = watch.look(0.9, false);
        CHECK(watch.is_paused());
        CHECK(text_of(pause).empty());
    }
    CHECK(text_of(watch.look(0.5, true)) == "it goes on");
    CHECK(text_of(watch.look(0.9, true)) == "it begins no more tasks");
}

TEST_CASE("a task that begins starts the patience anew") {
    MemoryWatch watch;
    (void)watch.look(0.9, true);
    for (int k = 0; k < 50; ++k) {
        CHECK_FALSE(watch.look(0.9, k % MemoryWatch::patience != 0).pauses_or_goes_on);
    }
}
