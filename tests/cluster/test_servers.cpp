// Tests of the servers inside one process: what machines decide, computed by real workers.
#include <satchel/archive.hpp>
#include <satchel/error.hpp>
#include <satchel/this_task.hpp>

#include "cluster/codec.hpp"
#include "cluster/scheduler_server.hpp"
#include "cluster/test_client.hpp"
#include "cluster/worker_server.hpp"
#include "graph/task_context.hpp"
#include "net/support.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel;
using namespace satchel_tests;

namespace {

// A scheduler and workers on the same or on loops of their own.
struct Servers {
    explicit Servers(int count, const std::string& where = "inproc://", std::int64_t threads = 2)
        : place(where), threads_each(threads) {
        scheduler.emplace(loop, cluster::SchedulerServerOptions{.credentials = credentials,
                                                                .listen = {address("scheduler")},
                                                                .unread_max = 1 << 20});
        for (int k = 0; k < count; ++k) add_worker(fmt::format("w{}", k));
    }

    [[nodiscard]] net::Address address(const std::string& name) const {
        static std::atomic<int> number = 0;
        if (place.starts_with("tcp")) return net::Address::parse(place);
        return net::Address::parse(fmt::format("{}{}-{}", place, name, ++number));
    }

    // With a limit, it looks at the memory of this process, once: it may go on when it looks again.
    void add_worker(const std::string& name, std::int64_t memory_limit = 0) {
        workers.push_back(std::make_unique<cluster::WorkerServer>(
            worker_loop, cluster::WorkerServerOptions{.scheduler = scheduler->addresses().front(),
                                                      .credentials = credentials,
                                                      .name = name,
                                                      .threads = threads_each,
                                                      .memory_limit = memory_limit,
                                                      .memory_interval = std::chrono::hours(1),
                                                      .is_whole_process = memory_limit > 0,
                                                      .listen = address(name)}));
    }

    [[nodiscard]] TestClient client() const {
        return {scheduler->addresses().front(), credentials};
    }

    std::string place;
    std::int64_t threads_each;
    net::Credentials credentials = net::Credentials::generate();
    net::EventLoop loop, worker_loop;
    std::optional<cluster::SchedulerServer> scheduler;
    std::vector<std::unique_ptr<cluster::WorkerServer>> workers;
};

Function index_function() {
    return Function([](Arguments& in) { return Value::of(std::int64_t{in.index()}); });
}

Function sum_function() {
    return Function([](Arguments& in) {
        std::int64_t sum = 0;
        for (std::uint32_t k = 0; k < in.size(); ++k) sum += in.get<std::int64_t>(k);
        return Value::of(sum);
    });
}

}  // namespace

TEST_CASE("a graph of layers and literals runs on workers") {
    for (const auto* where : {"inproc://", "tcp://127.0.0.1:0"}) {
        CAPTURE(where);
        const Servers servers(3, where);
        auto client = servers.client();
        auto numbers = layer_of(index_function(), "numbers", 1000);
        auto pairs =
            layer_of(sum_function(), "pairs", 500, {Input::block(0, 1000, 2), Input::literal(0)},
                     {Value::of(std::int64_t{1})});
        auto total = layer_of(sum_function(), "total", 1, {Input::all(1000, 500)});
        const auto token = total.token;
        client.update({{}, {numbers, pairs, total}, {{token, 0, 1}}});
        CHECK(client.get<std::int64_t>(token) == 999 * 500 + 500);
    }
}

TEST_CASE("large results go from worker to worker and to the client") {
    const Servers servers(4, "tcp://127.0.0.1:0");
    auto client = servers.client();
    auto blocks = layer_of(Function([](Arguments& in) {
                               return Value::of(std::string(std::size_t{20} << 20,
                                                            static_cast<char>('a' + in.index())));
                           }),
                           "blocks", 4);
    auto joined = layer_of(Function([](Arguments& in) {
                               std::string all;
                               for (std::uint32_t k = 0; k < in.size(); ++k) {
                                   all += in.get<std::string>(k);
                               }
                               return Value::of(std::move(all));
                           }),
                           "joined", 1, {Input::all(0, 4)});
    const auto token = joined.token;
    client.update({{}, {blocks, joined}, {{token, 0, 1}}});
    const auto all = client.get<std::string>(token);
    REQUIRE(all.size() == std::size_t{80} << 20);
    CHECK(all.front() == 'a');
    CHECK(all.back() == 'd');
}

