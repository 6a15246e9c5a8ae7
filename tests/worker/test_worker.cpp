// The worker's machine: what it is told and what it then asks for, as text, so that a test leaves
// no instruction unmentioned.
#include <satchel/error.hpp>
#include <satchel/function.hpp>

#include "worker/worker.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace {

using namespace satchel;
using worker::Worker;

constexpr WorkerRef self{0, 1}, v{1, 2}, w{2, 3};

TaskRef ref(TaskId task, std::uint32_t attempt = 1) { return {task, attempt}; }

// An input of a task to come, and who has it.
struct In {
    TaskRef task;
    std::vector<WorkerRef> holders;
    std::int64_t nbytes = 8;
};

// A worker that has joined a cluster with two others, v and w.
class Scene {
  public:
    explicit Scene(worker::Options options = {.threads = 1}) : machine(options) {
        send(Welcome{self, 0});
        send(PeersChanged{{{v, "v", "at-v"}, {w, "w", "at-w"}}, {}});
    }

    void send(ToWorker message) {
        machine.handle({self, ++sequence_, {std::move(message)}});
        machine.check();
    }
    // Task `task` of layer 1, with inputs; a smaller priority is more urgent.
    void compute(TaskRef task, const std::vector<In>& inputs = {}, std::uint64_t priority = 0,
                 Nanoseconds expected = 0, bool wanted = false, bool alone = false) {
        ComputeTasks message;
        message.layers.push_back({1, "f", Bytes::copy_of("f"), {Bytes::copy_of("literal")}});
        message.tasks.push_back({task, 1, 0, priority, expected,
                                 static_cast<std::uint32_t>(inputs.size()), wanted, alone});
        for (const auto& input : inputs) {
            message.arguments.push_back({input.task.task, input.task.attempt, input.nbytes,
                                         static_cast<std::uint32_t>(input.holders.size())});
            message.holders.insert(message.holders.end(), input.holders.begin(),
                                   input.holders.end());
        }
        send(std::move(message));
    }
    void release(TaskRef task) { send(ReleaseTasks{{task}}); }
    void finish(TaskRef task, std::int64_t nbytes = 8) {
        machine.finished({task, nbytes, 1000, false, {}});
        machine.check();
    }
    void fetched(std::uint64_t number, const std::vector<Worker::Fetched>& items) {
        machine.fetched(number, items);
        machine.check();
    }

    // "finished 1; fetch 4 from 1; execute 2 3; drop 5", in the order in which it is to be done.
    std::string out() {
        std::string all;
        const auto add = [&](const std::string& what) { all += (all.empty() ? "" : "; ") + what; };
        const auto instructions = machine.take();
        machine.check();
        for (const auto& message : instructions.messages) add(text_of(message));
        for (const auto& fetch : instructions.fetches) {
            std::string what = "fetch";
            for (const auto task : fetch.tasks) what += fmt::format(" {}", task.task);
            add(fmt::format("{} from {}", what, fetch.address));
        }
        for (const auto& execute : instructions.executes) {
            std::string what = "execute";
            for (const auto& call : execute.calls) what += fmt::format(" {}", call.task.task);
            add(what);
        }
        for (const auto task : instructions.resumes) add(fmt::format("resume {}", task.task));
        for (const auto task : instructions.stops) add(fmt::format("stop {}", task.task));
        for (const auto task : instructions.drops) {
            add(fmt::format("drop {}.{}", task.task, task.attempt));
        }
        if (instructions.close) add("close");
        return all;
    }

    Worker machine;

  private:
    static std::string list(const char* what, const std::vector<TaskRef>& tasks) {
        std::string text = what;
        for (const auto task : tasks) text += fmt::format(" {}", task.task);
        return text;
    }

