// What the scheduler does with values that clients have and put into workers.
#include "scheduler/scene.hpp"

#include <doctest/doctest.h>

using satchel::testing::Scene;

namespace {

Scene scene_with(const std::vector<std::string>& workers) {
    Scene scene;
    (void)scene.client();
    for (const auto& name : workers) (void)scene.worker(name);
    (void)scene.out();
    return scene;
}

}  // namespace

TEST_CASE("scheduler: asks the client to send its data to a worker, and remembers who has it") {
    auto scene = scene_with({"w"});
    scene.offer("d");
    CHECK(scene.out() == "c0: send d to w");
    CHECK(scene.states("d") == "d processing");
    scene.finish("w", "d", 100);
    CHECK(scene.out() == "c0: ready d@w");
    scene.submit("d -> a", "a");
    CHECK(scene.out() == "w: compute a of d@w");
    scene.finish("w", "a");
    scene.release("a d");
    CHECK(scene.out() == "w: release d, release a, forget 1; c0: ready a@w, forget d");
}

TEST_CASE("scheduler: spreads data over the workers, each in turn") {
    auto scene = scene_with({"v", "w"});
    for (const auto* name : {"d", "e", "f", "g"}) {
        scene.offer(name);
        scene.finish(scene.workers_of(name).front(), name, 100);
    }
    CHECK(scene.workers_of("d") != scene.workers_of("e"));
    CHECK(scene.workers_of("e") != scene.workers_of("f"));
    CHECK(scene.workers_of("f") != scene.workers_of("g"));
}

TEST_CASE("scheduler: data that shall be everywhere is copied by all workers at once") {
    auto scene = scene_with({"u", "v", "w"});
    scene.offer("d", 1, 0, true);
    const auto first = scene.workers_of("d").front();
    (void)scene.out();
    scene.finish(first, "d", 100);
    CHECK(scene.out() == "u: copy d@v; w: copy d@v; c0: ready d@v");
    scene.add_key("u", "d");
    scene.add_key("w", "d");
    CHECK(scene.workers_of("d").size() == 3);
    scene.lose("v");
    (void)scene.out();
    scene.submit("d -> a", "a");
    CHECK(scene.out() == "w: compute a of d@w@u");
}

TEST_CASE("scheduler: data that is lost is sent again, if the client still has it") {
    auto scene = scene_with({"w"});
    scene.offer("d", 2);
    CHECK(scene.out() == "c0: send d0 to w, send d1 to w");
    scene.finish("w", "d0 d1", 100);
    scene.submit("d -> a", "a");
    (void)scene.out();
    scene.lose("w");
    CHECK(scene.states("d0 d1 a") == "d0 queued, d1 queued, a waiting");
    (void)scene.worker("v");
    CHECK(scene.out() ==
          "v: welcome; c0: lost w, again d0, again d1, peer v, send d0 to v, "
          "send d1 to v");
    scene.not_sent("d1", true);
    CHECK(scene.states("d0 d1 a") == "d0 processing, d1 erred, a erred");
    CHECK(scene.out() ==
          "c0: erred d1 by d1: the data 'd:1' of 100 bytes, which a client had put into the "
          "cluster, is lost and cannot be computed again: all workers that had it have died, or "
          "have lost it, erred a by d1: the data 'd:1' of 100 bytes, which a client had put into "
          "the cluster, is lost and cannot be computed again: all workers that had it have died, "
          "or have lost it");
}

TEST_CASE("scheduler: a worker that cannot be reached is tried again, but not for ever") {
    auto scene = scene_with({"w"});
    scene.offer("d");
    for (int k = 0; k < 8; ++k) {
        CHECK(scene.out() == "c0: send d to w");
        scene.not_sent("d", false);
        if (k < 7) CHECK(scene.states("d") == "d processing");
    }
    CHECK(scene.states("d") == "d erred");
}

TEST_CASE("scheduler: data outlives the client that gave it, if another needs it") {
    auto scene = scene_with({"w"});
    (void)scene.client();
    scene.offer("d", 2);
    scene.finish("w", "d0", 100);
    scene.submit("d -> a", "a", 1);
    scene.submit("d -> b*2", "b", 1);
    (void)scene.out();
    scene.scheduler.remove_client(0);
    scene.scheduler.check();
    CHECK(scene.states("d0 d1 a b0 b1") == "d0 memory, d1 erred, a erred, b0 processing, b1 erred");
    scene.lose("w");
    CHECK(scene.states("d0 b0") == "d0 erred, b0 erred");
}

TEST_CASE("scheduler: data on its way to a worker that retires goes to another") {
    auto scene = scene_with({"v", "w"});
    scene.offer("d");
    const auto first = scene.out();
    scene.scheduler.retire_worker(scene.ref_of(first.back() == 'v' ? "v" : "w"));
    scene.scheduler.check();
    CHECK(scene.out() == (first.back() == 'v' ? "v: release d; c0: send d to w"
                                              : "w: release d; c0: send d to v"));
}

TEST_CASE("scheduler: believes an inventory that has data of which the report was lost") {
    auto scene = scene_with({"w"});
    scene.offer("d");
    (void)scene.out();
    const auto sent = scene.scheduler.workers()[0].sent;
    scene.say("w", satchel::Inventory{sent, {}, {scene.ref("d")}});
    CHECK(scene.states("d") == "d memory");
    CHECK(scene.out() == "c0: ready d@w");
}

TEST_CASE("scheduler: a layer of data that makes no sense is refused") {
    auto scene = scene_with({});
    satchel::LayerSpec spec;
    spec.name = "d";
    spec.count = 2;
    spec.data = {1};
    scene.ask(0, satchel::UpdateGraph{{}, {spec}, {}});
    CHECK(scene.out() ==
          "c0: refused: the graph cannot run: layer 'd' cannot be: it is data, but "
          "not one value of a size for each task, forget ?");
}

TEST_CASE("scheduler: a client keeps data that it is counted on for, whatever else it asks") {
    auto scene = scene_with({"w"});
    scene.offer("d");
    scene.finish("w", "d", 100);
    (void)scene.out();
    satchel::LayerSpec again;
    again.token = scene.key("d").token;
    again.name = "d";
    again.count = 1;
    again.data = {100};
    scene.ask(0, satchel::UpdateGraph{{}, {again}, {}});
    CHECK(scene.out() == "");
    auto wrong = again;
    wrong.token = {7, 7};
    wrong.count = 2;
    scene.ask(0, satchel::UpdateGraph{{}, {again, wrong}, {}});
    CHECK(scene.out() ==
          "c0: refused: the graph cannot run: layer 'd' cannot be: it is data, but not one value "
          "of a size for each task, forget ?");
    scene.lose("w");
    (void)scene.worker("v");
    CHECK(scene.out() == "v: welcome; c0: lost w, again d, peer v, send d to v");
}

TEST_CASE("scheduler: a client need not keep data that another client has") {
    auto scene = scene_with({"w"});
    (void)scene.client();
    scene.offer("d");
    (void)scene.out();
    scene.offer("d", 1, 1);
    CHECK(scene.out() == "c1: forget d");
}
