// Tests of Client and Future: calls, errors, cancelling, closing, several clients.
#include <satchel/bag.hpp>
#include <satchel/client.hpp>
#include <satchel/delayed.hpp>
#include <satchel/error.hpp>
#include <satchel/fn.hpp>
#include <satchel/local_cluster.hpp>
#include <satchel/this_task.hpp>
#include <satchel/travelling_error.hpp>

#include <atomic>
#include <functional>
#include <latch>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel;
using namespace std::chrono_literals;

namespace {

int inc(int x) { return x + 1; }
std::size_t length(const std::string& text) { return text.size(); }

struct Scale {
    int factor = 1;
    int operator()(int x) const { return factor * x; }
};

// More data than a call should carry.
struct Table {
    std::vector<int> numbers;
    int operator()(int x) const { return numbers.at(static_cast<std::size_t>(x)); }

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& numbers;
    }
};

struct Prefix {
    std::string text;
    std::string operator()(std::string&& word) const { return text + std::move(word); }

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& text;
    }
};

struct Odd : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class NoSuchCity : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};
const TravellingError<NoSuchCity> no_such_city;

class Numbered : public std::runtime_error {
  public:
    Numbered(const std::string& text, int n)
        : std::runtime_error(fmt::format("{}: {}", text, n)), number(n) {}
    int number;
};
Numbered numbered_from(const std::string& text) {
    const auto colon = text.find(": ");
    return {text.substr(0, colon), std::stoi(text.substr(colon + 2))};
}
const TravellingError<Numbered, numbered_from> numbered;

class Fragile : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};
Fragile fragile_from(const std::string&) { throw std::domain_error("cannot be made"); }
const TravellingError<Fragile, fragile_from> fragile;

const LocalClusterOptions threads{.n_workers = 2, .threads_per_worker = 1, .processes = false};

// In the workers of `threads` alone, which share this process.
std::atomic<int> calls{0};
std::atomic<bool> was_stopped{false};
std::atomic<bool> has_begun{false};
std::atomic<int> under_way{0}, most_under_way{0};

int wait_until_stopped(int x) {
    has_begun = true;
    has_begun.notify_all();
    while (!this_task::stop_requested()) std::this_thread::yield();
    was_stopped = true;
    was_stopped.notify_all();
    return x;
}

}  // namespace

TEST_CASE("calls of functions, lambdas and objects, with values and futures") {
    for (const bool processes : {false, true}) {
        CAPTURE(processes);
        LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1, .processes = processes});
        Client client(cluster);
        auto a = client.submit(inc, 1);
        auto b = client.submit([](int x, int y) { return x * 10 + y; }, a, 3);
        auto c = client.submit(Scale{7}, b);
        CHECK(a.result() == 2);
        CHECK(b.result() == 23);
        CHECK(c.result() == 161);
        CHECK(client.submit([=](int x) { return x + 1; }, 1).result() == 2);
        std::vector<Future<int>> list{a, b, c};
        auto sum = client.submit(
            [](const std::vector<int>& xs, const std::string& text) {
                return text + std::to_string(std::accumulate(xs.begin(), xs.end(), 0));
            },
            list, "sum ");
        CHECK(sum.result() == "sum 186");
        Future<void> nothing = client.submit([](int) {}, a);
        CHECK(client.gather(std::vector{nothing, nothing}).size() == 2);
        nothing.result();
        CHECK(nothing.done());
        CHECK(nothing.status() == FutureStatus::finished);
        CHECK(client.gather(list) == std::vector<int>{2, 23, 161});
    }
}

