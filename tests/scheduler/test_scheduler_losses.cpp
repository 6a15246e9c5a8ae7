// What the scheduler does when workers and clients go, and when they and it disagree.
#include "scheduler/scene.hpp"

#include <doctest/doctest.h>

using satchel::testing::Scene;

namespace {

Scene scene_with(const std::vector<std::string>& workers,
                 satchel::scheduler::Options options = {}) {
    Scene scene(options);
    (void)scene.client();
    for (const auto& name : workers) (void)scene.worker(name);
    (void)scene.out();
    return scene;
}

}  // namespace

TEST_CASE("scheduler: gives the tasks of a lost worker to another") {
    auto scene = scene_with({"v", "w"});
    scene.submit("a", "a");
    CHECK(scene.out() == "w: compute a");
    scene.lose("w");
    CHECK(scene.out() == "v: lost w, compute a; c0: lost w");
}

TEST_CASE("scheduler: computes lost results again, with what they need") {
    auto scene = scene_with({"w"});
    scene.submit("a; a -> b; b -> c", "c");
    scene.finish("w", "a");
    scene.finish("w", "b");
    scene.finish("w", "c");
    (void)scene.out();
    CHECK(scene.states("a b c") == "a released, b released, c memory");
    scene.lose("w");
    CHECK(scene.out() == "c0: lost w, again c");
    CHECK(scene.states("a b c") == "a queued, b waiting, c waiting");
    (void)scene.worker("v");
    CHECK(scene.out() == "v: welcome, compute a; c0: peer v");
}

TEST_CASE("scheduler: a result that is elsewhere as well is not lost") {
    auto scene = scene_with({"v", "w"});
    scene.submit("a", "a");
    scene.finish("w", "a");
    scene.add_key("v", "a");
    (void)scene.out();
    scene.lose("w");
    CHECK(scene.out() == "v: lost w; c0: lost w");
    CHECK(scene.states("a") == "a memory");
}

TEST_CASE("scheduler: the input of a task goes while the worker of the task goes") {
    // The task must wait for its input again, and not be run without it.
    auto scene = scene_with({"w"});
    scene.submit("a; a -> b", "b");
    scene.finish("w", "a");
    (void)scene.out();
    scene.lose("w");
    CHECK(scene.states("a b") == "a queued, b waiting");
}

TEST_CASE("scheduler: computes again what its holder says it does not have") {
    auto scene = scene_with({"v", "w"});
    scene.submit("a; b; a b -> c", "c");
    (void)scene.out();
    scene.finish("v", "b", 1'000'000);
    scene.finish("w", "a");
    CHECK(scene.out() == "v: compute c of a@w b@v");
    scene.missing("v", "c", "a", "w");
    // The other worker must not come to believe that it has it after all.
    CHECK(scene.out() == "v: compute a; w: release a");
    CHECK(scene.states("a b c") == "a processing, b memory, c waiting");
}

TEST_CASE("scheduler: a client that cannot find a result is told where else it is") {
    auto scene = scene_with({"v", "w"});
    scene.submit("a", "a");
    scene.finish("w", "a");
    scene.add_key("v", "a");
    (void)scene.out();
    scene.ask(0,
              satchel::GatherFailed{{scene.key("a").token, 0}, scene.ref("a"), scene.ref_of("w")});
    CHECK(scene.out() == "w: release a; c0: ready a@v");
    scene.ask(0,
              satchel::GatherFailed{{scene.key("a").token, 0}, scene.ref("a"), scene.ref_of("v")});
    CHECK(scene.out() == "v: release a, compute a; c0: again a");
}