namespace {

struct OwnError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

Value fail(const Arguments& in) {
    switch (in.index()) {
        case 0:
            throw std::out_of_range("no such place");
        case 1:
            throw FileError("cannot open it", ENOENT);
        case 2:
            throw std::system_error(EACCES, std::generic_category(), "reading");
        case 3:
            throw std::bad_alloc();
        case 4:
            throw OwnError("of its own");
        case 5:
            throw std::filesystem::filesystem_error("cannot copy", "/from", "/to",
                                                    std::make_error_code(std::errc::file_exists));
        case 6:
            return Value::of(std::filesystem::file_size("/nothing/here"));
        case 8:
            throw std::ios_base::failure("reading a number");
        case 9:
            throw TaskError("of another task", {"Type", "text", "task", "worker"});
        case 10:
            throw KilledWorker("by hand");
        default:
            throw 7;
    }
}

}  // namespace

TEST_CASE("exceptions come back as themselves where their type is known") {
    const Servers servers(2);
    auto client = servers.client();
    auto failing = layer_of(Function(&fail), "failing", 11);
    const auto token = failing.token;
    client.update({{}, {failing}, {{token, 0, 11}}});
    CHECK_THROWS_WITH_AS(client.result({token, 0}), "no such place", std::out_of_range);
    try {
        client.result({token, 1});
        FAIL("no exception");
    } catch (const FileError& error) {
        CHECK(error.code() == ENOENT);
        CHECK(std::string(error.what()) == "cannot open it");
    }
    try {
        client.result({token, 2});
        FAIL("no exception");
    } catch (const std::system_error& error) {
        CHECK(error.code() == std::errc::permission_denied);
        CHECK(std::string(error.what()) == "reading: Permission denied");
    }
    CHECK_THROWS_AS(client.result({token, 3}), std::bad_alloc);
    try {
        client.result({token, 5});
        FAIL("no exception");
    } catch (const std::filesystem::filesystem_error& error) {
        CHECK(error.code() == std::errc::file_exists);
        CHECK(error.path1() == "/from");
        CHECK(error.path2() == "/to");
        CHECK(std::string(error.what()) ==
              "filesystem error: cannot copy: File exists [/from] [/to]");
    }
    try {
        client.result({token, 4});
        FAIL("no exception");
    } catch (const TaskError& error) {
        CHECK(error.details().type == "(anonymous namespace)::OwnError");
        CHECK(error.details().text == "of its own");
        CHECK(error.details().worker.starts_with("w"));
    }
    CHECK_THROWS_WITH_AS(client.result({token, 6}),
                         "filesystem error: cannot get file size: No such file or directory "
                         "[/nothing/here]",
                         std::filesystem::filesystem_error);
    CHECK_THROWS_AS(client.result({token, 7}), TaskError);
    CHECK_THROWS_WITH_AS(client.result({token, 8}), "reading a number: iostream error",
                         std::ios_base::failure);
    try {
        client.result({token, 9});
        FAIL("no exception");
    } catch (const TaskError& error) {
        CHECK(std::string(error.what()) == "of another task");
        CHECK(error.details().type == "Type");
        CHECK(error.details().worker == "worker");
    }
    CHECK_THROWS_WITH_AS(client.result({token, 10}), "by hand", KilledWorker);
}

namespace {

struct Unsendable {
    std::shared_ptr<int> pointer;
};

}  // namespace

TEST_CASE("a result that does not travel is an error that says so") {
    const Servers servers(1);
    auto client = servers.client();
    auto layer = layer_of(Function([](Arguments&) { return Value::of(Unsendable{}); }), "bad", 1);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, 1}}});
    CHECK_THROWS_AS(client.result({token, 0}), TravelError);
}

TEST_CASE("a function that the worker cannot read is refused") {
    const Servers servers(1);
    auto client = servers.client();
    auto layer = layer_of(index_function(), "damaged", 1);
    layer.function = Bytes::copy_of("\x01nonsense");
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, 1}}});
    CHECK_THROWS_AS(client.result({token, 0}), ArchiveError);
}