TEST_CASE("futures say what they are") {
    LocalCluster cluster(threads);
    Client client(cluster);
    auto future = client.submit(fn<inc>, 1);
    (void)future.result();
    CHECK(fmt::format("{}", future) ==
          fmt::format("<Future: finished, type: int, key: {}>", future.key()));
    CHECK(future.key().starts_with("inc-"));
    CHECK(client.submit(inc, 1).key().starts_with("inc-"));
    CHECK(client.submit(fn<length>, std::string("abc")).key().starts_with("length-"));
    CHECK(client.submit(&length, std::string("abc")).key().starts_with("length-"));
    CHECK(client.submit(Scale{2}, 1).key().starts_with("Scale-"));
    CHECK(client.submit([] { return 1; }).key().starts_with("lambda-"));
    CHECK(client.submit({.key = "mine"}, inc, 1).key() == "mine");
    CHECK(client.submit({.pure = true}, inc, 1).key() ==
          client.submit({.pure = true}, inc, 1).key());
    CHECK(client.submit({.pure = true}, inc, 1).key() !=
          client.submit({.pure = true}, inc, 2).key());
    CHECK(client.submit(inc, 1).key() != client.submit(inc, 1).key());
    CHECK(fmt::format("{}", client.submit([] {})).find(", type: void, ") != std::string::npos);
    CHECK(fmt::format("{}", Future<int>()) == "<Future: none>");
    const std::vector<Future<int>> none(1);
    CHECK_THROWS_AS(none[0].result(), InvalidArgument);
    CHECK_THROWS_AS((void)client.who_has(none[0]), InvalidArgument);
    CHECK_THROWS_AS((void)client.nbytes(none[0]), InvalidArgument);
    CHECK_THROWS_AS(client.cancel(none), InvalidArgument);
    CHECK_THROWS_AS(client.retry(none), InvalidArgument);
    CHECK_THROWS_AS(wait(none), InvalidArgument);
}

TEST_CASE("the client says where it is") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 3, .memory_limit = "4GB"});
    Client client(cluster);
    CHECK(fmt::format("{}", client) ==
          fmt::format("<Client: '{}' processes=2 threads=6, memory=8.00 GB>", cluster.address()));
    CHECK(client.concurrency() == 6);
    CHECK(client.scheduler_info().workers.size() == 2);
    client.wait_for_workers(2);
    CHECK_THROWS_AS(client.wait_for_workers(3, 1ms), TimeoutError);
    CHECK_THROWS_AS(client.wait_for_workers(-1), InvalidArgument);
    client.close();
    CHECK(fmt::format("{}", client) == "<Client: not connected>");
    CHECK_THROWS_AS(client.submit(inc, 1), ClientClosed);
}

