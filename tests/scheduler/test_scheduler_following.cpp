// Short tasks that go on one behind the other, without a word of the scheduler between them.
#include "scheduler/scene.hpp"

#include <doctest/doctest.h>

using satchel::testing::Scene;

namespace {

// Of two chains x -> y -> z -> end, one is done, so that it is known how short all tasks are; of
// the other, x is there.
Scene scene_of_chain(const std::vector<std::string>& others = {}) {
    Scene scene;
    (void)scene.client();
    (void)scene.worker("w");
    scene.submit("x*2; x -> y*2; y -> z*2; z -> end*2", "end");
    for (const char* task : {"x0", "y0", "z0", "end0"}) scene.finish("w", task, 8, 1000);
    for (const auto& other : others) (void)scene.worker(other);
    (void)scene.out();
    scene.finish("w", "x1", 8, 1000);
    return scene;
}

}  // namespace

TEST_CASE("scheduler: lets short tasks follow each other") {
    auto scene = scene_of_chain();
    CHECK(scene.out() == "w: compute y1 of x1@w, compute z1 of y1, compute end1 of z1");
    CHECK(scene.states("y1 z1 end1") == "y1 processing, z1 following, end1 following");
    scene.finish("w", "y1", 8, 1000);
    CHECK(scene.out() == "w: release x1");
    CHECK(scene.states("y1 z1 end1") == "y1 memory, z1 processing, end1 following");
    scene.finish("w", "z1 end1", 8, 1000);
    CHECK(scene.out() == "w: release z1, release y1; c0: ready end1@w");
}

TEST_CASE("scheduler: lets nothing follow what is long, or what several wait for") {
    Scene scene;
    (void)scene.client();
    (void)scene.worker("w");
    scene.submit("x*2; x -> y*2; y -> z*2", "z");
    for (const char* task : {"x0", "y0", "z0"}) scene.finish("w", task, 8, 2'000'000);
    (void)scene.out();
    scene.finish("w", "x1", 8, 1000);
    CHECK(scene.out() == "w: compute y1 of x1@w");
    scene.submit("a*2; a -> b*2; b -> c*2; b -> d*2", "c d");
    for (const char* task : {"y1", "z1", "a0", "b0"}) scene.finish("w", task, 8, 1000);
    (void)scene.out();
    scene.finish("w", "a1", 8, 1000);
    CHECK(scene.states("b1 c1 d1") == "b1 processing, c1 waiting, d1 waiting");
}

TEST_CASE("scheduler: has what comes later follow what is under way") {
    auto scene = scene_of_chain();
    (void)scene.out();
    scene.submit("end1 -> more", "more");
    CHECK(scene.out() == "w: compute more of end1");
    // It is as short as it was in the graph before, but there are two now.
    scene.submit("end1 -> also", "also");
    CHECK(scene.out() == "");
    scene.finish("w", "y1 z1 end1", 8, 1000);
    CHECK(scene.states("more also") == "more processing, also processing");
}

TEST_CASE("scheduler: takes back what follows a task that fails") {
    auto scene = scene_of_chain();
    (void)scene.out();
    scene.err("w", "y1", "no");
    CHECK(scene.states("y1 z1 end1") == "y1 erred, z1 erred, end1 erred");
    CHECK(scene.out() == "w: release z1, release end1, release x1; c0: erred end1 by y1: no");
}

TEST_CASE("scheduler: takes back what follows when its worker dies, pauses or retires") {
    const auto begun = [] {
        auto scene = scene_of_chain({"v"});
        scene.executing("w", "y1");
        (void)scene.out();
        return scene;
    };
    auto scene = begun();
    scene.lose("w");
    CHECK(scene.states("x1 y1 z1") == "x1 processing, y1 waiting, z1 waiting");

    for (const bool retires : {false, true}) {
        CAPTURE(retires);
        scene = begun();
        if (retires) {
            scene.scheduler.retire_worker(scene.ref_of("w"));
        } else {
            scene.say("w", satchel::Paused{true});
        }
        CHECK(scene.out().starts_with("w: release z1, release end1"));
        scene.finish("w", "y1", 8, 1000);
        CHECK(scene.workers_of("z1") == std::vector<std::string>{"v"});
    }
}

// It may have begun, and ended its worker before that could say that its last input is there.
TEST_CASE("scheduler: suspects what follows, too, when its worker dies") {
    for (const bool begins : {true, false}) {
        CAPTURE(begins);
        auto scene = scene_of_chain({"v"});
        scene.executing("w", begins ? "y1 z1" : "y1");
        scene.lose("w");
        scene.finish("v", "x1", 8, 1000);
        CHECK(scene.states("y1 z1") == "y1 processing, z1 waiting");
        scene.finish("v", "y1", 8, 1000);
        CHECK(scene.states("z1") == "z1 processing");
        CHECK(scene.states("end1") == (begins ? "end1 waiting" : "end1 following"));
    }
}

TEST_CASE("scheduler: takes back what is not wanted any more, and what cannot go on") {
    auto scene = scene_of_chain();
    (void)scene.out();
    scene.missing("w", "z1", "y1", "w");
    CHECK(scene.states("y1 z1 end1") == "y1 processing, z1 waiting, end1 waiting");
    CHECK(scene.out() == "w: release z1, release end1");
    scene.finish("w", "y1", 8, 1000);
    CHECK(scene.out() == "w: compute z1 of y1@w, compute end1 of z1, release x1");
    scene.release("end");
    CHECK(scene.out() == "w: release end1, release z1, release y1, release end0, forget 4");
}