TEST_CASE("a worker that goes loses nothing") {
    Servers servers(2);
    auto client = servers.client();
    auto numbers = layer_of(index_function(), "numbers", 200);
    const auto token = numbers.token;
    client.update({{}, {numbers}, {{token, 0, 200}}});
    for (std::uint64_t k = 0; k < 200; ++k) client.result({token, k});
    servers.workers.erase(servers.workers.begin());
    client.wait_for_exactly(1);
    auto total = layer_of(sum_function(), "total", 1, {Input::all(0, 200)});
    const auto sum = total.token;
    client.update({{{token, 0, 200}}, {total}, {{sum, 0, 1}}});
    CHECK(client.get<std::int64_t>(sum) == 199 * 100);
}

namespace {

// Tasks that wait for each other, as if each had asked the cluster for the next one.
std::atomic<int> waiting_tasks = 0;

}  // namespace

TEST_CASE("tasks that wait for others leave their thread") {
    const Servers servers(1, "inproc://", 1);
    auto client = servers.client();
    waiting_tasks = 0;
    constexpr int count = 5;
    auto layer = layer_of(Function([](Arguments& in) {
                              ++waiting_tasks;
                              waiting_tasks.notify_all();
                              {
                                  const detail::WaitInTask wait;
                                  for (int now = waiting_tasks; now < count; now = waiting_tasks) {
                                      waiting_tasks.wait(now);
                                  }
                              }
                              return Value::of(std::int64_t{in.index()});
                          }),
                          "waits", count);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, count}}});
    for (std::uint64_t k = 0; k < count; ++k) {
        CHECK(client.get<std::int64_t>(token, k) == static_cast<std::int64_t>(k));
    }
}

TEST_CASE("no thread waits while short calls are kept behind a long one") {
    for (const int workers : {1, 2}) {
        CAPTURE(workers);
        const Servers servers(workers, "inproc://", 2 / workers);
        auto client = servers.client();
        // All calls of a name are taken for as short as these.
        auto known = layer_of(index_function(), "call", 1000);
        client.update({{}, {known}, {{known.token, 0, known.count}}});
        for (std::uint64_t k = 0; k < known.count; ++k) {
            (void)client.get<std::int64_t>(known.token, k);
        }
        static std::atomic<int> left;
        left = 39;
        auto layer = layer_of(Function([](Arguments& in) {
                                  if (in.index() > 0) {
                                      if (--left == 0) left.notify_all();
                                      return Value::of(std::int64_t{in.index()});
                                  }
                                  for (int now = left; now > 0; now = left) left.wait(now);
                                  return Value::of(std::int64_t{0});
                              }),
                              "call", 40);
        client.update({{}, {layer}, {{layer.token, 0, layer.count}}});
        for (std::uint64_t k = 0; k < layer.count; ++k) {
            CHECK(client.get<std::int64_t>(layer.token, k) == static_cast<std::int64_t>(k));
        }
    }
}

TEST_CASE("what is released while it runs is asked to stop") {
    const Servers servers(1, "inproc://", 1);
    auto client = servers.client();
    static std::atomic<bool> begun;
    begun = false;
    auto layer = layer_of(Function([](Arguments&) {
                              begun = true;
                              begun.notify_all();
                              while (!this_task::stop_requested()) std::this_thread::yield();
                              return Value::of(1);
                          }),
                          "endless", 1);
    auto next = layer_of(index_function(), "next", 1);
    const auto token = layer.token;
    const auto after = next.token;
    client.update({{}, {layer}, {{token, 0, 1}}});
    begun.wait(false);
    client.release({token, 0, 1});
    client.update({{}, {next}, {{after, 0, 1}}});
    CHECK(client.get<std::int64_t>(after) == 0);
}

TEST_CASE("a task has an executor") {
    const Servers servers(1);
    auto client = servers.client();
    auto layer = layer_of(Function([](Arguments&) {
                              Graph graph;
                              const auto task = graph.add(
                                  Function([](Arguments&) { return Value::of(std::int64_t{5}); }));
                              return this_task::executor().run(graph, {task}).front();
                          }),
                          "nested", 1);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, 1}}});
    CHECK(client.get<std::int64_t>(token) == 5);
}

