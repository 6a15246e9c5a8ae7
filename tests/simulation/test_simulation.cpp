// Lives of whole clusters, each from a seed: as many as fit into the time, or exactly those that
// are asked for.
//
//     SATCHEL_SIMULATION_SECONDS=60 test_simulation           for so long
//     SATCHEL_SIMULATION_FIRST=1000 SATCHEL_SIMULATION_SEEDS=50 test_simulation
//     SATCHEL_SIMULATION_STORY=1 with one seed                what happened, event by event
#include "simulation/world.hpp"

#include <chrono>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace {

using satchel::simulation::Sightings;
using satchel::simulation::World;

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
    const auto* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// What went wrong in a life, or nothing.
std::string live(std::uint64_t seed, Sightings* sightings = nullptr) {
    World world(seed);
    world.tells = std::getenv("SATCHEL_SIMULATION_STORY") != nullptr;
    try {
        world.run();
    } catch (const std::exception& error) {
        return error.what();
    }
    if (sightings != nullptr) {
        for (const auto& [what, count] : world.sightings().counts) sightings->counts[what] += count;
    }
    return {};
}

// What happens in every twentieth life at least. If so many lives do not have it, they have become
// duller than they are meant to be, and that they are all right proves less.
constexpr std::uint64_t lives_with_everything = 500;
constexpr std::string_view usual_sightings[] = {
    "cancelled",     "client vanishes", "cut",         "data is gone",    "data is lost",
    "data not sent", "erred",           "fetch fails", "follows at once", "gather fails",
    "half open",     "hands back",      "hangs",       "key lost",        "killed workers",
    "lost a batch",  "lost a report",   "pauses",      "refused",         "resumes",
    "secedes",       "shall be alone",  "throws",      "thread relieved", "worker crashes",
    "worker lost",   "worker retires",
};

}  // namespace

TEST_CASE("simulation: whatever fails, all that is wanted comes, and is right") {
    const auto first = number_in("SATCHEL_SIMULATION_FIRST", 1);
    const auto seeds = number_in("SATCHEL_SIMULATION_SEEDS", UINT64_MAX - first);
    const auto seconds = number_in("SATCHEL_SIMULATION_SECONDS", seeds > 1'000'000 ? 150 : 86'400);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    Sightings sightings;
    std::uint64_t seed = first;
    for (; seed < first + seeds && std::chrono::steady_clock::now() < end; ++seed) {
        const auto wrong = live(seed, &sightings);
        INFO("seed ", seed, ": ", wrong);
        INFO("to see it again: SATCHEL_SIMULATION_FIRST=", seed,
             " SATCHEL_SIMULATION_SEEDS=1 build/dev/tests/simulation/test_simulation");
        REQUIRE(wrong.empty());
    }
    const auto lives = seed - first;
    fmt::print("{} lives\n", lives);
    for (const auto& [what, count] : sightings.counts) fmt::print("{:>12} {}\n", count, what);
    REQUIRE(lives > 0);
    if (lives < lives_with_everything) return;
    for (const auto what : usual_sightings) {
        CAPTURE(what);
        CHECK(sightings.counts.contains(std::string(what)));
    }
}

TEST_CASE("simulation: equal seeds, equal lives") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        World one(seed), other(seed), next(seed + 1);
        one.run();
        other.run();
        next.run();
        CHECK(one.trace() == other.trace());
        CHECK(one.trace() != next.trace());
    }
}