TEST_CASE("map over values and futures, many at once") {
    LocalCluster cluster(threads);
    Client client(cluster);
    std::vector<int> numbers(5000);
    std::iota(numbers.begin(), numbers.end(), 0);
    auto once = client.map(inc, numbers);
    auto twice = client.map([](int x, int y) { return x + y; }, once, numbers);
    const auto results = client.gather(twice);
    REQUIRE(results.size() == numbers.size());
    bool right = true;
    for (std::size_t k = 0; k < results.size(); ++k) {
        right = right && results[k] == 2 * static_cast<int>(k) + 1;
    }
    CHECK(right);
    CHECK(client.map(inc, std::vector<int>{}).empty());
    CHECK_THROWS_AS(client.map(std::plus<>(), numbers, std::vector<int>{1}), LengthError);
    CHECK(client.gather(client.map([](bool x) { return !x; }, std::vector<bool>{true, false})) ==
          std::vector<bool>{false, true});
    CHECK(client.gather(client.map([](const std::string& text) { return text.size(); },
                                   std::vector<const char*>{"a", "bcd"})) ==
          std::vector<std::size_t>{1, 3});
    // Elements with much data are not sent to workers that have no use for them.
    std::vector<std::string> texts(20, std::string(50'000, 'x'));
    auto sizes = client.map([](const std::string& text) { return text.size(); }, texts);
    CHECK(client.gather(sizes) == std::vector<std::size_t>(20, 50'000));
}

TEST_CASE("small calls by the thousand, submitted from several threads") {
    LocalCluster cluster(threads);
    Client client(cluster);
    std::vector<std::thread> users;
    users.reserve(3);
    std::atomic<std::int64_t> total{0};
    for (int user = 0; user < 3; ++user) {
        users.emplace_back([&] {
            std::vector<Future<int>> futures;
            futures.reserve(2000);
            for (int k = 0; k < 2000; ++k) futures.push_back(client.submit(inc, k));
            for (const auto& future : futures) total += future.result();
        });
    }
    for (auto& user : users) user.join();
    CHECK(total == 3L * 2000 * 2001 / 2);
}

TEST_CASE("large values come directly from workers, and arguments may be large") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    Client client(cluster);
    const std::vector<double> data(200'000, 0.5);
    auto scattered = client.scatter(data);
    auto doubled = client.map(
        [](const std::vector<double>& xs) {
            auto ys = xs;
            for (auto& y : ys) y *= 2;
            return ys;
        },
        std::vector(6, scattered));
    for (const auto& one : client.gather(doubled)) CHECK(one == std::vector<double>(200'000, 1.0));
    CHECK(client.nbytes(doubled[0]) > 1'600'000);
    CHECK(client.who_has(doubled[0]).size() == 1);
}

TEST_CASE("exceptions come back as themselves, or as TaskError") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1});
    Client client(cluster);
    auto standard = client.submit([](int) -> int { throw std::out_of_range("too far"); }, 1);
    CHECK_THROWS_WITH_AS(standard.result(), "too far", std::out_of_range);
    CHECK(standard.status() == FutureStatus::error);
    CHECK(fmt::format("{:>6}", standard.status()) == " error");
    CHECK(standard.exception() != nullptr);
    auto own = client.submit([]() -> int { throw Odd("odd"); });
    try {
        (void)own.result();
        FAIL("nothing was thrown");
    } catch (const TaskError& error) {
        CHECK(error.details().text == "odd");
        CHECK(error.details().type.find("Odd") != std::string::npos);
        CHECK(!error.details().worker.empty());
    }
    // What depends on it fails for the same reason.
    auto next = client.submit(inc, standard);
    CHECK_THROWS_AS(next.result(), std::out_of_range);
    CHECK(client.submit(inc, 1).exception() == nullptr);
    std::vector<Future<int>> mixed{client.submit(inc, 1), standard};
    CHECK_THROWS_AS((void)client.gather(mixed), std::out_of_range);
}

TEST_CASE("a type that was named comes back as itself") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1});
    Client client(cluster);
    CHECK_THROWS_WITH_AS(client.submit([]() -> int { throw NoSuchCity("Atlantis"); }).result(),
                         "Atlantis", NoSuchCity);
    try {
        (void)client.submit([]() -> int { throw Numbered("answer", 42); }).result();
        FAIL("nothing was thrown");
    } catch (const Numbered& error) {
        CHECK(error.number == 42);
        CHECK(std::string(error.what()) == "answer: 42");
    }
    CHECK_THROWS_AS(client.submit([]() -> int { throw Fragile("broken"); }).result(), TaskError);
    CHECK(client.submit(inc, 1).result() == 2);
}

TEST_CASE("calls are tried again, by option and on request") {
    LocalCluster cluster(threads);
    Client client(cluster);
    const auto flaky = [](int good_after) {
        if (calls++ < good_after) throw std::runtime_error("not yet");
        return calls.load();
    };
    calls = 0;
    CHECK(client.submit({.retries = 2}, flaky, 2).result() == 3);
    calls = 0;
    auto future = client.submit(flaky, 1);
    CHECK_THROWS_AS(future.result(), std::runtime_error);
    future.retry();
    CHECK(future.result() == 2);
    CHECK_THROWS_AS(client.submit({.retries = -1}, inc, 1), InvalidArgument);
}

TEST_CASE("what was cancelled can be asked for again at once") {
    const LocalCluster cluster(threads);
    Client client(cluster);
    for (int k = 0; k < 200; ++k) {
        const SubmitOptions options{.key = "k" + std::to_string(k)};
        const auto first = client.submit(
            options, [](int x) { return x + 1; }, k);
        const auto next = client.submit(
            SubmitOptions{.pure = true}, [](int x) { return x * 2; }, first);
        first.cancel();
        const auto again = client.submit(
            options, [](int x) { return x + 1; }, k);
        REQUIRE(again.result() == k + 1);
        CHECK_THROWS_AS(next.result(), Cancelled);
        REQUIRE(client
                    .submit(
                        SubmitOptions{.pure = true}, [](int x) { return x * 2; }, again)
                    .result() == 2 * k + 2);
    }
}

