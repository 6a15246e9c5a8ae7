// What the scheduler does where some workers have much to do and others nothing.
#include "scheduler/scene.hpp"

#include <doctest/doctest.h>

using satchel::HandedBack;
using satchel::testing::Scene;

namespace {

constexpr satchel::Nanoseconds second = 1'000'000'000;

// Tasks a and c are known to take 1 ms; x0 to x9 depend on a, so that they are all given to w.
Scene scene_with_work() {
    Scene scene;
    (void)scene.client();
    (void)scene.worker("w");
    scene.submit("a", "a");
    scene.finish("w", "a");
    scene.submit("a -> x", "x");
    scene.finish("w", "x");
    scene.release("x");
    scene.submit("a -> x*10", "x");
    scene.executing("w", "x0");
    (void)scene.out();
    return scene;
}

}  // namespace

TEST_CASE("scheduler: what waits behind a long task is asked back for who has nothing to do") {
    auto scene = scene_with_work();
    scene.tick(second);
    CHECK(scene.out().empty());
    (void)scene.worker("v");
    (void)scene.out();
    scene.tick(second + 1);
    CHECK(scene.out() ==
          "w: hand back x9, hand back x8, hand back x7, hand back x6, hand back x5, hand back x4, "
          "hand back x3, hand back x2, hand back x1");
    // It has begun with one in the meantime.
    scene.say("w", HandedBack{{scene.ref("x9"), scene.ref("x8")}});
    CHECK(scene.out() == "v: compute x8 of a@w, compute x9 of a@w");
    CHECK(scene.states("x1 x8") == "x1 processing, x8 processing");
    // It is too late to say so of what is elsewhere.
    scene.say("w", HandedBack{{scene.ref("x9"), scene.ref("x8")}});
    CHECK(scene.out().empty());
}

TEST_CASE("scheduler: work that was given out before a worker came is shared with it") {
    Scene scene;
    (void)scene.client();
    (void)scene.worker("w");
    scene.submit("a*2", "a");
    scene.finish("w", "a0 a1");
    scene.submit("a -> x*2", "x");  // of which nobody knows how long they take
    scene.executing("w", "x0");
    (void)scene.worker("v");
    (void)scene.out();
    scene.tick(1);
    CHECK(scene.out() == "w: hand back x1");
}

TEST_CASE("scheduler: nothing is asked back where nobody idles, or for what is soon done") {
    auto scene = scene_with_work();
    (void)scene.worker("v");
    (void)scene.out();
    // As far as anybody knows, it is done in ten milliseconds.
    scene.tick(1);
    CHECK(scene.out().empty());
    scene.submit("b", "b");
    scene.executing("v", "b");
    (void)scene.out();
    scene.tick(second);
    CHECK(scene.out().empty());
}

TEST_CASE("scheduler: what is large stays where its input is, unless it would wait for longer") {
    for (const bool is_large : {true, false}) {
        CAPTURE(is_large);
        Scene scene;
        (void)scene.client();
        (void)scene.worker("w");
        scene.submit("a", "a");
        scene.finish("w", "a", is_large ? 10'000'000'000 : 8);
        scene.submit("a -> x*2", "x");
        scene.executing("w", "x0");
        (void)scene.worker("v");
        (void)scene.out();
        scene.tick(second);
        CHECK(scene.out() == (is_large ? "" : "w: hand back x1"));
    }
}
