// The table of tasks and the queue, by themselves.
#include "scheduler/ready_queue.hpp"
#include "scheduler/task_table.hpp"

#include <doctest/doctest.h>

using namespace satchel::scheduler;
using satchel::Token;

namespace {

satchel::LayerId add(TaskTable& table, const char* name, std::uint32_t count) {
    Layer layer;
    layer.token = Token::of(name);
    layer.count = count;
    return table.add(std::move(layer));
}

}  // namespace

TEST_CASE("task table: uses numbers again, but no attempt twice") {
    TaskTable table;
    std::vector<satchel::LayerId> idle;
    const auto a = add(table, "a", 3);
    const auto b = add(table, "b", 2);
    CHECK(table.layer(a).first == 0);
    CHECK(table.layer(b).first == 3);
    table[1].attempt = 7;
    table.remove(a, idle);
    CHECK(add(table, "c", 2) == a);
    CHECK(table.find({Token::of("c"), 1, 1})->first == 1);
    CHECK(table[1].attempt == 7);
    CHECK(table[1].state == TaskState::released);
    CHECK(table[2].state == TaskState::forgotten);
    CHECK(table.layer(add(table, "d", 2)).first == 5);
    CHECK(table.layer(add(table, "e", 1)).first == 2);
    CHECK(idle.empty());
}

TEST_CASE("task table: joins free numbers") {
    TaskTable table;
    std::vector<satchel::LayerId> idle;
    const auto a = add(table, "a", 2), b = add(table, "b", 2), c = add(table, "c", 2);
    table.remove(a, idle);
    table.remove(c, idle);
    table.remove(b, idle);
    CHECK(table.layer(add(table, "d", 6)).first == 0);
}

TEST_CASE("task table: finds what is there and nothing else") {
    TaskTable table;
    (void)add(table, "a", 3);
    CHECK(table.find({Token::of("a"), 1, 2})->first == 1);
    CHECK(!table.find({Token::of("a"), 1, 3}));
    CHECK(!table.find({Token::of("a"), 4, 0}));
    CHECK(!table.find({Token::of("a"), UINT64_MAX, 2}));
    CHECK(!table.find({Token::of("b"), 0, 1}));
}

TEST_CASE("task table: keeps holders in any order of coming and going") {
    TaskTable table;
    (void)add(table, "a", 2);
    const auto holders = [&](satchel::TaskId task) {
        std::vector<satchel::WorkerId> all;
        table.for_each_holder(task, [&](satchel::WorkerId worker) { all.push_back(worker); });
        return all;
    };
    for (const satchel::WorkerId worker : {5U, 6U, 7U}) table.add_holder(0, worker);
    CHECK(holders(0) == std::vector<satchel::WorkerId>{5, 7, 6});
    table.remove_holder(0, 6);
    table.remove_holder(0, 5);
    CHECK(holders(0) == std::vector<satchel::WorkerId>{7});
    table.add_holder(1, 5);
    table.add_holder(1, 9);
    table.clear_holders(1);
    CHECK(holders(1).empty());
    table.remove_holder(0, 7);
    CHECK(holders(0).empty());
}

TEST_CASE("task table: a layer is idle when the last that depends on it has gone") {
    TaskTable table;
    std::vector<satchel::LayerId> idle;
    const auto a = add(table, "a", 2);
    const auto b = add(table, "b", 1), c = add(table, "c", 2);
    table.link(2, 0);
    table.link(2, 0);
    table.link_all(c, {0, 2});
    table.remove(b, idle);
    CHECK(idle.empty());
    table.remove(c, idle);
    CHECK(idle == std::vector<satchel::LayerId>{a});
    int dependents = 0;
    table.for_each_dependent(0, [&](satchel::TaskId) { ++dependents; });
    CHECK(dependents == 0);
}

TEST_CASE("ready queue: most urgent first, whatever the order of coming") {
    ReadyQueue queue;
    for (const std::uint32_t k : {10U, 11U, 12U, 3U, 4U, 20U, 1U, 2U, 13U}) queue.push(k, k + 100);
    std::vector<std::uint32_t> order;
    order.reserve(10);
    for (int k = 0; k < 3; ++k) order.push_back(queue.pop() - 100);
    queue.push(2, 102);
    while (!queue.empty()) order.push_back(queue.pop() - 100);
    CHECK(order == std::vector<std::uint32_t>{1, 2, 3, 2, 4, 10, 11, 12, 13, 20});
}

TEST_CASE("ready queue: neighbours in number that are not in priority are kept apart") {
    ReadyQueue queue;
    queue.push(5, 1);
    queue.push(1, 2);
    queue.push(2, 7);
    CHECK(queue.pop() == 2);
    CHECK(queue.pop() == 7);
    CHECK(queue.pop() == 1);
}

TEST_CASE("ready queue: a task that comes again while its run is there takes nothing with it") {
    ReadyQueue queue;
    for (std::uint32_t k = 0; k < 8; ++k) queue.push(k, k + 100);
    std::vector<std::uint32_t> order{queue.pop() - 100};
    queue.push(5, 105);
    while (!queue.empty()) order.push_back(queue.pop() - 100);
    CHECK(order == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 5, 6, 7});
}
