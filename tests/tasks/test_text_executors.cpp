// Text on every executor: in this thread, on threads, on workers in this process and in others.
#include <satchel/satchel.hpp>

#include "tasks/temporary_folder.hpp"
#include "tasks/text_support.hpp"

#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace satchel;
using namespace satchel::testing;
using satchel::test::bytes_of;
using satchel::test::TemporaryFolder;

namespace {

void on_every_executor(const std::function<void(const Executor&)>& use) {
    use(SynchronousExecutor{});
    use(ThreadPoolExecutor(3));
    for (const bool processes : {false, true}) {
        CAPTURE(processes);
        const LocalCluster cluster(
            {.n_workers = 2, .threads_per_worker = 1, .processes = processes});
        const Client client(cluster);
        use(client);
    }
}

}  // namespace

TEST_CASE("lines and words are the same everywhere") {
    const TemporaryFolder folder;
    const auto text = some_lines(300'000);
    const auto plain = folder.with("a.txt", text);
    const auto packed = folder.with(
        "b.gz", std::string(compress(bytes_of(text), "gzip", {.chunk_size = 65'536}).text()));
    const auto lines = split_by_python(text, "\n");
    const auto words = read_text(plain).split().flatten().frequencies().compute();
    on_every_executor([&](const Executor& executor) {
        for (const auto& path : {plain, packed}) {
            const auto blocks = read_text(path, {.blocksize = 20'000});
            CHECK(blocks.npartitions() > 5);
            CHECK(blocks.compute(executor) == lines);
            CHECK(blocks.split().flatten().frequencies().compute(executor) == words);
        }
        const auto with_path = read_text_with_path({plain, packed}, {.files_per_partition = 2});
        CHECK(with_path.count().compute(executor) == 2 * lines.size());
    });
}

TEST_CASE("string operations and files are the same everywhere") {
    const TemporaryFolder folder;
    const auto text = some_lines(50'000);
    const auto bag = read_text(folder.with("a.txt", text), {.blocksize = 10'000});
    const auto changed = bag.strip().upper().replace("A", "*a*").match("*a*B*");
    const auto expected = changed.compute(SynchronousExecutor{});
    on_every_executor([&](const Executor& executor) {
        CHECK(changed.compute(executor) == expected);
        const auto paths = changed.to_textfiles(folder / "out/*.gz", {}, executor);
        CHECK(paths.size() == static_cast<std::size_t>(bag.npartitions()));
        CHECK(read_text(folder / "out/*.gz").strip("\n").compute() == expected);
        std::filesystem::remove_all(folder / "out");
    });
}

TEST_CASE("errors come back from everywhere") {
    const TemporaryFolder folder;
    const auto path = folder.with("a.gz", "no gzip");
    on_every_executor([&](const Executor& executor) {
        const auto error = error_of([&] { (void)read_text(path).compute(executor); });
        CHECK(error.find("a.gz: ") != std::string::npos);
        CHECK(error.find("get a good copy of it") != std::string::npos);
    });
}
