// Tests of bags, delayed calls and streams on clusters: the same as on this computer's threads.
#include <satchel/bag.hpp>
#include <satchel/client.hpp>
#include <satchel/delayed.hpp>
#include <satchel/error.hpp>
#include <satchel/local_cluster.hpp>
#include <satchel/progress.hpp>
#include <satchel/stream.hpp>
#include <satchel/this_task.hpp>

#include <atomic>
#include <numeric>
#include <semaphore>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace satchel;

namespace client_graphs {

// Counts how many have come into this process.
struct Counted {
    std::int64_t x = 0;

    static inline std::atomic<std::int64_t> arrived{0};

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& x;
        if constexpr (Archive::is_loading::value) ++arrived;
    }
};

}  // namespace client_graphs

using client_graphs::Counted;

namespace {

const LocalClusterOptions threads{.n_workers = 2, .threads_per_worker = 1, .processes = false};

std::atomic<bool> has_begun{false};
std::atomic<bool> inner_was_stopped{false};

std::vector<std::string> words() {
    std::vector<std::string> all;
    all.reserve(500);
    for (int k = 0; k < 500; ++k) all.push_back("word" + std::to_string(k * k % 37));
    return all;
}

// What some programs give, as one text.
std::string run_programs(const Executor& executor) {
    std::string text;
    const auto add = [&](const auto& value) { text += std::to_string(value) + ";"; };
    auto numbers = range(1000, 7);
    add(numbers.map([](std::int64_t x) { return x * x; }).sum().compute(executor));
    add(numbers.filter([](std::int64_t x) { return x % 3 == 0; }).count().compute(executor));
    for (const auto x : numbers.map([](std::int64_t x) { return x + 1; }).take(5, {}, executor)) {
        add(x);
    }
    auto bag = from_sequence(words(), {.npartitions = 9});
    for (const auto& [word, n] : bag.frequencies().compute(executor)) {
        text += word + "=";
        add(n);
    }
    for (const auto& word : bag.distinct().topk(3).compute(executor)) text += word + ";";
    auto a = delayed([](int x) { return x + 1; })(1);
    auto b = delayed([](int x) { return x * 10; })(a);
    auto c = delayed([](int x, int y, const std::string& s) { return s + std::to_string(x - y); })(
        b, a, std::string("c"));
    auto [one, two] = compute(executor, c, a);
    text += one + ";";
    add(two);
    auto kept = bag.map([](const std::string& w) { return w.size(); }).persist(executor);
    add(kept.sum().compute(executor));
    add(zip(kept, bag).map([](const auto& p) { return std::get<0>(p); }).max().compute(executor));
    return text;
}

// What is computed of each number, as one text.
template <class L>
std::string join(const L& lazy, const Executor& executor) {
    std::string text;
    for (const auto& x : lazy.compute(executor)) text += std::to_string(x) + ",";
    return text + ";";
}

// Those operations of bags that have graphs of their own.
std::string run_operations(const Executor& executor) {
    const auto numbers = range(200, 7).map([](std::int64_t x) { return x * x % 101; });
    const auto add = [](std::int64_t a, std::int64_t b) { return a + b; };
    const auto minus = [](std::int64_t x, std::uint64_t n) { return x - std::int64_t(n); };
    const auto sizes = [](std::span<const std::int64_t> part,
                          const std::vector<std::int64_t>& other) {
        return part.size() * 1000 + other.size();
    };
    std::string text = join(numbers.accumulate(add), executor);
    text += join(numbers.accumulate(add, std::int64_t{5}), executor);
    text += join(numbers.map(minus, numbers.count()), executor);
    text += join(numbers.map_partitions(sizes, range(7, 7)), executor);
    text +=
        join(concat(numbers, range(3, 2), numbers.filter([](std::int64_t x) { return x > 50; })),
             executor);
    text += join(numbers.repartition({.npartitions = 3}), executor);
    text += join(numbers.sample(9, 1), executor);
    text += join(numbers.foldby([](std::int64_t x) { return x % 5; }, add, std::int64_t{1})
                     .map([](const auto& pair) { return pair.first * 100'000 + pair.second; }),
                 executor);
    text += join(numbers.to_delayed()[3], executor);
    const auto digits = [](const std::string& s, std::int64_t x) {
        return s + std::to_string(x % 10);
    };
    const auto both = [](const std::string& a, const std::string& b) { return a + "|" + b; };
    return text + numbers.fold(digits, both, std::string("begin")).compute(executor);
}

}  // namespace

TEST_CASE("client: known results between equal calls") {
    const LocalCluster cluster(threads);
    const Client client(cluster);
    const auto inc = delayed([](int x) { return x + 1; });
    const auto kept = inc(1).persist(client);
    const auto kept_locally = inc(5).persist(SynchronousExecutor());
    const auto [a, b, c, d] = compute(client, inc(10), inc(kept), inc(20), inc(kept_locally));
    CHECK(a == 11);
    CHECK(b == 3);
    CHECK(c == 21);
    CHECK(d == 7);
}

TEST_CASE("client: bags of much data, one behind the other") {
    const LocalCluster cluster(threads);
    const Client client(cluster);
    const auto big = [](std::int64_t value) {
        return from_sequence(std::vector<std::int64_t>(20'000, value), {.npartitions = 2});
    };
    const auto same = [&](const auto& bag) {
        const auto more = bag.map([](std::int64_t x) { return x * 3 + 1; });
        CHECK(more.sum().compute(client) == more.sum().compute());
        CHECK(more.compute(client) == more.compute());
        CHECK(more.groupby([](std::int64_t x) { return x % 2; }).count().compute(client) ==
              more.groupby([](std::int64_t x) { return x % 2; }).count().compute());
    };
    same(concat(big(1), big(2)));
    same(concat(big(1), range(10, 2), big(2)));
    same(concat(range(10, 1), big(2)));
    same(concat(range(10, 3).persist(client), big(2), range(10, 3).persist(SynchronousExecutor())));
    const auto with_text = [](char c, std::size_t size) {
        return range(4, 2).map([](std::int64_t x, const std::string& s) { return x + s.front(); },
                               std::string(size, c));
    };
    same(concat(with_text('a', 70'000), with_text('b', 80'000)));
}

TEST_CASE("client: a culled graph whose tasks refer to later ones by key") {
    const LocalCluster cluster(threads);
    const Client client(cluster);
    const Key one{Token::of("one"), 0}, two{Token::of("two"), 0};
    Graph graph;
    graph.add(one, Function([](Arguments& in) { return Value::of(in.get<int>(0) + 1); }),
              std::vector{two}, "one");
    graph.add(two, Function([](Arguments&) { return Value::of(5); }), {}, "two");
    graph.add(Function([](Arguments&) { return Value::of(7); }));
    const auto culled = cull(graph, std::vector<TaskIndex>{0});
    CHECK(client.run(graph, {0})[0].get<int>() == 6);
    CHECK(client.run(culled.graph, culled.outputs)[0].get<int>() == 6);
}

TEST_CASE("client: graphs whose layers depend on tasks with data between them") {
    const LocalCluster cluster(threads);
    const Client client(cluster);
    const SynchronousExecutor here;
    Graph graph;
    const Function size([](Arguments& in) {
        return Value::of(static_cast<std::int64_t>(in.get<std::string>(0).size()));
    });
    const auto first = graph.add(size, {graph.literal(Value::of(std::string(70'000, 'a')))});
    graph.add(size, {graph.literal(Value::of(std::string(80'000, 'b')))});
    graph.add(Layer{"none", 0, size, {}});
    const auto layer = graph.add(Layer{"sum",
                                       2,
                                       Function([](Arguments& in) {
                                           std::int64_t sum = in.index();
                                           for (std::uint32_t k = 0; k < in.size(); ++k) {
                                               sum += in.get<std::int64_t>(k);
                                           }
                                           return Value::of(sum);
                                       }),
                                       {Input::all(first, 2), Input::same(first, 2)}});
    for (const Executor* executor :
         {static_cast<const Executor*>(&here), static_cast<const Executor*>(&client)}) {
        const auto sums = executor->run(graph, {layer, layer + 1});
        CHECK(sums[0].get<std::int64_t>() == 220'000);
        CHECK(sums[1].get<std::int64_t>() == 230'001);
    }
}

TEST_CASE("operations of bags give the same on every executor") {
    const auto expected = run_operations(SynchronousExecutor{});
    LocalCluster cluster({.n_workers = 4, .threads_per_worker = 1});
    Client client(cluster);
    CHECK(run_operations(client) == expected);
}

TEST_CASE("programs give the same on every executor") {
    const auto expected = run_programs(SynchronousExecutor{});
    CHECK(run_programs(ThreadPoolExecutor{2}) == expected);
    for (const bool processes : {false, true}) {
        CAPTURE(processes);
        LocalCluster cluster({.n_workers = 2, .threads_per_worker = 2, .processes = processes});
        Client client(cluster);
        CHECK(run_programs(client) == expected);
        // The newest client is the default.
        CHECK(range(100, 4).sum().compute() == 4950);
        CHECK(default_executor()->concurrency() == 4);
    }
}

TEST_CASE("large partitions travel one by one") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    Client client(cluster);
    std::vector<std::string> blocks;
    blocks.reserve(6);
    for (int k = 0; k < 6; ++k) blocks.emplace_back(300'000, static_cast<char>('a' + k));
    auto bag = from_sequence(blocks, {.npartitions = 6});
    CHECK(bag.map([](const std::string& s) { return s; }).compute() == blocks);
    CHECK(bag.map([](const std::string& s) { return s.size(); }).sum().compute() == 1'800'000);
}

TEST_CASE("futures of bags and delayed calls") {
    LocalCluster cluster(threads);
    Client client(cluster);
    Future<std::vector<std::int64_t>> all =
        client.compute(range(10, 3).map([](std::int64_t x) { return x * 2; }));
    CHECK(all.result() == std::vector<std::int64_t>{0, 2, 4, 6, 8, 10, 12, 14, 16, 18});
    CHECK(client.compute(range(10, 3).sum()).result() == 45);
    CHECK(client.persist(range(10, 3)).sum().compute() == 45);
}

TEST_CASE("a text in quotes travels") {
    LocalCluster cluster(threads);
    Client client(cluster);
    const auto size = [](const std::string& text) { return text.size(); };
    CHECK(delayed(size)("abc").compute() == 3);
    CHECK(client.submit(size, "abcd").result() == 4);
}

TEST_CASE("graphs whose tasks are named by key") {
    LocalCluster cluster(threads);
    Client client(cluster);
    Graph graph;
    const Key a{Token::of("a")}, b{Token::of("b")};
    graph.add(b, Function([](Arguments& in) { return Value::of(in.get<int>(0) * 2); }),
              std::vector{a}, "b");
    graph.add(a, Function([](Arguments&) { return Value::of(21); }), std::vector<Key>{}, "a");
    auto values = client.run(std::move(graph), {0, 1, 0});
    CHECK(values.at(0).get<int>() == 42);
    CHECK(values.at(1).get<int>() == 21);
    CHECK(values.at(2).get<int>() == 42);
    CHECK(client.run(Graph(), {}).empty());
    CHECK_THROWS_AS(static_cast<void>(client.run(Graph(), {0})), GraphError);
}

TEST_CASE("a long chain and a wide tree") {
    LocalCluster cluster(threads);
    Client client(cluster);
    auto chain = delayed([](int x) { return x; })(0);
    for (int k = 0; k < 500; ++k) chain = delayed([](int x) { return x + 1; })(chain);
    CHECK(chain.compute() == 500);
    std::vector<Delayed<int>> leaves;
    leaves.reserve(1024);
    for (int k = 0; k < 1024; ++k) leaves.push_back(delayed([](int x) { return x; })(k));
    while (leaves.size() > 1) {
        std::vector<Delayed<int>> next;
        next.reserve(leaves.size() / 2);
        for (std::size_t k = 0; k < leaves.size(); k += 2) {
            next.push_back(delayed([](int x, int y) { return x + y; })(leaves[k], leaves[k + 1]));
        }
        leaves = std::move(next);
    }
    CHECK(leaves[0].compute() == 1024 * 1023 / 2);
}

// Tasks known to be short are given to a thread together with what follows them.
TEST_CASE("short calls that follow each other, one of which fails or waits") {
    const LocalCluster cluster(threads);
    const Client client(cluster);
    const auto next = [](int x) { return x + 1; };
    const auto chain = [&](Future<int> future, int length) {
        for (int k = 0; k < length; ++k) future = client.submit(next, future);
        return future;
    };
    const auto refuse = [](int x) -> int { throw std::out_of_range(std::to_string(x)); };
    const auto wait = [](int x) { return x + static_cast<int>(range(10, 1).sum().compute()); };
    for (int round = 0; round < 5; ++round) {  // how long calls take is learned in the first
        const auto begin = client.submit(next, 10 * round);
        CHECK(chain(begin, 600).result() == 10 * round + 601);
        const auto failed = chain(client.submit(refuse, chain(begin, 20)), 20);
        CHECK_THROWS_AS(failed.result(), std::out_of_range);
        const auto waited = chain(client.submit(wait, chain(begin, 20)), 20);
        CHECK(waited.result() == 10 * round + 41 + 45);
    }
}

TEST_CASE("what cannot travel is refused before anything runs") {
    LocalCluster cluster(threads);
    Client client(cluster);
    int k = 3;
    try {
        (void)range(10, 2).map([k](std::int64_t x) { return x + k; }).compute();
        FAIL("nothing was thrown");
    } catch (const TravelError& error) {
        const std::string text = error.what();
        CAPTURE(text);
        CHECK(text.find("map") != std::string::npos);
        CHECK(text.find("capture") != std::string::npos);
    }
    CHECK(range(10, 2).sum().compute() == 45);
}

TEST_CASE("exceptions of tasks in bags") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 2});
    Client client(cluster);
    auto bad = range(100, 10).map([](std::int64_t x) {
        if (x == 77) throw std::domain_error("77");
        return x;
    });
    CHECK_THROWS_WITH_AS(bad.compute(), "77", std::domain_error);
    CHECK_THROWS_AS(range(0, 1).max().compute(), EmptyBag);
    CHECK(range(100, 10).sum().compute() == 4950);
}

TEST_CASE("a stopped run takes nothing from others") {
    const LocalCluster cluster(threads);
    const Client client(cluster);
    std::stop_source source;
    source.request_stop();
    const auto kept = delayed([](int x) { return x + 1; })(1).persist(client);
    CHECK_THROWS_AS(kept.compute(client, {.stop_token = source.get_token()}), Cancelled);
    CHECK(kept.compute(client) == 2);
    const auto bag = range(10, 3).persist(client);
    CHECK_THROWS_AS(bag.compute(client, {.stop_token = source.get_token()}), Cancelled);
    CHECK(bag.sum().compute(client) == 45);

    // A call that runs, and is wanted by others than the run that is stopped.
    has_begun = false;
    static std::atomic<bool> may_end;
    may_end = false;
    const auto slow = delayed(
        [](int x) {
            has_begun = true;
            has_begun.notify_all();
            may_end.wait(false);
            return x;
        },
        {.pure = true})(7);
    const auto running = client.persist(slow);
    has_begun.wait(false);
    std::stop_source other;
    std::thread stopping([&] { other.request_stop(); });
    CHECK_THROWS_AS(running.compute(client, {.stop_token = other.get_token()}), Cancelled);
    stopping.join();
    std::stop_source third;
    std::thread stopping_it([&] { third.request_stop(); });
    CHECK_THROWS_AS((void)slow.persist(client, {.stop_token = third.get_token()}), Cancelled);
    stopping_it.join();
    may_end = true;
    may_end.notify_all();
    CHECK(running.compute(client) == 7);
}

TEST_CASE("a stop token cancels a run") {
    LocalCluster cluster(threads);
    Client client(cluster);
    std::stop_source source;
    has_begun = false;
    std::thread stopper([&] {
        has_begun.wait(false);
        source.request_stop();
    });
    auto endless = delayed([](int x) {
        has_begun = true;
        has_begun.notify_all();
        while (!this_task::stop_requested()) std::this_thread::yield();
        return x;
    })(1);
    CHECK_THROWS_AS(endless.compute(client, {.stop_token = source.get_token()}), Cancelled);
    stopper.join();
    CHECK_THROWS_AS(endless.compute(client, {.stop_token = source.get_token()}), Cancelled);
}

TEST_CASE("a stop token reaches the runs that tasks wait for") {
    LocalCluster cluster(threads);
    Client client(cluster);
    std::stop_source source;
    has_begun = inner_was_stopped = false;
    std::thread stopper([&] {
        has_begun.wait(false);
        source.request_stop();
    });
    auto outer = delayed([](int x) {
        auto inner = delayed([](int y) {
            has_begun = true;
            has_begun.notify_all();
            while (!this_task::stop_requested()) std::this_thread::yield();
            inner_was_stopped = true;
            inner_was_stopped.notify_all();
            return y;
        })(x);
        return inner.compute();
    })(1);
    CHECK_THROWS_AS(outer.compute(client, {.stop_token = source.get_token()}), Cancelled);
    stopper.join();
    inner_was_stopped.wait(false);
}

TEST_CASE("streams keep their order and their window") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    Client client(cluster);
    int next = 0;
    std::vector<int> written;
    stream(
        [&]() -> std::optional<int> { return next < 200 ? std::optional(next++) : std::nullopt; },
        [](int x) { return x * 3; }, [&](int x) { written.push_back(x); }, {.window = 4});
    REQUIRE(written.size() == 200);
    for (int k = 0; k < 200; ++k) CHECK(written[static_cast<std::size_t>(k)] == 3 * k);
    std::int64_t sum = 0;
    range(1000, 20).for_each_partition([&](const auto& part) {
        for (const auto x : part) sum += x;
    });
    CHECK(sum == 499'500);
}

TEST_CASE("for_each_partition brings the partitions here, and nothing that they are made from") {
    const LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    const Client client(cluster);
    const auto numbers = range(100, 10).map([](std::int64_t x) { return Counted{x}; });
    const auto sum_of = [&](const auto& bag) {
        std::int64_t sum = 0;
        bag.for_each_partition(
            [&](const std::vector<std::int64_t>& part) {
                for (const auto x : part) sum += x;
            },
            {.window = 2, .executor = client});
        return sum;
    };
    const auto x_of = [](const Counted& one) { return one.x; };
    Counted::arrived = 0;
    const auto kept = numbers.persist(client);
    CHECK(sum_of(kept.map(x_of)) == 4950);
    CHECK(sum_of(kept.map(x_of)) == 4950);  // what was kept has not been given away
    const auto groups = numbers.groupby([](const Counted& one) { return one.x % 7; });
    CHECK(sum_of(groups.map([](const auto& group) { return group.second.front().x; })) == 21);
    CHECK(sum_of(concat(kept, kept).map(x_of)) == 9900);
    const auto pairs = kept.product(range(3, 2));
    CHECK(sum_of(pairs.map([](const auto& pair) { return pair.first.x; })) == 3 * 4950);
    CHECK(Counted::arrived == 0);
    std::int64_t count = 0;
    kept.for_each_partition([&](const auto& part) { count += std::ssize(part); },
                            {.executor = client});
    CHECK(count == 100);
    CHECK(Counted::arrived == 100);
}

TEST_CASE("tasks that compute on the cluster give up their place") {
    for (const bool processes : {false, true}) {
        CAPTURE(processes);
        // One thread, and each task waits for others: with a place of its own it would hang.
        LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1, .processes = processes});
        Client client(cluster);
        auto outer = range(4, 4).map([](std::int64_t x) {
            return range(10, 2).map([](std::int64_t y) { return y; }).sum().compute() + x;
        });
        CHECK(outer.compute() == std::vector<std::int64_t>{45, 46, 47, 48});
    }
}

TEST_CASE("a progress bar shows the tasks of a reduction as they finish") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1, .processes = false});
    Client client(cluster);
    static std::binary_semaphore go_on(0);
    std::atomic<bool> was_between = false;
    {
        const ProgressBar bar({.write = [&](std::string_view text) {
            const auto percent = text.find("% Completed");
            if (percent == text.npos || was_between) return;
            if (text.find("] | 0%") != text.npos || text.find("| 100%") != text.npos) return;
            was_between = true;
            go_on.release();
        }});
        const auto sum = range(40, 40)
                             .map([](std::int64_t x) {
                                 if (x == 20) go_on.acquire();  // until it was drawn
                                 return x;
                             })
                             .sum()
                             .compute();
        CHECK(sum == 780);
    }
    CHECK(was_between);
}