    static std::string text_of(const FromWorker& message) {
        if (const auto* finished = std::get_if<TasksFinished>(&message)) {
            std::string text = "finished";
            for (const auto& task : finished->tasks) text += fmt::format(" {}", task.task.task);
            return text;
        }
        if (const auto* erred = std::get_if<TaskErred>(&message)) {
            return fmt::format("erred {}: {}", erred->task.task, erred->failure.text);
        }
        if (const auto* added = std::get_if<KeysAdded>(&message))
            return list("added", added->tasks);
        if (const auto* missing = std::get_if<MissingData>(&message)) {
            auto text =
                fmt::format("missing {} of {}, tried", missing->input.task, missing->task.task);
            for (const auto holder : missing->tried) text += fmt::format(" {}", holder.worker);
            return text;
        }
        if (const auto* back = std::get_if<HandedBack>(&message)) {
            return list("handed back", back->tasks);
        }
        if (const auto* now = std::get_if<Executing>(&message))
            return list("executing", now->tasks);
        if (const auto* task = std::get_if<Seceded>(&message)) return list("seceded", {task->task});
        if (const auto* task = std::get_if<Rejoined>(&message)) {
            return list("rejoined", {task->task});
        }
        if (const auto* paused = std::get_if<Paused>(&message)) {
            return paused->is_paused ? "paused" : "goes on";
        }
        if (const auto* beat = std::get_if<Heartbeat>(&message)) {
            return fmt::format("heartbeat after {}: {} bytes", beat->received,
                               beat->metrics.managed_bytes);
        }
        const auto& inventory = std::get<Inventory>(message);
        return list("assigned", inventory.assigned) + list(", held", inventory.held);
    }

    std::uint64_t sequence_ = 0;
};

}  // namespace

TEST_CASE("worker: executes, keeps and drops") {
    Scene scene;
    scene.compute(ref(5));
    CHECK(scene.out() == "executing 5; execute 5");
    scene.finish(ref(5), 100);
    CHECK(scene.out() == "finished 5");
    CHECK(scene.machine.holds(ref(5)));
    CHECK(scene.machine.managed_bytes() == 100);
    scene.release(ref(5));
    CHECK(scene.out() == "drop 5.1");
    CHECK(scene.machine.managed_bytes() == 0);
    scene.release(ref(5));
    CHECK(scene.out() == "");
}

TEST_CASE("worker: says what a call needs to know") {
    Scene scene;
    scene.compute(ref(4));
    scene.finish(ref(4));
    (void)scene.out();
    scene.compute(ref(5, 3), {{{detail::literal_bit, 0}, {}}, {ref(4), {}}}, 0, 0, true);
    const auto out = scene.machine.take();
    REQUIRE(out.executes.size() == 1);
    const auto& call = out.executes[0].calls.at(0);
    CHECK(call.task == ref(5, 3));
    CHECK(call.layer->function.text() == "f");
    CHECK(call.layer->literals.at(0).text() == "literal");
    CHECK(call.arguments.at(0).reference == detail::literal_bit);
    CHECK(call.arguments.at(1).reference == 4);
    CHECK(call.wanted);
}

TEST_CASE("worker: has one task a thread, the most urgent first") {
    Scene scene({.threads = 2});
    ComputeTasks message;
    message.layers.push_back({1, "f", {}, {}});
    for (const std::uint32_t k : {4U, 2U, 3U, 1U}) message.tasks.push_back({ref(k), 1, 0, k, 0});
    scene.send(message);
    CHECK(scene.out() == "executing 1 2; execute 1; execute 2");
    scene.finish(ref(2));
    CHECK(scene.out() == "finished 2; executing 1 3; execute 3");
    scene.finish(ref(1));
    scene.finish(ref(3));
    CHECK(scene.out() == "finished 1 3; executing 4; execute 4");
}

