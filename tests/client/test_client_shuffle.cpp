// Tests of groupby, join and product on clusters: the same as on this computer's threads, also when
// workers die in the middle.
#include <satchel/bag.hpp>
#include <satchel/client.hpp>
#include <satchel/error.hpp>
#include <satchel/local_cluster.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

using namespace satchel;

namespace client_shuffle {

using Group = std::pair<std::int64_t, std::vector<std::string>>;

std::string name_of(std::int64_t x) { return fmt::format("{:0>{}}", x, x % 300); }
std::int64_t key_of(const std::string& name) { return std::stoll(name) % 101; }

Bag<std::string> names() { return range(20'000, 12).map(name_of); }

// What a few shuffles give, as one text.
std::string run_shuffles(const Executor& executor) {
    std::string text;
    const auto groups = names().groupby(key_of, {.npartitions = 90});
    for (const auto& [key, group] : groups.compute(executor)) {
        text += fmt::format("{}:{},{},{};", key, group.size(), group.front(), group.back());
    }
    const auto numbers = range(300, 5);
    const auto mod7 = [](std::int64_t x) { return x % 7; };
    for (const auto broadcast : {std::optional<Side>(), std::optional(Side::left)}) {
        const auto pairs = numbers.join(range(50, 3), mod7, {.broadcast = broadcast});
        for (const auto& [u, x] : pairs.compute(executor)) text += fmt::format("{}-{};", u, x);
    }
    const auto with_list = numbers.join(std::vector<std::int64_t>{1, 2, 3, 8}, mod7);
    for (const auto& [u, x] : with_list.compute(executor)) text += fmt::format("{}/{};", u, x);
    for (const std::int64_t npartitions : {5, 40}) {
        const auto parts = names().repartition({.npartitions = npartitions});
        for (const auto& part : parts.to_delayed()) {
            const auto elements = part.compute(executor);
            text += fmt::format("{},{},{};", elements.size(), elements.front(), elements.back());
        }
    }
    const auto product = range(30, 3).product(range(7, 2));
    for (const auto& [x, u] : product.compute(executor)) text += fmt::format("{}x{};", x, u);
    std::size_t partitions = 0;
    groups.for_each_partition([&](const std::vector<Group>&) { ++partitions; },
                              {.executor = executor});
    return text + fmt::format("{}", partitions);
}

// A file that one process of all makes, and then dies.
struct DieOnce {
    std::string file = {};

    void operator()() const {
        const int fd = ::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (fd >= 0) ::kill(::getpid(), SIGKILL);
    }
};

// Dies at its element `at`: while partitions are split.
struct DyingKey {
    DieOnce die = {};
    std::int64_t at = 0;

    std::int64_t operator()(const std::string& name) const {
        if (std::stoll(name) == at) die();
        return key_of(name);
    }
};

// Dies at its element `at`: before a repartition, or while its partitions are put together.
struct DyingName {
    DieOnce die = {};
    std::int64_t at = 0;

    std::string operator()(std::string name) const {
        if (std::stoll(name) == at) die();
        return name;
    }
};

// Dies at the group `at`: while groups are put together.
struct DyingStage {
    DieOnce die = {};
    std::int64_t at = 0;

    Group operator()(Group group) const {
        if (group.first == at) die();
        return group;
    }
};

class Folder {
  public:
    Folder() {
        char pattern[] = "/tmp/satchel-test-XXXXXX";
        path_ = ::mkdtemp(pattern);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

struct Local {
    std::shared_ptr<int> number;
};

}  // namespace client_shuffle
using namespace client_shuffle;

TEST_CASE("shuffles give the same on every executor") {
    const auto expected = run_shuffles(SynchronousExecutor{});
    CHECK(run_shuffles(ThreadPoolExecutor{2}) == expected);
    for (const bool processes : {false, true}) {
        CAPTURE(processes);
        LocalCluster cluster({.n_workers = 3, .threads_per_worker = 1, .processes = processes});
        const Client client(cluster);
        CHECK(run_shuffles(client) == expected);
    }
}

// Sanitizers take several times the memory.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a shuffle of more than the memory of all workers") {
    const LocalCluster cluster({.n_workers = 2, .threads_per_worker = 1, .memory_limit = "150MB"});
    const Client client(cluster);
    const auto texts = range(1'000'000, 64).map([](std::int64_t x) {
        return std::string(400, static_cast<char>('a' + x % 26)) + std::to_string(x);
    });
    const auto sizes =
        texts.groupby([](const std::string& text) { return text.substr(396); }, {.npartitions = 90})
            .map([](const auto& group) { return group.second.size(); });
    CHECK(sizes.sum().compute(client) == 1'000'000);
}
#endif

TEST_CASE("workers that die in the middle of a shuffle cost nothing but time") {
    const auto expected = names().groupby(key_of).compute(SynchronousExecutor{});
    LocalCluster cluster({.n_workers = 3, .threads_per_worker = 1});
    const Client client(cluster);
    const Folder folder;
    for (const std::int64_t at : {0, 9'000, 19'999}) {
        CAPTURE(at);
        const auto file = folder.file(fmt::format("split-{}", at));
        CHECK(names().groupby(DyingKey{{file}, at}).compute(client) == expected);
        CHECK(std::filesystem::exists(file));
    }
    for (const std::int64_t at : {0, 50, 100}) {
        CAPTURE(at);
        const auto file = folder.file(fmt::format("group-{}", at));
        const auto groups = names().groupby(key_of).map(DyingStage{{file}, at});
        CHECK(groups.compute(client) == expected);
        CHECK(std::filesystem::exists(file));
    }
    const auto elements = names().compute(SynchronousExecutor{});
    for (const std::int64_t at : {0, 9'000, 19'999}) {
        CAPTURE(at);
        const auto before = folder.file(fmt::format("made-{}", at));
        const auto made = names().map(DyingName{{before}, at});
        CHECK(made.repartition({.npartitions = 40}).compute(client) == elements);
        CHECK(std::filesystem::exists(before));
        const auto after = folder.file(fmt::format("put-together-{}", at));
        const auto divided = names().repartition({.npartitions = 40});
        CHECK(divided.map(DyingName{{after}, at}).compute(client) == elements);
        CHECK(std::filesystem::exists(after));
    }
}

TEST_CASE("what does not travel is refused before anything is sent") {
    LocalCluster cluster({.n_workers = 1, .threads_per_worker = 1, .processes = false});
    const Client client(cluster);
    const auto text_of = [&](const auto& bag) -> std::string {
        try {
            (void)bag.count().compute(client);
        } catch (const TravelError& error) {
            return error.what();
        }
        return "(nothing was thrown)";
    };
    const auto numbers = range(10, 2);
    int divisor = 3;
    const auto captures = [&divisor](std::int64_t x) { return x % divisor; };
    const auto by_capture = text_of(numbers.groupby(captures));
    CAPTURE(by_capture);
    CHECK(by_capture.starts_with("running 'groupby-split' on a cluster: groupby-split: "));
    CHECK(by_capture.find("lambda with captures") != std::string::npos);
    const auto local = numbers.map([](std::int64_t) { return Local{}; });
    const auto by_element = text_of(local.groupby([](const Local&) { return 1; }));
    CAPTURE(by_element);
    CHECK(by_element.starts_with("running 'groupby-split' on a cluster: groupby-split: "));
    const auto joined = text_of(numbers.join(range(4, 2), captures));
    CAPTURE(joined);
    CHECK(joined.starts_with("running 'join-left-split' on a cluster: join-left-split: "));
}
