// How tasks are placed, handed out, and end.
#include "scheduler/scene.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using satchel::Nanoseconds;
using satchel::testing::Scene;

namespace {

// A scene with one client and workers of one thread each, whose greetings were read.
Scene scene_with(const std::vector<std::string>& workers,
                 satchel::scheduler::Options options = {}) {
    Scene scene(options);
    (void)scene.client();
    for (const auto& name : workers) (void)scene.worker(name);
    (void)scene.out();
    return scene;
}

}  // namespace

TEST_CASE("scheduler: introduces workers and clients to each other") {
    Scene scene;
    (void)scene.client();
    CHECK(scene.out() == "c0: welcome");
    (void)scene.worker("v");
    CHECK(scene.out() == "v: welcome; c0: peer v");
    (void)scene.worker("w");
    CHECK(scene.out() == "v: peer w; w: welcome, peer v; c0: peer w");
    (void)scene.client();
    CHECK(scene.out() == "c1: welcome, peer v, peer w");
    scene.lose("v");
    CHECK(scene.out() == "w: lost v; c0: lost v; c1: lost v");
}

TEST_CASE("scheduler: computes what is wanted, and nothing else") {
    auto scene = scene_with({"w"});
    scene.submit("a; b; a -> c; b -> d", "c");
    CHECK(scene.out() == "w: compute a");
    CHECK(scene.states("a b c d") == "a processing, b forgotten, c waiting, d forgotten");
    scene.finish("w", "a");
    CHECK(scene.out() == "w: compute c of a@w");
    scene.finish("w", "c");
    CHECK(scene.out() == "w: release a; c0: ready c@w");
    scene.release("c");
    CHECK(scene.out() == "w: release c, forget 2");
    CHECK(scene.states("a c") == "a forgotten, c forgotten");
}

TEST_CASE("scheduler: sends a result of few bytes on to who wants it") {
    auto scene = scene_with({"w"});
    scene.submit("a", "a");
    (void)scene.out();
    scene.say("w", satchel::TasksFinished{
                       {{scene.ref("a"), 2, 1000, true, satchel::Bytes::copy_of("42")}}});
    CHECK(scene.out() == "c0: ready a@w=42");
}