TEST_CASE("what the server tells of itself") {
    const Servers servers(2);
    auto client = servers.client();
    client.wait_for_workers(2);
    auto layer = layer_of(index_function(), "numbers", 3);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, 3}}});
    for (std::uint64_t k = 0; k < 3; ++k) client.result({token, k});
    const auto info = client.info();
    REQUIRE(info.workers.size() == 2);
    CHECK(info.workers.front().threads == 2);
    CHECK(info.clients == 1);
    CHECK(info.address == servers.scheduler->addresses().front().text());
    for (const auto& [state, count] : info.tasks) CHECK(count == (state == "memory" ? 3 : 0));
}

TEST_CASE("a peer that cannot be understood is disconnected, and nobody else") {
    const Servers servers(1, "tcp://127.0.0.1:0");
    auto client = servers.client();
    client.wait_for_workers(1);
    for (const auto role :
         {net::Role::client, net::Role::worker, net::Role::nanny, net::Role::scheduler}) {
        net::EventLoop loop;
        std::promise<std::string> ended;
        auto connection =
            net::connect(loop, servers.scheduler->addresses().front(),
                         {.identity = {.role = role, .credentials = servers.credentials}});
        connection.start({.closed = [&](const net::Closed& why) { ended.set_value(why.text); }});
        loop.call([&] { connection.send(Bytes::copy_of("\xff\xff\xff\xff nonsense")); });
        CHECK(!ended.get_future().get().empty());
    }
    CHECK(client.info().workers.size() == 1);
}

TEST_CASE("a client that reads nothing is disconnected when too much is kept for it") {
    QuietLog quiet;
    const Servers servers(1, "tcp://127.0.0.1:0");
    auto client = servers.client();
    net::EventLoop loop;
    auto deaf =
        net::connect(loop, servers.scheduler->addresses().front(),
                     {.identity = {.role = net::Role::client, .credentials = servers.credentials}});
    while (client.info().clients < 2) std::this_thread::yield();
    // More than the system takes off the scheduler's hands.
    auto layer = layer_of(Function([](Arguments&) { return Value::of(std::string(4000, 'x')); }),
                          "texts", 8000);
    const auto token = layer.token;
    UpdateGraph graph{{}, {std::move(layer)}, {{token, 0, 8000}}};
    loop.call(
        [&] { cluster::send(deaf, ClientToServer(std::vector{FromClient(std::move(graph))})); });
    while (client.info().clients > 1) std::this_thread::yield();
    CHECK(quiet.text().find("of messages unread, and is disconnected") != std::string::npos);
    loop.call([&] { deaf = {}; });
}

TEST_CASE("a worker without memory begins nothing, until others come") {
    const QuietLog quiet;
    Servers servers(0);
    servers.add_worker("full", 1);
    auto client = servers.client();
    client.wait_for_workers(1);
    auto layer = layer_of(index_function(), "numbers", 10);
    const auto token = layer.token;
    client.update({{}, {layer}, {{token, 0, 10}}});
    CHECK(client.info().workers.front().held == 0);
    servers.add_worker("other");
    for (std::uint64_t k = 0; k < 10; ++k) {
        CHECK(client.get<std::int64_t>(token, k) == static_cast<std::int64_t>(k));
    }
    for (const auto& worker : client.info().workers) {
        CHECK(worker.held == (worker.name == "other" ? 10 : 0));
    }
}

TEST_CASE("what is packed can be unpacked, and damage is noticed") {
    const Encoded encoded{Bytes::copy_of("head"), {Bytes::copy_of("one"), {}, Bytes::copy_of("3")}};
    const auto packed = cluster::pack(encoded);
    const auto unpacked = cluster::unpack(packed);
    CHECK(unpacked.head.text() == "head");
    REQUIRE(unpacked.segments.size() == 3);
    CHECK(unpacked.segments[0].text() == "one");
    CHECK(unpacked.segments[2].text() == "3");
    CHECK_THROWS_AS((void)cluster::unpack(packed.slice(0, 3)), ArchiveError);
    CHECK_THROWS_AS((void)cluster::unpack({}), ArchiveError);
    CHECK_THROWS_AS((void)cluster::unpack(Bytes::copy_of("\x02\xff\xff\xff\xff\x7f\x01x")),
                    ArchiveError);
}