TEST_CASE("worker: hands short calls to a thread together, a share for each thread") {
    Scene scene({.threads = 2});
    ComputeTasks message;
    message.layers.push_back({1, "f", {}, {}});
    for (std::uint32_t k = 1; k <= 5; ++k) message.tasks.push_back({ref(k), 1, 0, k, 1'000});
    message.tasks.push_back({ref(6), 1, 0, 6, 0});
    scene.send(message);
    CHECK(scene.out() == "executing 1 2 3 4 5; execute 1 2 3 4; execute 5");
    scene.finish(ref(5));
    CHECK(scene.out() == "finished 5; executing 1 2 3 4 6; execute 6");
    for (std::uint32_t k = 1; k <= 4; ++k) scene.finish(ref(k));
    CHECK(scene.out() == "finished 1 2 3 4; executing 6");
}

TEST_CASE("worker: fetches what it lacks, together, and tells that it has it") {
    Scene scene;
    scene.compute(ref(5), {{ref(1), {v}}, {ref(2), {v}}, {ref(1), {v}}});
    CHECK(scene.out() == "fetch 1 2 from at-v");
    scene.compute(ref(6), {{ref(1), {v}}, {ref(3), {w}}});
    CHECK(scene.out() == "fetch 3 from at-w");
    scene.fetched(1, {{ref(1), true, 10}, {ref(2), true, 20}});
    CHECK(scene.out() == "added 1 2; executing 5; execute 5");
    scene.fetched(2, {{ref(3), true, 30}});
    CHECK(scene.out() == "added 3");
    CHECK(scene.machine.managed_bytes() == 60);
}

TEST_CASE("worker: fetches no more at once than it was told to") {
    Scene scene({.threads = 1, .fetches_max = 1, .fetch_bytes_max = 100});
    scene.compute(ref(5), {{ref(1), {v}, 60}, {ref(2), {v}, 60}, {ref(3), {w}, 1000}});
    CHECK(scene.out() == "fetch 1 from at-v");
    scene.fetched(1, {{ref(1), true, 60}});
    CHECK(scene.out() == "added 1; fetch 2 from at-v");
    scene.fetched(2, {{ref(2), true, 60}});
    CHECK(scene.out() == "added 2; fetch 3 from at-w");
}

TEST_CASE("worker: asks another when the first cannot give, then hands the task back") {
    Scene scene;
    scene.compute(ref(5), {{ref(1), {v, w}}});
    CHECK(scene.out() == "fetch 1 from at-v");
    scene.fetched(1, {{ref(1), false, 0}});
    CHECK(scene.out() == "fetch 1 from at-w");
    scene.machine.fetch_failed(2);
    CHECK(scene.out() == "missing 1 of 5, tried 1 2");
    scene.send(InventoryRequest{});
    CHECK(scene.out() == "assigned, held");
}

TEST_CASE("worker: one input cannot be had while others are fetched") {
    Scene scene;
    scene.compute(ref(5), {{ref(1), {}}, {ref(2), {v}}, {ref(3), {w}}});
    CHECK(scene.out() == "missing 1 of 5, tried");
    scene.compute(ref(6), {{ref(2), {v}}, {ref(1), {{9, 9}}}});
    CHECK(scene.out() == "missing 1 of 6, tried 9");
}

TEST_CASE("worker: a peer is lost while it is asked") {
    Scene scene;
    scene.compute(ref(5), {{ref(1), {v, w}}, {ref(2), {v}}});
    (void)scene.out();
    scene.send(PeersChanged{{}, {v}});
    CHECK(scene.out() == "missing 2 of 5, tried 1");
    // What comes too late is dropped.
    scene.fetched(1, {{ref(1), true, 10}, {ref(2), true, 10}});
    CHECK(scene.out() == "drop 1.1; drop 2.1");
}

TEST_CASE("worker: a peer that comes back is another one") {
    Scene scene;
    scene.compute(ref(5), {{ref(1), {v}}});
    (void)scene.out();
    scene.send(PeersChanged{{{{1, 9}, "v", "at-v2"}}, {v}});
    CHECK(scene.out() == "missing 1 of 5, tried 1");
    scene.compute(ref(6), {{ref(1), {{1, 9}}}});
    CHECK(scene.out() == "fetch 1 from at-v2");
}

TEST_CASE("worker: leaves out what was released before it began") {
    Scene scene;
    scene.compute(ref(1));
    scene.compute(ref(2));
    scene.compute(ref(3), {{ref(9), {v}}});
    CHECK(scene.out() == "executing 1; fetch 9 from at-v; execute 1");
    scene.release(ref(2));
    scene.release(ref(3));
    CHECK(scene.out() == "");
    scene.finish(ref(1));
    CHECK(scene.out() == "finished 1");
    scene.fetched(1, {{ref(9), true, 8}});
    CHECK(scene.out() == "drop 9.1");
}

TEST_CASE("worker: drops what is released while it is executed, and says nothing") {
    Scene scene;
    scene.compute(ref(1));
    (void)scene.out();
    scene.release(ref(1));
    CHECK(scene.out() == "stop 1");
    scene.finish(ref(1));
    CHECK(scene.out() == "drop 1.1");
    scene.compute(ref(1, 2));
    CHECK(scene.out() == "executing 1; execute 1");
    scene.release(ref(1, 2));
    scene.machine.erred(ref(1, 2), {.text = "bad"});
    CHECK(scene.out() == "stop 1");
}

TEST_CASE("worker: keeps what is released as long as a task here needs it") {
    Scene scene;
    scene.compute(ref(1));
    (void)scene.out();
    scene.finish(ref(1));
    scene.compute(ref(2), {{ref(1), {}}});
    CHECK(scene.out() == "finished 1; executing 2; execute 2");
    scene.release(ref(1));
    CHECK(scene.out() == "");
    scene.finish(ref(2));
    CHECK(scene.out() == "finished 2; drop 1.1");
}

TEST_CASE("worker: two attempts of a task are two things") {
    Scene scene({.threads = 2});
    scene.compute(ref(1, 1));
    scene.release(ref(1, 1));
    scene.compute(ref(1, 2));
    CHECK(scene.out() == "executing 1; execute 1; execute 1; stop 1");
    scene.finish(ref(1, 1));
    CHECK(scene.out() == "executing 1; drop 1.1");
    scene.finish(ref(1, 2));
    CHECK(scene.machine.holds(ref(1, 2)));
    CHECK(!scene.machine.holds(ref(1, 1)));
}

TEST_CASE("worker: reports what a call threw") {
    Scene scene;
    scene.compute(ref(2), {{ref(1), {v}}});
    scene.fetched(1, {{ref(1), true, 8}});
    (void)scene.out();
    scene.machine.erred(ref(2), {.text = "bad"});
    scene.machine.check();
    CHECK(scene.out() == "erred 2: bad");
    scene.machine.erred(ref(2), {.text = "bad"});
    CHECK(scene.out() == "");
}

TEST_CASE("worker: a task that waits gives its thread up, and what was to follow it as well") {
    Scene scene;
    ComputeTasks message;
    message.layers.push_back({1, "f", {}, {}});
    for (std::uint32_t k = 1; k <= 3; ++k) message.tasks.push_back({ref(k), 1, 0, k, 1'000});
    scene.send(message);
    CHECK(scene.out() == "executing 1 2 3; execute 1 2 3");
    const std::vector<TaskRef> not_begun{ref(3)};
    scene.machine.seceded(ref(2), not_begun);
    scene.machine.check();
    CHECK(scene.out() == "seceded 2; executing 3; execute 3");
    scene.finish(ref(1));
    CHECK(scene.out() == "finished 1; executing 3");
    scene.machine.rejoin(ref(2));
    scene.machine.check();
    CHECK(scene.out() == "");  // the thread is taken
    scene.finish(ref(3));
    CHECK(scene.out() == "finished 3; rejoined 2; executing 2; resume 2");
    scene.finish(ref(2));
    CHECK(scene.out() == "finished 2");
}

TEST_CASE("worker: a task that was released while it waits gets its thread back all the same") {
    Scene scene;
    scene.compute(ref(1));
    scene.machine.seceded(ref(1), {});
    scene.release(ref(1));
    (void)scene.out();
    scene.machine.rejoin(ref(1));
    CHECK(scene.out() == "resume 1");
    scene.finish(ref(1));
    CHECK(scene.out() == "drop 1.1");
}

TEST_CASE("worker: copies what it is told to, and keeps it though no task needs it") {
    Scene scene;
    scene.send(Replicate{{ref(1), ref(2)}, {10, 20}, v});
    CHECK(scene.out() == "fetch 1 2 from at-v");
    scene.fetched(1, {{ref(1), true, 10}, {ref(2), false, 0}});
    CHECK(scene.out() == "added 1");
    scene.send(Replicate{{ref(1)}, {10}, w});
    CHECK(scene.out() == "");
    scene.release(ref(1));
    CHECK(scene.out() == "drop 1.1");
}

TEST_CASE("worker: an answer that leaves something out counts as not having it") {
    Scene scene;
    scene.compute(ref(5), {{ref(1), {v}}});
    (void)scene.out();
    scene.fetched(1, {});
    CHECK(scene.out() == "missing 1 of 5, tried 1");
}

TEST_CASE("worker: obeys only what is meant for this life of it") {
    Scene scene;
    scene.machine.handle({{0, 77}, 1, {ReleaseTasks{}, CloseWorker{"?"}}});
    CHECK(scene.out() == "");
    scene.send(CloseWorker{"it was retired"});
    CHECK(scene.out() == "close");
}

TEST_CASE("worker: does not compute what it was told of without the layer, or twice") {
    Scene scene;
    ComputeTasks message;
    message.tasks.push_back({ref(1), 9, 0, 0, 0, 1});
    message.arguments.push_back({2, 1, 8, 1});
    message.holders.push_back(v);
    scene.send(message);
    CHECK(scene.out() == "");
    scene.compute(ref(1));
    scene.compute(ref(1));
    CHECK(scene.out() == "executing 1; execute 1");
    scene.send(ForgetLayers{{1, 500}});
    scene.finish(ref(1));
    CHECK(scene.out() == "finished 1");
}

TEST_CASE("worker: refuses lists that are not complete") {
    Scene scene;
    ComputeTasks message;
    message.tasks.push_back({ref(1), 1, 0, 0, 0, 3});
    CHECK_THROWS_WITH_AS(scene.machine.handle({self, 9, {message}}),
                         doctest::Contains("lists of arguments are not complete"), Error);
}

TEST_CASE("worker: says what it believes") {
    Scene scene;
    scene.compute(ref(1));
    scene.finish(ref(1), 100);
    scene.compute(ref(2));
    (void)scene.out();
    scene.machine.heartbeat(0);
    const auto out = scene.machine.take();
    const auto& heartbeat = std::get<Heartbeat>(out.messages.at(0));
    CHECK(heartbeat.received == 4);
    CHECK(heartbeat.assigned == digest_of(ref(2)));
    CHECK(heartbeat.held == digest_of(ref(1)));
    CHECK(heartbeat.metrics.managed_bytes == 100);
    CHECK(heartbeat.metrics.executing == 1);
    scene.send(InventoryRequest{});
    CHECK(scene.out() == "assigned 2, held 1");
}

TEST_CASE("worker: an inventory counts what came along with the request") {
    Scene scene;
    ComputeTasks message;
    message.layers.push_back({1, "f", Bytes::copy_of("f"), {}});
    message.tasks.push_back({ref(1), 1, 0, 0, 0, 0, false});
    scene.machine.handle({self, 3, {InventoryRequest{}, message}});
    CHECK(scene.out() == "assigned 1, held; executing 1; execute 1");
}

TEST_CASE("worker: finds entries after many came and went") {
    worker::RefIndex index;
    for (std::uint32_t k = 0; k < 5000; ++k) {
        index.insert(ref(k), k);
        if (k % 3 != 0) index.erase(ref(k));
        if (k >= 300 && k % 3 == 0) index.erase(ref(k - 300));
    }
    for (std::uint32_t k = 0; k < 5000; ++k) {
        const bool there = k % 3 == 0 && k >= 4700;
        CHECK(index.find(ref(k)) == (there ? k : none));
    }
    CHECK(index.find(ref(1, 2)) == none);
}

TEST_CASE("worker: keeps what a client puts into it, until the scheduler does not want it") {
    Scene scene;
    CHECK(scene.machine.put(ref(7), 100));
    scene.machine.check();
    CHECK(scene.out() == "finished 7");
    CHECK(scene.machine.managed_bytes() == 100);
    CHECK(!scene.machine.put(ref(7), 100));
    scene.compute(ref(8), {{ref(7), {self}}});
    CHECK(scene.out() == "executing 8; execute 8");
    scene.release(ref(7));
    CHECK(scene.out().empty());
    scene.finish(ref(8));
    CHECK(scene.out() == "finished 8; drop 7.1");
}

TEST_CASE("worker: takes nothing from clients before the scheduler knows it") {
    Worker machine;
    CHECK(!machine.put(ref(1), 8));
}

TEST_CASE("worker: begins nothing while it is paused, and goes on with what it does") {
    Scene scene({.threads = 2});
    scene.compute(ref(1));
    CHECK(scene.out() == "executing 1; execute 1");
    scene.machine.pause(true);
    scene.machine.pause(true);
    scene.compute(ref(2));
    CHECK(scene.out() == "paused");
    scene.finish(ref(1));
    CHECK(scene.out() == "finished 1");
    scene.machine.pause(false);
    CHECK(scene.out() == "goes on; executing 2; execute 2");
}

TEST_CASE("worker: goes on with what follows a task that it computes") {
    Scene scene;
    scene.compute(ref(1));
    CHECK(scene.out() == "executing 1; execute 1");
    scene.compute(ref(2), {{ref(1), {}}});
    scene.compute(ref(3), {{ref(2), {}}});
    CHECK(scene.out().empty());
    scene.finish(ref(1));
    CHECK(scene.out() == "finished 1; executing 2; execute 2");
    scene.finish(ref(2));
    scene.release(ref(1));
    CHECK(scene.out() == "finished 2; executing 3; execute 3; drop 1.1");
}

TEST_CASE("worker: gives up what follows a task that gives nothing") {
    Scene scene;
    const auto follow = [&] {
        scene.compute(ref(1));
        scene.compute(ref(2), {{ref(1), {}}});
        scene.compute(ref(3), {{ref(2), {}}});
        (void)scene.out();
    };
    follow();
    scene.machine.erred(ref(1), {.text = "no"});
    scene.machine.check();
    CHECK(scene.out() == "erred 1: no");
    scene.machine.heartbeat(0);
    scene.send(InventoryRequest{});
    CHECK(scene.out().ends_with("assigned, held"));

    // What comes when that has failed already is given back.
    scene.compute(ref(2, 2), {{ref(1), {}}});
    CHECK(scene.out() == "missing 1 of 2, tried");

    // One that is waited for, of a task that has not begun, goes with all that follow it.
    scene.compute(ref(9));
    follow();
    scene.release(ref(1));
    CHECK(scene.out().empty());
    scene.send(InventoryRequest{});
    CHECK(scene.out() == "assigned 9, held");
}

TEST_CASE("worker: hands what follows a short task to its thread, right behind it") {
    Scene scene;
    scene.compute(ref(9));
    scene.compute(ref(1), {}, 1, 1'000);
    scene.compute(ref(2), {}, 2, 1'000);
    scene.compute(ref(3), {{ref(1), {}}, {ref(1), {}}}, 3, 1'000);
    scene.compute(ref(4), {{ref(3), {}}}, 4, 150'000);
    scene.compute(ref(5), {{ref(4), {}}}, 5, 100'000);  // would be too long with the others
    scene.compute(ref(6), {{ref(2), {}}}, 6, 0);        // may take long
    (void)scene.out();
    scene.finish(ref(9));
    const auto instructions = scene.machine.take();
    REQUIRE(instructions.executes.size() == 1);
    std::string calls;
    for (const auto& call : instructions.executes.front().calls) {
        calls += fmt::format("{}{} ", call.follows ? "<" : "", call.task.task);
    }
    CHECK(calls == "1 <3 <4 2 ");
    for (const TaskId task : {1U, 3U, 4U}) scene.finish(ref(task));
    CHECK(scene.out() == "finished 1 3 4; executing 2");
    scene.finish(ref(2));
    CHECK(scene.out() == "finished 2; executing 5; execute 5");
    scene.finish(ref(5));
    CHECK(scene.out() == "finished 5; executing 6; execute 6");
}

TEST_CASE("worker: hands no more than 256 calls to a thread, however short they are") {
    for (const bool follow : {false, true}) {
        CAPTURE(follow);
        Scene scene;
        scene.compute(ref(1000));
        for (TaskId k = 0; k < 300; ++k) {
            const bool is_alone = !follow || k == 0;
            scene.compute(ref(k), is_alone ? std::vector<In>() : std::vector<In>{{ref(k - 1), {}}},
                          k, 1);
        }
        (void)scene.out();
        scene.finish(ref(1000));
        const auto instructions = scene.machine.take();
        REQUIRE(instructions.executes.size() == 1);
        CHECK(instructions.executes.front().calls.size() == 256);
    }
}

TEST_CASE("worker: goes on with what follows only one that misses nothing else") {
    Scene scene({.threads = 1, .fetches_max = 1});
    scene.compute(ref(9));
    scene.compute(ref(1), {}, 1, 1'000);
    scene.compute(ref(2), {{ref(1), {}}, {ref(7), {v}}}, 2, 1'000);
    CHECK(scene.out() == "executing 9; fetch 7 from at-v; execute 9");
    scene.finish(ref(9));
    CHECK(scene.out() == "finished 9; executing 1; execute 1");
}

TEST_CASE("worker: what was to follow at once is given up, or waits again") {
    Scene scene;
    const auto begin = [&](std::uint32_t attempt) {
        scene.compute(ref(1, attempt), {}, 1, 1'000);
        scene.compute(ref(2, attempt), {{ref(1, attempt), {}}}, 2, 1'000);
        scene.compute(ref(3, attempt), {{ref(2, attempt), {}}}, 3, 1'000);
        (void)scene.out();
        scene.machine.pause(false);
        CHECK(scene.out() == "goes on; executing 1 2 3; execute 1 2 3");
        scene.machine.pause(true);
        (void)scene.out();
    };
    const auto err = [&](TaskRef task) {
        scene.machine.erred(task, {.text = "no"});
        scene.machine.check();
    };
    scene.machine.pause(true);
    begin(1);
    err(ref(1));
    CHECK(scene.out() == "erred 1: no; stop 2; stop 3");
    err(ref(2));
    err(ref(3));
    CHECK(scene.out().empty());

    // One is released, and with it what follows.
    begin(2);
    scene.release(ref(3, 2));
    scene.release(ref(2, 2));
    CHECK(scene.out() == "stop 3; stop 2");
    scene.finish(ref(1, 2));
    err(ref(2, 2));
    err(ref(3, 2));
    CHECK(scene.out() == "finished 1");

    // The first waits for the cluster: the others do not begin before it ends.
    begin(3);
    scene.machine.seceded(ref(1, 3), std::vector<TaskRef>{ref(2, 3), ref(3, 3)});
    scene.machine.check();
    CHECK(scene.out() == "seceded 1");
    scene.machine.rejoin(ref(1, 3));
    scene.machine.check();
    CHECK(scene.out() == "rejoined 1; executing 1; resume 1");
    scene.machine.pause(false);
    scene.finish(ref(1, 3));
    CHECK(scene.out() == "goes on; finished 1; executing 2 3; execute 2 3");
    scene.release(ref(1, 2));
    scene.send(InventoryRequest{});
    CHECK(scene.out() == "assigned 2 3, held 1; drop 1.2");
}

TEST_CASE("worker: what a thread does not get to is for the others") {
    Scene scene({.threads = 2});
    scene.compute(ref(8));
    scene.compute(ref(9));
    for (const TaskId k : {1U, 2U, 3U}) scene.compute(ref(k), {}, k, 1'000);
    scene.compute(ref(4), {{ref(1), {}}}, 4, 1'000);
    (void)scene.out();
    scene.finish(ref(8));
    CHECK(scene.out() == "finished 8; executing 1 4 2 3 9; execute 1 4 2 3");
    scene.finish(ref(9));
    CHECK(scene.out() == "finished 9; executing 1 4 2 3");
    scene.release(ref(3));
    scene.machine.not_begun(std::vector{ref(4), ref(2), ref(3)});
    scene.machine.check();
    CHECK(scene.out() == "executing 1 2; execute 2; stop 3");
    // It has ended before that was heard, and another is none of its calls.
    scene.machine.not_begun(std::vector{ref(9), ref(7)});
    scene.finish(ref(1));
    CHECK(scene.out() == "finished 1; executing 4 2; execute 4");
    scene.finish(ref(2));
    scene.finish(ref(4));
    CHECK(scene.out() == "finished 2 4");
}

TEST_CASE("worker: hands back what it has not begun, and says which that is") {
    Scene scene;
    scene.compute(ref(1));
    scene.compute(ref(2));
    scene.compute(ref(3), {{ref(7), {v}}});
    scene.compute(ref(4), {{ref(2), {}}});
    (void)scene.out();
    scene.send(HandBack{{ref(1), ref(2), ref(3), ref(5)}});
    CHECK(scene.out() == "handed back 2 3");
    scene.send(InventoryRequest{});
    CHECK(scene.out() == "assigned 1, held");
    scene.send(HandBack{{ref(1), ref(2)}});
    CHECK(scene.out().empty());
}

TEST_CASE("worker: what shall be alone waits for the others to end, and they for it") {
    Scene scene({.threads = 3});
    scene.compute(ref(1));
    scene.compute(ref(2));
    (void)scene.out();
    scene.compute(ref(3), {}, 1, 0, false, true);
    scene.compute(ref(4), {}, 2);
    CHECK(scene.out().empty());
    scene.finish(ref(1));
    CHECK(scene.out() == "finished 1; executing 2");
    scene.finish(ref(2));
    CHECK(scene.out() == "finished 2; executing 3; execute 3");
    // While it waits for the cluster it needs no thread, and is alone again afterwards.
    scene.machine.seceded(ref(3), {});
    CHECK(scene.out() == "seceded 3; executing 4; execute 4");
    scene.compute(ref(5));
    CHECK(scene.out() == "executing 5 4; execute 5");
    scene.machine.rejoin(ref(3));
    scene.compute(ref(6));
    scene.finish(ref(4));
    CHECK(scene.out() == "finished 4; executing 5");
    scene.finish(ref(5));
    CHECK(scene.out() == "finished 5; rejoined 3; executing 3; resume 3");
    scene.finish(ref(3));
    CHECK(scene.out() == "finished 3; executing 6; execute 6");
}

TEST_CASE("worker: what was released and goes on all the same is no company") {
    Scene scene({.threads = 2});
    scene.compute(ref(1));
    (void)scene.out();
    scene.compute(ref(2), {}, 1, 0, false, true);
    scene.compute(ref(3), {}, 2);
    CHECK(scene.out().empty());
    scene.release(ref(1));
    CHECK(scene.out() == "executing 2; execute 2; stop 1");
    scene.compute(ref(4), {}, 3);
    CHECK(scene.out().empty());
    scene.release(ref(2));
    scene.compute(ref(5), {}, 4);
    CHECK(scene.out() == "stop 2");
    // The threads have not come back, but what comes to one of them begins.
    scene.finish(ref(1));
    CHECK(scene.out() == "executing 3; execute 3; drop 1.1");
}
