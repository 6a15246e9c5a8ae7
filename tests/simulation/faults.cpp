// Which faults a seed has.
#include "simulation/faults.hpp"

namespace satchel::simulation {

Faults Faults::draw(Random& random) {
    const auto some = [&](std::int64_t seeds, std::int64_t most) -> std::int64_t {
        return random.chance(seeds) ? random(1, most) : 0;
    };
    Faults faults;
    faults.crash = some(500, 150);
    faults.hang = some(300, 80);
    faults.half_open = some(250, 60);
    faults.cut = some(300, 150);
    faults.slow = some(600, 100);
    faults.lose = some(150, 60);
    faults.retire = some(250, 60);
    faults.pause = some(200, 100);
    faults.fickle = some(500, 400);
    faults.vanish = some(200, 60);
    faults.deadly = random.chance(200);
    faults.errors = random.chance(500);
    faults.nannies = random.chance(300);
    // Where nothing is lost, nothing may be repeated: a fault that recovery hides is seen there.
    const bool is_peaceful = random.chance(150);
    if (is_peaceful || random.chance(100)) {
        return {.slow = faults.slow,
                .retire = is_peaceful ? 0 : random(20, 100),
                .fickle = is_peaceful ? 0 : faults.fickle,
                .errors = faults.errors};
    }
    return faults;
}

}  // namespace satchel::simulation