TEST_CASE("scheduler: refuses a worker with the name of another one that lives") {
    auto scene = scene_with({"w"}, {.heartbeat_interval = 100});
    const auto why = [&](const std::string& name, const std::string& address, int now) {
        return scene.scheduler.why_refused({name, address, 1, 0}, now);
    };
    CHECK(why("v", "elsewhere", 0).empty());
    CHECK(why("w", "elsewhere", 300) ==
          "there is a worker named 'w' already, at at-w, and it lives; each worker needs a name of "
          "its own");
    // The same one again, whose connection was lost.
    CHECK(why("w", "at-w", 0).empty());
    // One that has been silent may have died with its computer.
    CHECK(why("w", "elsewhere", 301).empty());
    scene.lose("w");
    CHECK(why("w", "elsewhere", 0).empty());
}

TEST_CASE("scheduler: who was there when two workers died is executed alone") {
    auto scene = scene_with({"w"});
    scene.submit("a; b", "a b");
    for (int k = 0; k < 2; ++k) {
        scene.executing("w", "a b");
        (void)scene.out();
        scene.lose("w");
        (void)scene.worker("w");
    }
    CHECK(scene.out().starts_with("w: welcome, compute a alone, compute b alone; c0: "));
    scene.executing("w", "b");
    scene.finish("w", "b");
    scene.submit("b -> c", "c");
    CHECK(scene.out() == "w: compute c of b@w; c0: ready b@w");
    for (int k = 0; k < 2; ++k) {
        scene.executing("w", "a");
        scene.lose("w");
        (void)scene.worker("w");
    }
    CHECK(scene.states("a") == "a erred");
}

TEST_CASE("scheduler: gives up a task that was executing when four workers died") {
    auto scene = scene_with({"w"});
    scene.submit("a; b", "a b");
    for (int k = 0; k < 4; ++k) {
        CHECK(scene.states("a") == "a processing");
        scene.executing("w", "a");
        (void)scene.out();
        scene.lose("w", {.cause = "signal 11"});
        if (k < 3) {
            (void)scene.worker("w");
        }
    }
    CHECK(scene.out() ==
          "c0: lost w, erred a by a: task 'a' was executing on 4 workers when they died; it may "
          "crash the process or use up its memory: run it on a local executor to see. The last of "
          "them was w at at-w: signal 11");
    // The other was there each time, but had not begun.
    CHECK(scene.states("a b") == "a erred, b queued");
}

TEST_CASE(
    "scheduler: believes who knows what was executing, and blames nobody for planned deaths") {
    auto scene = scene_with({"w"}, {.allowed_failures = 0});
    scene.submit("a; b", "a b");
    scene.executing("w", "a");
    scene.lose("w", {.planned = true});
    CHECK(scene.states("a b") == "a queued, b queued");
    (void)scene.worker("w");
    scene.executing("w", "a");
    scene.lose("w", {.executing = {{scene.ref("b")}}});
    CHECK(scene.states("a b") == "a queued, b erred");
}

