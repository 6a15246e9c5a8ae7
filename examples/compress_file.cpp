// Compresses a file in one call, then by worker processes, and compares what comes back. In the
// second way, a task gets a description of its chunk and reads that itself, so the whole file is
// never in memory. Chunks are compressed by themselves and still make one valid zlib stream,
// because a joiner writes what has to stand before, between and after them.
//
// Output:
// <Client: 'tcp://127.0.0.1:...' processes=4 threads=8, memory=16.00 GB>
// sample.txt: 100.00 MB
// sequential: ... s, ... MB
// parallel:   ... s, ... MB, ... times as fast
// verified:   the same bytes come back
#include <satchel/satchel.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

using namespace satchel::literals;

namespace {

constexpr satchel::CompressOptions options{.level = 6};

double now() {
    const auto time = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(time).count();
}
double megabytes(std::string_view path) {
    return static_cast<double>(satchel::file_status(path).size) / 1e6;
}

// 1. A file of `size` bytes: numbered lines.
void make_file(const std::string& path, std::size_t size) {
    std::string text;
    for (std::int64_t i = 0; text.size() < size; ++i) {
        for (int k = 0; k < 10; ++k) text += fmt::format("Línea de prueba {} ", i);
        text += '\n';
    }
    text.resize(size);
    satchel::OutputFile file(path);
    file.write(satchel::Bytes(std::move(text)));
    file.commit();  // only now is there a file of this name
}

// 2. The sequential way: read all, compress it in one call, write.
void compress_sequentially(const std::string& input, const std::string& output) {
    satchel::OutputFile file(output);
    file.write(satchel::compress(satchel::read_file(input), "zlib", options));
    file.commit();
}

// 3. The parallel way: a bag of chunks of 10 MB, each compressed by itself, written in order.
satchel::CompressedChunk compress_chunk(const satchel::Bytes& chunk) {
    return satchel::codec("zlib").compress_chunk(chunk, options);
}
void compress_in_parallel(const std::string& input, const std::string& output) {
    const auto chunks = satchel::read_binary(input, {.blocksize = 10_MB});
    const auto joiner = satchel::codec("zlib").joiner(options);
    satchel::OutputFile file(output);
    file.write(joiner->begin());
    chunks.map(compress_chunk).for_each_partition([&](const auto& compressed) {
        for (const auto& chunk : compressed) file.write(joiner->append(chunk));
    });
    file.write(joiner->finish());
    file.commit();
}

}  // namespace

int main(int argc, char** argv) {
    satchel::init(argc, argv);  // the workers are this program, started again
    const satchel::LocalCluster cluster(
        {.n_workers = 4, .threads_per_worker = 2, .memory_limit = 4_GB});
    const satchel::Client client(cluster);  // runs what is computed while it lives
    fmt::print("{}\n", client);

    make_file("sample.txt", 100_MB);
    fmt::print("sample.txt: {:.2f} MB\n", megabytes("sample.txt"));

    auto start = now();
    compress_sequentially("sample.txt", "sequential.zz");
    const auto sequential = now() - start;
    fmt::print("sequential: {:.2f} s, {:.2f} MB\n", sequential, megabytes("sequential.zz"));

    start = now();
    compress_in_parallel("sample.txt", "parallel.zz");
    const auto parallel = now() - start;
    fmt::print("parallel:   {:.2f} s, {:.2f} MB, {:.1f} times as fast\n", parallel,
               megabytes("parallel.zz"), sequential / parallel);

    // 4. Decompress, and compare with the original.
    const auto restored = satchel::decompress(satchel::read_file("parallel.zz"));
    const bool equal = restored.text() == satchel::read_file("sample.txt").text();
    fmt::print("verified:   {}\n", equal ? "the same bytes come back" : "THEY DIFFER");
    return equal ? 0 : 1;
}
