// Looks through the log of a web server, a JSON object a line: which hosts ask most, and what part
// of the requests fails in each hour. The file is read in blocks, by all threads, and is never in
// memory as a whole.
//
//     log_analysis [LINES]       100 bytes a line; 10 000 lines unless told otherwise
//
// Output:
// 10000 requests in 8 files
// 10.0.0.0   2577
// 10.0.0.1    864
// 10.0.0.2    406
// hour 00:  2.81 % of 391 fail
// hour 01:  2.44 % of 409 fail
// hour 13: 18.29 % of 410 fail
#include <satchel/satchel.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace satchel::literals;

namespace {

struct Request {
    std::string host;
    int hour = 0;
    bool fails = false;
};

// The same for every n, wherever it is made. Few hosts ask often, and at 13 o'clock much fails.
std::string line_of(std::int64_t n) {
    const auto random = [&](std::uint64_t below) {
        return satchel::stable_hash(std::pair(n, below)) % below;
    };
    const auto minute = n % 1440 * 7919 % 1440;
    const auto host = 40 / (1 + random(40)) - 1 + random(2) * random(200);
    const bool fails = random(100) < (minute / 60 == 13 ? 20U : 2U);
    return fmt::format(R"({{"time":"2026-01-31T{:02}:{:02}:00Z","host":"10.0.0.{}",)"
                       R"("path":"/item/{}","status":{},"bytes":{}}})",
                       minute / 60, minute % 60, host, random(5000), fails ? 500 : 200,
                       random(90'000));
}

Request parsed(const std::string& line) {
    const auto json = nlohmann::json::parse(line);
    return {json.at("host").get<std::string>(),
            std::stoi(json.at("time").get_ref<const std::string&>().substr(11, 2)),
            json.at("status").get<int>() >= 500};
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t n = argc > 1 ? std::stoll(argv[1]) : 10'000;
    const auto folder =
        std::filesystem::temp_directory_path() / fmt::format("satchel-log-{}", ::getpid());
    const auto files = satchel::range(n, 8).map(line_of).to_textfiles(folder / "*.jsonl");

    const auto requests = satchel::read_text(files, {.blocksize = 16_MiB}).map(parsed);

    // Two runs: in one, the requests would be kept for whoever comes second.
    const auto hosts = requests.map(&Request::host).frequencies({.sort = true});
    const auto by_hour = requests.foldby(
        &Request::hour,
        [](std::pair<int, int> sum, const Request& request) {
            return std::pair(sum.first + 1, sum.second + (request.fails ? 1 : 0));
        },
        std::pair(0, 0),
        [](std::pair<int, int> a, std::pair<int, int> b) {
            return std::pair(a.first + b.first, a.second + b.second);
        });

    const auto top = hosts.take(3);
    const auto rates = by_hour.compute();
    std::map<int, std::pair<int, int>> hours(rates.begin(), rates.end());
    int total = 0;
    for (const auto& [hour, sum] : hours) total += sum.first;
    fmt::print("{} requests in {} files\n", total, files.size());
    for (const auto& [host, count] : top) fmt::print("{:<9} {:5}\n", host, count);
    for (const int hour : {0, 1, 13}) {
        const auto [count, failed] = hours[hour];
        fmt::print("hour {:02}: {:5.2f} % of {} fail\n", hour, 100.0 * failed / count, count);
    }
    std::filesystem::remove_all(folder);
}