TEST_CASE("scheduler: runs a suspicious task alone") {
    auto scene = scene_with({"w"});
    scene.submit("a*4", "a");
    scene.finish("w", "a0", 8, 1'000);
    scene.executing("w", "a1");
    scene.lose("w");
    (void)scene.out();
    (void)scene.worker("w");
    const auto out = scene.scheduler.take();
    const auto& compute = std::get<satchel::ComputeTasks>(out.workers[0].messages.at(1));
    for (const auto& task : compute.tasks) {
        CHECK((task.expected == 0) == (task.task == scene.ref("a1")));
    }
}

TEST_CASE("scheduler: a task that has finished is beyond suspicion") {
    auto scene = scene_with({"w"}, {.allowed_failures = 1});
    scene.submit("a", "a");
    for (int k = 0; k < 3; ++k) {
        scene.executing("w", "a");
        scene.lose("w");
        (void)scene.worker("w");
        scene.finish("w", "a");
        scene.lose("w");  // and with it the result
        (void)scene.worker("w");
    }
    CHECK(scene.states("a") == "a processing");
}

TEST_CASE("scheduler: where workers die of something else, a task may be there more often") {
    auto scene = scene_with({"w"}, {.allowed_failures = 1});
    scene.submit("a; b", "a b");
    const auto lose = [&](const std::string& during) {
        scene.executing("w", during);
        scene.lose("w");
        (void)scene.worker("w");
    };
    for (int k = 0; k < 3; ++k) {
        lose("a");
        lose("b");
        scene.finish("w", "b");  // so that b was not to blame, and a perhaps is not, either
        lose("a");
        lose("b");
        scene.finish("w", "b");
        lose("a");
        scene.finish("w", "a");
        scene.lose("w");
        (void)scene.worker("w");
    }
    CHECK(scene.states("a b") == "a processing, b processing");
}

TEST_CASE("scheduler: a task that kills all of its workers is given up wherever they die") {
    auto scene = scene_with({"w"}, {.allowed_failures = 3});
    scene.submit("a", "a");
    for (int k = 0; k < 20; ++k) {  // there are tasks that have nothing to do with it
        scene.submit("b", "b");
        scene.executing("w", "b");
        scene.lose("w");
        (void)scene.worker("w");
        scene.finish("w", "b");
    }
    int deaths = 0;
    for (; scene.states("a") != "a erred"; ++deaths) {
        REQUIRE(deaths < 8);
        scene.executing("w", "a");
        scene.lose("w");
        (void)scene.worker("w");
    }
    CHECK(deaths == 8);
}

TEST_CASE("scheduler: a worker that comes back is another one") {
    auto scene = scene_with({"w"});
    scene.submit("a", "a");
    (void)scene.out();
    const auto before = scene.ref_of("w");
    const auto first = scene.ref("a");
    // It joins again before anybody has noticed that it was gone.
    (void)scene.worker("w");
    CHECK(scene.out() ==
          "w: welcome, compute a; c0: peer w, lost ?; disconnect ?: a worker of the same name has "
          "taken its place");
    scene.scheduler.handle(before, satchel::TasksFinished{{{first, 8, 1, false, {}}}}, 0);
    scene.scheduler.remove_worker(before);
    scene.scheduler.check();
    CHECK(scene.states("a") == "a processing");
    CHECK(scene.out() == "");
}

TEST_CASE("scheduler: takes a worker that is silent for dead") {
    auto scene = scene_with({"v", "w"}, {.time_to_live = 1000});
    scene.tick(500);
    scene.say("v", satchel::Heartbeat{});
    (void)scene.out();
    scene.tick(1200);
    CHECK(scene.out() == "v: lost w; c0: lost w; disconnect w: it was silent for 0 ms");
}

TEST_CASE("scheduler: a retiring worker leaves nothing behind that would be missed") {
    auto scene = scene_with({"v", "w"});
    scene.submit("a; b; c; d", "a b c d");
    CHECK(scene.out() == "v: compute b, compute d; w: compute a, compute c");
    scene.executing("w", "c");
    scene.finish("w", "a");
    (void)scene.out();
    scene.scheduler.retire_worker(scene.ref_of("w"));
    CHECK(scene.out() == "v: copy a@w");
    scene.submit("e; f; g; h", "e f g h");
    scene.add_key("v", "a");
    scene.tick(1);
    CHECK(scene.out() == "");  // it still executes
    scene.finish("w", "c");
    scene.tick(2);
    CHECK(scene.out() == "v: copy c@w; c0: ready c@w");
    scene.add_key("v", "c");
    scene.tick(3);
    CHECK(scene.out() == "w: close");
    scene.lose("w");
    CHECK(scene.states("a c") == "a memory, c memory");
}

TEST_CASE("scheduler: two that retire at the same time do not rely on each other") {
    auto scene = scene_with({"u", "v", "w"});
    scene.submit("a", "a");
    CHECK(scene.out() == "v: compute a");
    scene.finish("v", "a");
    scene.add_key("w", "a");
    (void)scene.out();
    scene.scheduler.retire_worker(scene.ref_of("v"));
    CHECK(scene.out() == "");
    scene.scheduler.retire_worker(scene.ref_of("w"));
    CHECK(scene.out() == "u: copy a@w");
    scene.tick(1);
    CHECK(scene.out() == "u: copy a@v, copy a@w");
    scene.add_key("u", "a");
    scene.tick(2);
    CHECK(scene.out() == "v: close; w: close");
}

TEST_CASE("scheduler: a retiring worker hands back what it has not begun") {
    auto scene = scene_with({"v", "w"});
    scene.submit("a*4", "a");
    CHECK(scene.out() == "v: compute a1, compute a3; w: compute a0, compute a2");
    scene.executing("w", "a0");
    scene.scheduler.retire_worker(scene.ref_of("w"));
    CHECK(scene.out() == "w: release a2");
    CHECK(scene.states("a2") == "a2 queued");
}

TEST_CASE("scheduler: two clients want the same, and one goes") {
    auto scene = scene_with({"w"});
    (void)scene.client();
    (void)scene.out();
    scene.submit("a; a -> b", "b");
    scene.submit("a; a -> b", "b", 1);
    CHECK(scene.out() == "w: compute a");  // once
    scene.scheduler.remove_client(0);
    scene.scheduler.check();
    CHECK(scene.out() == "");
    scene.finish("w", "a");
    scene.finish("w", "b");
    CHECK(scene.out() == "w: compute b of a@w, release a; c1: ready b@w");
    scene.scheduler.remove_client(1);
    scene.scheduler.check();
    CHECK(scene.out() == "w: release b, forget 2");
}

TEST_CASE("scheduler: a client goes in each state of its task") {
    const std::vector<void (*)(Scene&)> until = {
        [](Scene&) {},
        [](Scene& scene) { (void)scene.worker("w"); },
        [](Scene& scene) {
            (void)scene.worker("w");
            scene.finish("w", "a");
        },
        [](Scene& scene) {
            (void)scene.worker("w");
            scene.err("w", "a", "bad");
        },
    };
    for (const auto& go_on : until) {
        auto scene = scene_with({});
        scene.submit("a; a -> b", "b");
        go_on(scene);
        scene.scheduler.remove_client(0);
        scene.scheduler.check();
        CHECK(scene.states("a b") == "a forgotten, b forgotten");
    }
}

TEST_CASE("scheduler: cancelling gives up what depends on it, of this client alone") {
    auto scene = scene_with({"w"});
    (void)scene.client();
    scene.submit("a; a -> b; a -> c", "a b c");
    scene.submit("a; a -> c", "c", 1);
    (void)scene.out();
    scene.cancel("a");
    CHECK(scene.out() == "c0: cancelled a, cancelled b, cancelled c");
    CHECK(scene.states("a b c") == "a processing, b forgotten, c waiting");
    scene.cancel("a", 1);
    CHECK(scene.out() == "w: release a, forget 1; c1: cancelled c");
    CHECK(scene.states("a c") == "a forgotten, c forgotten");
}

TEST_CASE("scheduler: answers who has what") {
    auto scene = scene_with({"w"});
    scene.submit("a*2", "a");
    scene.finish("w", "a1");
    (void)scene.out();
    scene.ask(0, satchel::WhoHas{7, {scene.key("a"), {satchel::Token::of("?"), 0, 1}}});
    CHECK(scene.out() == "c0: answer 7: a1");
}

TEST_CASE("scheduler: refuses a graph that cannot run, as a whole") {
    auto scene = scene_with({"w"});
    const auto refused = [&](satchel::UpdateGraph graph) {
        scene.ask(0, std::move(graph));
        CHECK(scene.scheduler.tasks().layer_count() == 0);
        return scene.out();
    };
    using satchel::Input;
    using satchel::Token;
    const auto layer = [](std::vector<Input> inputs, std::uint32_t count = 1) {
        return satchel::UpdateGraph{
            {}, {{Token::of("x"), "x", count, 0, {}, {}, std::move(inputs)}}, {}};
    };
    CHECK(refused({{{Token::of("x"), 0, 1}}, {}, {}})
              .starts_with("c0: refused: the graph cannot "
                           "run: it depends on"));
    CHECK(refused({{}, {}, {{Token::of("x"), 3, 1}}}).find("it asks for") != std::string::npos);
    CHECK(refused(layer({}, 0)).find("layer 'x' cannot be: it has no tasks") != std::string::npos);
    const auto wrong = "its input number 0 refers to what does not come before it";
    for (const auto& input :
         {Input::one(0), Input::same(0, 1), Input::literal(0), Input::shift(0, 1, 0),
          Input::shift(0, 1, -1), Input::block(0, 0, 0), Input::cross_left(0, 0, 0),
          Input::all(0, 1), Input{static_cast<Input::Kind>(77), 0, 0, 0}}) {
        CHECK(refused(layer({input})).find(wrong) != std::string::npos);
    }
    auto lists = layer({});
    lists.layers[0].references = {0};
    CHECK(refused(lists).find("its lists of inputs are not one") != std::string::npos);
    lists.layers[0].ends = {1};
    CHECK(refused(lists).find("its task 0 refers to what does not") != std::string::npos);
    lists.layers[0].inputs = {Input::one(0)};
    lists.known = {};
    CHECK(refused(lists).find("its input number 0") != std::string::npos);
    auto twice = layer({});
    twice.layers.push_back(twice.layers[0]);
    twice.layers[1].count = 2;
    CHECK(refused(twice).find("have the key of another submission, which has 1") !=
          std::string::npos);
}

TEST_CASE("scheduler: notices that a worker believes something else, and makes peace") {
    auto scene = scene_with({"w"});
    scene.submit("a; b", "a b");
    scene.finish("w", "b");
    (void)scene.out();
    const auto a = scene.ref("a"), b = scene.ref("b");
    satchel::Heartbeat heartbeat{.received = 2, .assigned = digest_of(a), .held = digest_of(b)};
    scene.say("w", heartbeat);
    CHECK(scene.out() == "");
    // It has never heard of a, and does not have b.
    heartbeat.assigned = heartbeat.held = 0;
    scene.say("w", heartbeat);
    CHECK(scene.out() == "w: inventory?");
    scene.say("w", satchel::Inventory{3, {}, {}});
    CHECK(scene.out() == "w: compute a, compute b; c0: again b");
    CHECK(scene.ref("a").attempt == a.attempt + 1);
    // It has what nobody knows of.
    scene.say("w", satchel::Inventory{4, {{77, 1}, scene.ref("a"), scene.ref("b")}, {{78, 1}}});
    CHECK(scene.out() == "w: release , release ");
}

TEST_CASE("scheduler: notices that what it sent was not received") {
    auto scene = scene_with({"w"});
    scene.submit("a", "a");
    (void)scene.out();
    scene.say("w", satchel::Heartbeat{.received = 1});
    CHECK(scene.out() == "");  // it may be on its way
    scene.say("w", satchel::Heartbeat{.received = 1});
    CHECK(scene.out() == "w: inventory?");
    scene.say("w", satchel::Inventory{.received = 3, .assigned = {}, .held = {}});
    CHECK(scene.out() == "w: compute a");
}

TEST_CASE("scheduler: tells a worker to forget layers that it may have heard of") {
    auto scene = scene_with({"w"});
    scene.submit("a; b", "a b");
    (void)scene.out();
    const auto a = scene.ref("a");
    // What the worker had been told of b was lost; what it had been told of a was not.
    scene.say("w", satchel::Inventory{.received = 2, .assigned = {a}, .held = {}});
    CHECK(scene.out() == "w: compute b");
    scene.release("a b");
    CHECK(scene.out() == "w: release b, release a, forget 2");
}

TEST_CASE("scheduler: the last worker retires though nobody takes over what it has") {
    auto scene = scene_with({"w"});
    scene.submit("a; a -> b", "b");
    scene.finish("w", "a");
    scene.executing("w", "b");
    (void)scene.out();
    scene.scheduler.retire_worker(scene.ref_of("w"));
    scene.tick(1'000'000'000);
    CHECK(scene.out() == "");
    scene.finish("w", "b");
    scene.tick(2'000'000'000);
    CHECK(scene.out() ==
          "w: release a, close; c0: ready b@w; warning: the worker 'w' leaves, and there "
          "is no other to take over its 1 results of 8 bytes; those that are needed will be "
          "computed again when there is a worker");
    scene.lose("w", {.planned = true});
    (void)scene.worker("v");
    CHECK(scene.out() == "v: welcome, compute a; c0: lost w, again b, peer v");
}

TEST_CASE("scheduler: the last worker retires though a task waits for others") {
    auto scene = scene_with({"w"});
    scene.submit("a", "a");
    scene.say("w", satchel::Seceded{scene.ref("a")});
    (void)scene.out();
    scene.scheduler.retire_worker(scene.ref_of("w"));
    scene.tick(1'000'000'000);
    CHECK(scene.out() == "w: close");
}

TEST_CASE("scheduler: what a paused worker has not begun goes to others") {
    auto scene = scene_with({"w"});
    scene.submit("a; b", "a b");
    CHECK(scene.out() == "w: compute a, compute b");
    scene.executing("w", "a");
    scene.say("w", satchel::Paused{true});
    // There are no others yet.
    CHECK(scene.out() == "");
    scene.submit("c; c -> d", "d");
    CHECK(scene.states("a b c") == "a processing, b processing, c queued");
    (void)scene.worker("v");
    CHECK(scene.out() ==
          "w: peer v, release b; v: welcome, peer w, compute b, compute c; c0: peer v");
    scene.say("v", satchel::Paused{true});
    (void)scene.out();
    scene.finish("v", "c");
    CHECK(scene.states("b d") == "b processing, d no-worker");
    scene.say("w", satchel::Paused{false});
    CHECK(scene.states("b d") == "b queued, d processing");
}

TEST_CASE("scheduler: copies small results when workers die one after another, until it is calm") {
    auto scene = scene_with({"p", "q", "r", "v", "w"});
    scene.submit("a; b; a b -> c", "c");
    for (const char* worker : {"p", "q", "r"}) scene.lose(worker);
    (void)scene.out();
    CHECK(scene.states("a b c") == "a processing, b processing, c waiting");
    const bool a_is_on_v = scene.workers_of("a").front() == "v";
    const std::string first = a_is_on_v ? "v" : "w", second = a_is_on_v ? "w" : "v";
    scene.finish(first, "a");
    CHECK(scene.out() == second + ": copy a@" + first);
    scene.add_key(second, "a");
    scene.lose(first);
    CHECK(scene.states("a c") == "a memory, c waiting");
    (void)scene.out();
    // Who comes is given what the other alone has.
    (void)scene.worker("x");
    CHECK(scene.out().find("copy a@" + second) != std::string::npos);
    scene.tick(20'000'000'000);
    scene.finish(second, "b");
    CHECK(scene.out().find("copy") == std::string::npos);
}

TEST_CASE("scheduler: copies nothing large, and nothing after planned deaths") {
    for (const bool planned : {false, true}) {
        auto scene = scene_with({"p", "q", "r", "v", "w"});
        scene.submit("a; b; a b -> c", "c");
        for (const char* worker : {"p", "q", "r"}) scene.lose(worker, {.planned = planned});
        (void)scene.out();
        scene.finish(scene.workers_of("a").front(), "a", planned ? 8 : 1 << 20);
        CHECK(scene.states("a c") == "a memory, c waiting");
        CHECK(scene.out().find("copy") == std::string::npos);
    }
}