TEST_CASE("scheduler: holds source-like tasks back until a thread is free") {
    auto scene = scene_with({"v", "w"});
    scene.submit("a*9", "a");
    // One for the thread, one that it finds when that is done.
    CHECK(scene.out() == "v: compute a1, compute a3; w: compute a0, compute a2");
    CHECK(scene.states("a4 a8") == "a4 queued, a8 queued");
    scene.finish("v", "a1", 8, 1'000'000'000);
    CHECK(scene.out() == "v: compute a4; c0: ready a1@v");
}

TEST_CASE("scheduler: gives a worker more at once when tasks are known to be short") {
    auto scene = scene_with({"w"});
    scene.submit("a*100", "a");
    (void)scene.out();
    scene.finish("w", "a0 a1", 8, 1'000);
    CHECK(scene.scheduler.workers()[0].processing.size() == 98);
}

TEST_CASE("scheduler: does not fill a worker with large results") {
    auto scene = scene_with({"w"});
    scene.submit("a*100", "a");
    (void)scene.out();
    scene.finish("w", "a0 a1", 20'000'000, 1'000);
    CHECK(scene.scheduler.workers()[0].processing.size() == 4);
}

TEST_CASE("scheduler: computes where the inputs are") {
    auto scene = scene_with({"v", "w"});
    scene.submit("a; b; a b -> c", "c");
    CHECK(scene.out() == "v: compute b; w: compute a");
    scene.finish("v", "b", 1'000'000);
    scene.finish("w", "a", 1'000);
    CHECK(scene.out() == "v: compute c of a@w b@v");
}

TEST_CASE("scheduler: computes elsewhere what would have to wait for long") {
    auto scene = scene_with({"v", "w"});
    scene.submit("a; a -> x*3", "x");
    (void)scene.out();
    scene.finish("w", "a");
    // Each is thought to take half a second: as long as nothing is known, that is.
    CHECK(scene.out() == "v: compute x0 of a@w, compute x2 of a@w; w: compute x1 of a@w");
}

TEST_CASE("scheduler: waits for the first worker") {
    auto scene = scene_with({});
    scene.submit("a", "a");
    CHECK(scene.out() == "");
    CHECK(scene.states("a") == "a queued");
    (void)scene.worker("w");
    CHECK(scene.out() == "w: welcome, compute a; c0: peer w");
}

TEST_CASE("scheduler: a task with inputs waits for a worker, too") {
    auto scene = scene_with({"w"});
    scene.submit("a", "a");
    scene.finish("w", "a");
    scene.scheduler.retire_worker(scene.ref_of("w"));
    (void)scene.out();
    scene.submit("a -> b", "b");
    CHECK(scene.states("b") == "b no-worker");
    (void)scene.worker("v");
    CHECK(scene.out() == "w: peer v; v: welcome, peer w, compute b of a@w; c0: peer v");
}

TEST_CASE("scheduler: one layer depends on all of another") {
    auto scene = scene_with({"w"});
    scene.submit("a*3; a -> c", "c");
    (void)scene.out();
    scene.finish("w", "a0 a1");
    (void)scene.out();
    CHECK(scene.states("c") == "c waiting");
    scene.finish("w", "a2");
    CHECK(scene.out() == "w: compute c of a0@w a1@w a2@w");
    scene.finish("w", "c");
    CHECK(scene.out() == "w: release a2, release a1, release a0; c0: ready c@w");
    scene.release("c");
    CHECK(scene.out() == "w: release c, forget 2");
}

TEST_CASE("scheduler: tells a worker of a layer once") {
    auto scene = scene_with({"w"});
    scene.submit("a*2", "a");
    const auto first = scene.scheduler.take();
    REQUIRE(first.workers.size() == 1);
    const auto& compute = std::get<satchel::ComputeTasks>(first.workers[0].messages.at(0));
    CHECK(compute.layers.size() == 1);
    CHECK(compute.layers[0].function.text() == "a");
    CHECK(compute.tasks.size() == 2);
    scene.submit("a -> b*2", "b");
    scene.finish("w", "a0");
    scene.finish("w", "a1");
    const auto next = scene.scheduler.take();
    const auto& more = std::get<satchel::ComputeTasks>(next.workers[0].messages.at(0));
    CHECK(more.layers.size() == 1);
    CHECK(more.tasks.size() == 2);
}

TEST_CASE("scheduler: an exception fails what depends on it, once, and is kept") {
    auto scene = scene_with({"w"});
    scene.submit("a; a -> b; b -> c; a -> d", "c d");
    (void)scene.out();
    scene.err("w", "a", "bad");
    CHECK(scene.out() == "c0: erred c by a: bad, erred d by a: bad");
    CHECK(scene.states("a b c d") == "a erred, b erred, c erred, d erred");
    // Who asks later is told the same.
    (void)scene.client();
    scene.submit("a; a -> b", "b", 1);
    CHECK(scene.out() == "c1: welcome, peer w, erred b by a: bad");
    scene.release("c d");
    scene.release("b", 1);
    CHECK(scene.states("a b c d") == "a forgotten, b forgotten, c forgotten, d forgotten");
    CHECK(scene.out() == "w: forget 1");
}

TEST_CASE("scheduler: tries again as often as it was told to") {
    auto scene = scene_with({"w"});
    scene.submit("a", "a", 0, 2);
    CHECK(scene.out() == "w: compute a");
    scene.err("w", "a", "one");
    CHECK(scene.out() == "w: compute a");
    scene.err("w", "a", "two");
    CHECK(scene.out() == "w: compute a");
    scene.err("w", "a", "three");
    CHECK(scene.out() == "c0: erred a by a: three");
}

TEST_CASE("scheduler: tries again when a client says so") {
    auto scene = scene_with({"w"});
    scene.submit("a; a -> b", "b");
    (void)scene.out();
    scene.err("w", "a", "bad");
    (void)scene.out();
    scene.retry("b");
    CHECK(scene.out() == "w: compute a");
    CHECK(scene.states("a b") == "a processing, b waiting");
}

TEST_CASE("scheduler: tries again what failed behind a result that was dropped") {
    auto scene = scene_with({"w"});
    scene.submit("a; a -> b; b -> c", "c");
    scene.finish("w", "a");
    scene.finish("w", "b");
    scene.err("w", "c", "bad");
    scene.submit("a", "a");
    scene.err("w", "a", "worse");
    (void)scene.out();
    CHECK(scene.states("a b c") == "a erred, b released, c erred");
    scene.retry("c");
    CHECK(scene.out() == "w: compute a");
    CHECK(scene.states("a b c") == "a processing, b waiting, c waiting");
}

TEST_CASE("scheduler: looks once at what many depend on to find what shall be tried again") {
    // There are 2^40 ways from the last task to the first.
    constexpr int depth = 40;
    std::string graph = "x0";
    for (int k = 1; k <= depth; ++k) {
        graph += fmt::format("; x{0} -> y{1}; x{0} y{1} -> x{1}", k - 1, k);
    }
    auto scene = scene_with({"w"});
    scene.submit(graph, fmt::format("x{}", depth));
    scene.finish("w", "x0");
    for (int k = 1; k <= depth; ++k) {
        scene.finish("w", fmt::format("y{}", k));
        if (k < depth) scene.finish("w", fmt::format("x{}", k));
    }
    scene.err("w", fmt::format("x{}", depth), "bad");
    scene.submit("x0", "x0");
    scene.err("w", "x0", "worse");
    (void)scene.out();
    scene.retry(fmt::format("x{}", depth));
    CHECK(scene.out() == "w: compute x0");
}

TEST_CASE("scheduler: an answer to an earlier attempt counts for nothing") {
    auto scene = scene_with({"w"});
    scene.submit("a", "a", 0, 1);
    (void)scene.out();
    const auto first = scene.ref("a");
    scene.err("w", "a", "once");
    (void)scene.out();
    scene.say("w", satchel::TasksFinished{{{first, 8, 1000, false, {}}}});
    CHECK(scene.states("a") == "a processing");
    CHECK(scene.out() == "w: release a");
    scene.say("w", satchel::TaskErred{first, {}});
    CHECK(scene.states("a") == "a processing");
    CHECK(scene.out() == "");
}

TEST_CASE("scheduler: a report about what never was does no harm") {
    auto scene = scene_with({"w"});
    const satchel::TaskRef nonsense{12345, 7};
    scene.say("w", satchel::TasksFinished{{{nonsense, 8, 1000, false, {}}}});
    scene.say("w", satchel::TaskErred{nonsense, {}});
    scene.say("w", satchel::KeysAdded{{nonsense}});
    scene.say("w", satchel::MissingData{nonsense, nonsense, {{9, 9}}});
    scene.say("w", satchel::Seceded{nonsense});
    scene.say("w", satchel::Rejoined{nonsense});
    scene.say("w", satchel::Executing{{nonsense}});
    scene.ask(0, satchel::GatherFailed{{}, nonsense, {9, 9}});
    CHECK(scene.out() == "w: release , release ");
}

TEST_CASE("scheduler: a task that waits gives its place to another") {
    auto scene = scene_with({"w"});
    scene.submit("a*3", "a");
    CHECK(scene.out() == "w: compute a0, compute a1");
    scene.say("w", satchel::Seceded{scene.ref("a0")});
    CHECK(scene.out() == "w: compute a2");
    scene.say("w", satchel::Rejoined{scene.ref("a0")});
    CHECK(scene.scheduler.workers()[0].busy() == 3);
    scene.finish("w", "a0");
    CHECK(scene.out() == "c0: ready a0@w");
}

TEST_CASE("scheduler: more urgent are earlier graphs, and in a graph what frees memory") {
    auto scene = scene_with({});
    scene.submit("a*2; a -> b*2", "b");
    scene.submit("c", "c");
    (void)scene.worker("w");
    const auto out = scene.scheduler.take();
    const auto& compute = std::get<satchel::ComputeTasks>(out.workers[0].messages.at(1));
    REQUIRE(compute.tasks.size() == 2);
    CHECK(compute.tasks[0].task == scene.ref("a0"));
    CHECK(compute.tasks[1].task == scene.ref("a1"));
    scene.finish("w", "a0", 8, 1'000'000'000);
    const auto next = scene.scheduler.take();
    const auto& more = std::get<satchel::ComputeTasks>(next.workers[0].messages.at(0));
    REQUIRE(more.tasks.size() == 1);
    CHECK(more.tasks[0].task == scene.ref("b0"));
    CHECK(more.tasks[0].priority < compute.tasks[1].priority);
}

TEST_CASE("scheduler: tells how far a graph has come that is watched") {
    Scene scene;
    (void)scene.client();
    (void)scene.client();
    (void)scene.worker("w", 4);
    const auto layer = [](const char* name, std::uint32_t count,
                          std::vector<satchel::Input> inputs) {
        satchel::LayerSpec spec;
        spec.token = satchel::Token::of(name);
        spec.name = name;
        spec.count = count;
        spec.function = satchel::Bytes::copy_of(name);
        spec.inputs = std::move(inputs);
        return spec;
    };
    const auto a = layer("a", 4, {});
    const auto sum = layer("sum", 1, {satchel::Input::all(0, 4)});
    scene.ask(0, satchel::UpdateGraph{{}, {a, sum}, {{sum.token, 0, 1}}, 7});
    // It knows these layers already, and watches nothing new.
    scene.ask(1, satchel::UpdateGraph{{}, {a}, {{a.token, 0, 4}}, 8});
    const auto progress = [&] {
        std::string told;
        for (const auto& batch : scene.scheduler.take().clients) {
            for (const auto& message : batch.messages) {
                const auto* one = std::get_if<satchel::Progress>(&message);
                if (one == nullptr) continue;
                told += fmt::format("c{}: {} of {}; ", batch.client, one->finished, one->watch);
            }
        }
        return told;
    };
    CHECK(progress().empty());
    const auto finish = [&](satchel::TaskId task) {
        scene.say("w",
                  satchel::TasksFinished{{{scene.scheduler.tasks().ref(task), 8, 1, false, {}}}});
    };
    finish(0);
    finish(1);
    CHECK(progress().empty());
    scene.tick(1);
    CHECK(progress() == "c0: 2 of 7; ");
    scene.tick(2);
    CHECK(progress().empty());
    for (const satchel::TaskId task : {2U, 3U, 4U}) finish(task);
    scene.tick(3);
    CHECK(progress() == "c0: 5 of 7; ");
}
