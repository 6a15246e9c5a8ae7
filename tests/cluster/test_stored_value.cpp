// StoredValue: a value as an object, as bytes, and with bytes that are in a file.
#include "cluster/stored_value.hpp"

#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace satchel;
using satchel::cluster::StoredValue;

namespace {

using Numbers = std::vector<std::int64_t>;

// Some segments are worth a file, the rest stays where it is.
Value some_value() {
    return Value::of(std::vector<Numbers>{Numbers(50'000, 1), {2, 3}, Numbers(70'000, 4)});
}

}  // namespace

TEST_CASE("what is set aside comes back") {
    const auto before = encode(some_value());
    StoredValue stored{Encoded(before)};
    stored.set_aside();
    stored.set_aside();
    CHECK(stored.nbytes() == static_cast<std::int64_t>(before.size()));
    const auto after = stored.encoded();
    CHECK(after.head.text() == before.head.text());
    REQUIRE(after.segments.size() == before.segments.size());
    for (std::size_t k = 0; k < after.segments.size(); ++k) {
        CHECK(after.segments[k].text() == before.segments[k].text());
    }
    const auto value = stored.value();
    CHECK(value.get<std::vector<Numbers>>() == some_value().get<std::vector<Numbers>>());
    stored.set_aside();  // it is an object now
    CHECK(stored.value().get<std::vector<Numbers>>()[2].size() == 70'000);
    CHECK(stored.encoded().size() == before.size());
}

TEST_CASE("values are set aside while others look at them") {
    for (int round = 0; round < 20; ++round) {
        StoredValue stored{encode(some_value())};
        std::vector<std::thread> threads;
        threads.emplace_back([&] { stored.set_aside(); });
        threads.emplace_back([&] { (void)stored.encoded(); });
        threads.emplace_back([&] { (void)stored.value(); });
        for (auto& thread : threads) thread.join();
        CHECK(stored.value().get<std::vector<Numbers>>()[0].size() == 50'000);
    }
}

TEST_CASE("a result of its own stays an object") {
    StoredValue stored(some_value());
    stored.set_aside();
    CHECK(stored.value().get<std::vector<Numbers>>()[1] == Numbers{2, 3});
}