TEST_CASE("cancelling reaches a function that runs, and what depends on it") {
    LocalCluster cluster(threads);
    Client client(cluster);
    has_begun = was_stopped = false;
    auto future = client.submit(wait_until_stopped, 1);
    auto next = client.submit(inc, future);
    has_begun.wait(false);
    client.cancel(future);
    CHECK(future.status() == FutureStatus::cancelled);
    CHECK_THROWS_AS(future.result(), Cancelled);
    CHECK_THROWS_AS(next.result(), Cancelled);
    was_stopped.wait(false);
    CHECK(client.submit(inc, 1).result() == 2);
}

TEST_CASE("what nobody holds any more is dropped") {
    LocalCluster cluster(threads);
    Client client(cluster);
    const auto held = [&] {
        std::int64_t sum = 0;
        for (const auto& worker : client.scheduler_info().workers) sum += worker.held;
        return sum;
    };
    {
        auto futures = client.map(inc, std::vector<int>(100, 1));
        (void)wait(futures);
        CHECK(held() == 100);
        const auto copies = futures;
        futures.clear();
        CHECK(held() == 100);
    }
    CHECK(held() == 0);
}

TEST_CASE("waiting for all, for the first, for some time, and in the order of completion") {
    LocalCluster cluster(threads);
    Client client(cluster);
    has_begun = was_stopped = false;
    std::vector<Future<int>> futures{client.submit(wait_until_stopped, 1), client.submit(inc, 1)};
    auto first = wait(futures, {}, WaitFor::first);
    REQUIRE(first.done.size() == 1);
    CHECK(first.done[0].result() == 2);
    CHECK(first.not_done.size() == 1);
    CHECK(wait(futures, 1ms).not_done.size() == 1);
    std::vector<int> order;
    for (auto& future : as_completed(futures)) {
        if (future.status() == FutureStatus::cancelled) {
            order.push_back(0);
        } else {
            order.push_back(future.result());
            futures[0].cancel();
        }
    }
    CHECK(order == std::vector<int>{2, 0});
    CHECK(wait(futures).done.size() == 2);
    CHECK(wait(std::vector<Future<int>>{}).done.empty());
}

TEST_CASE("closing a client fails what waits, and another client goes on") {
    LocalCluster cluster(threads);
    Client other(cluster);
    Client client(cluster);
    has_begun = was_stopped = false;
    auto future = client.submit(wait_until_stopped, 1);
    has_begun.wait(false);
    std::thread closer([&] { client.close(); });
    CHECK_THROWS_AS(future.result(), ClientClosed);
    closer.join();
    was_stopped.wait(false);  // the scheduler drops what a client that is gone had wanted
    CHECK(other.submit(inc, 4).result() == 5);
    client.close();
}

TEST_CASE("a client that is closed while several threads use it fails all of them") {
    LocalCluster cluster(threads);
    for (int round = 0; round < 20; ++round) {
        Client client(cluster);
        const std::vector<int> numbers(10, 1);
        // Whether the result is right.
        const std::vector<std::function<bool()>> uses{
            [&] { return client.submit(inc, 1).result() == 2; },
            [&] { return client.gather(client.map(inc, numbers)) == std::vector<int>(10, 2); },
            [&] { return wait(client.map(inc, numbers)).not_done.empty(); },
            [&] { return client.scatter(numbers).result() == numbers; },
            [&] { return range(10, 2).sum().compute(client) == 45; },
        };
        std::latch begun(static_cast<std::ptrdiff_t>(uses.size()));
        std::vector<std::jthread> users;
        users.reserve(uses.size());
        for (const auto& use : uses) {
            users.emplace_back([&] {
                CHECK(use());
                begun.count_down();
                const auto use_for_ever = [&] {
                    while (use()) continue;
                };
                CHECK_THROWS_AS(use_for_ever(), ClientClosed);
            });
        }
        begun.wait();
        client.close();
    }
}

TEST_CASE("what a client has given may outlive it, and its cluster") {
    std::optional<Future<int>> finished, never;
    std::optional<Bag<std::int64_t>> kept;
    {
        LocalCluster cluster(threads);
        Client client(cluster);
        finished = client.submit(inc, 1);
        (void)wait(*finished);
        never = client.submit(wait_until_stopped, 1);
        kept = range(10, 2).persist();
    }
    // A small result has come already; what was kept is computed again, in this process.
    CHECK(finished->result() == 2);
    CHECK_THROWS_AS(never->result(), ClientClosed);
    never->cancel();
    CHECK(kept->sum().compute() == 45);
}

TEST_CASE("futures of several clusters are waited for, fetched and cancelled together") {
    LocalCluster one({.n_workers = 1, .threads_per_worker = 1}), two({.n_workers = 1});
    Client a(one), b(two);
    const auto fill = [](int x) { return std::vector<int>(10'000, x); };
    const std::vector futures{a.submit(fill, 1), b.submit(fill, 2), a.submit(fill, 3)};
    CHECK(wait(futures).done.size() == 3);
    int sum = 0;
    for (auto& done : as_completed(futures)) sum += done.result().front();
    CHECK(sum == 6);
    const auto results = a.gather(futures);
    for (std::size_t k = 0; k < results.size(); ++k) {
        CHECK(results[k] == std::vector<int>(10'000, static_cast<int>(k) + 1));
    }
    CHECK(b.who_has(futures[0]) == a.who_has(futures[0]));
    CHECK(b.gather({futures[2], futures[1]}).front() == results[2]);
    a.cancel(futures);
    for (const auto& future : futures) CHECK(future.status() == FutureStatus::cancelled);
}

TEST_CASE("a function with much data is sent once") {
    LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1});
    Client client(cluster);
    Table table{std::vector<int>(1'000'000)};
    std::iota(table.numbers.begin(), table.numbers.end(), 5);
    std::vector<int> places(3000);
    std::iota(places.begin(), places.end(), 0);
    const auto futures = client.map(table, places);
    const auto results = client.gather(futures);
    for (std::size_t k = 0; k < results.size(); ++k) CHECK(results[k] == static_cast<int>(k) + 5);
    CHECK(futures.front().key().starts_with("Table-"));
    const auto pure = client.map({.pure = true}, table, places);
    CHECK(pure.front().key() == client.map({.pure = true}, table, places).front().key());
    CHECK(pure.back().result() == results.back());
}

TEST_CASE("functions that hold something take elements as they like") {
    LocalCluster cluster(threads);
    Client client(cluster);
    const std::vector<std::string> words{"a", "b"};
    CHECK(client.gather(client.map(Prefix{"x"}, words)) == std::vector<std::string>{"xa", "xb"});
    const Prefix large{std::string(100'000, 'x')};
    CHECK(client.gather(client.map(large, words)).back() == large.text + "b");
    CHECK(words.front() == "a");
}

TEST_CASE("of many tasks that compute, few wait at a time") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 2, .processes = false});
    Client client(cluster);
    const auto nested = [](int x) {
        const auto now = ++under_way;
        for (int most = most_under_way; now > most;) {
            if (most_under_way.compare_exchange_weak(most, now)) break;
        }
        const auto sum = delayed([](int y) { return y + 1; })(x).compute();
        --under_way;
        return sum;
    };
    std::vector<int> numbers(2000);
    std::iota(numbers.begin(), numbers.end(), 0);
    // How long they take is known the second time.
    for (int k = 0; k < 2; ++k) {
        const auto results = client.gather(client.map(nested, numbers));
        CHECK(std::accumulate(results.begin(), results.end(), 0) == 1000 * 2001);
    }
    MESSAGE("at most ", most_under_way.load(), " at a time");
    CHECK(most_under_way < 500);
}

TEST_CASE("a key that stands for something else is refused, and what it stands for stays") {
    LocalCluster cluster(threads);
    Client client(cluster);
    auto one = client.submit({.key = "k"}, inc, 1);
    CHECK(one.result() == 2);
    const auto two = client.map({.key = "k"}, inc, std::vector{1, 2});
    CHECK_THROWS_WITH_AS(two[1].result(),
                         "the graph cannot run: the 2 tasks 'inc' have the key of another "
                         "submission, which has 1; give each a key of its own",
                         GraphError);
    CHECK(one.result() == 2);
    for (const auto& future : two) future.retry();
    CHECK_THROWS_AS(two[1].result(), GraphError);
    CHECK(client.submit(inc, one).result() == 3);
}

TEST_CASE("a wait as long as can be said is no wait at all") {
    LocalCluster cluster(threads);
    Client client(cluster);
    client.wait_for_workers(2, std::chrono::nanoseconds::max());
    const auto future = client.submit(inc, 1);
    CHECK(wait(future, std::chrono::nanoseconds::max()));
}

TEST_CASE("clients share what has one key") {
    LocalCluster cluster(threads);
    Client one(cluster);
    const auto count = [] { return ++calls; };
    calls = 0;
    auto a = one.submit({.key = "shared"}, count);
    CHECK(a.result() == 1);
    {
        Client two(cluster);
        auto b = two.submit({.key = "shared"}, count);
        CHECK(b.result() == 1);
        b = {};
        (void)two.scheduler_info();  // answered behind what was given up
    }
    CHECK(a.result() == 1);
    CHECK(one.submit({.key = "shared"}, count).result() == 1);
    {
        const auto other =
            one.submit({.key = "shared"}, [] { return std::string("another call"); });
        CHECK_THROWS_AS(other.result(), InvalidArgument);
        CHECK_THROWS_AS((void)one.gather(std::vector{other}), InvalidArgument);
    }
    a = {};
    CHECK(one.submit({.key = "shared"}, count).result() == 2);
}

TEST_CASE("a future that is gone, or another cluster's, is told where it is an argument") {
    LocalCluster cluster({.n_workers = 1, .processes = false});
    LocalCluster other({.n_workers = 1, .processes = false});
    Client client(cluster);
    Client client_of_other(other);
    const auto same = [](int x) { return x; };
    const auto refusal = [&](const Client& asked, const Future<int>& argument) -> std::string {
        try {
            return std::to_string(asked.submit(same, argument).result());
        } catch (const GraphError& error) {
            return error.what();
        }
    };
    auto seven = client.submit(same, 7);
    CHECK(refusal(client, seven) == "7");
    const std::string why =
        "its future was cancelled or released, the cluster was restarted, or it is one of another "
        "cluster";
    CHECK(refusal(client_of_other, seven).ends_with(why));
    // As if it had been submitted just before.
    seven.cancel();
    const auto dependent = client.submit(same, seven);
    CHECK(dependent.status() == FutureStatus::cancelled);
    CHECK_THROWS_AS(dependent.result(), Cancelled);
}

TEST_CASE("a worker that is retired leaves its results to the others") {
    for (const bool processes : {false, true}) {
        LocalCluster cluster({.n_workers = 3, .threads_per_worker = 1, .processes = processes});
        Client client(cluster);
        std::vector<int> numbers(50);
        std::iota(numbers.begin(), numbers.end(), 0);
        const auto futures = client.map(fn<inc>, numbers);
        const auto results = client.gather(futures);
        client.retire_workers({client.scheduler_info().workers.front().name});
        CHECK(client.scheduler_info().workers.size() == 2);
        CHECK(client.gather(futures) == results);
    }
}

TEST_CASE("what has ended can be ended again, and does nothing else") {
    LocalCluster cluster(threads);
    Client client(cluster);
    for (int k = 0; k < 2; ++k) client.shutdown();
    client.close();
    CHECK_THROWS_AS(client.submit([](int x) { return x; }, 1), ClientClosed);
    for (int k = 0; k < 2; ++k) cluster.close();
    CHECK_THROWS_WITH_AS(cluster.scale(1), "this LocalCluster was closed; start a new one",
                         InvalidArgument);
}

TEST_CASE("a cluster that ends fails its clients") {
    LocalCluster cluster(threads);
    Client client(cluster);
    CHECK_THROWS_AS(client.retire_workers({"nobody"}), InvalidArgument);
    has_begun = was_stopped = false;
    auto future = client.submit(wait_until_stopped, 1);
    has_begun.wait(false);
    cluster.close();
    CHECK_THROWS_AS(future.result(), ConnectionError);
}
