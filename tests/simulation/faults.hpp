// What fails in the life of a simulated cluster.
#pragma once

#include "simulation/virtual_time.hpp"

#include <cstdint>

namespace satchel::simulation {

/// Which faults there are and how many, each in a thousand occasions; a seed draws its own, because
/// with all faults always on, some would hide others.
struct Faults {
    std::int64_t crash = 0;      ///< a worker dies
    std::int64_t hang = 0;       ///< a worker stands still for a while, perhaps for too long
    std::int64_t half_open = 0;  ///< what it and the scheduler send to each other gets lost
    std::int64_t cut = 0;        ///< two workers cannot reach each other
    std::int64_t slow = 0;       ///< a message takes long
    std::int64_t lose = 0;       ///< one message gets lost: no network does, but a program might
    std::int64_t retire = 0;     ///< a worker is told to leave
    std::int64_t pause = 0;      ///< a worker has no memory left, for a while
    std::int64_t fickle = 0;     ///< a client releases, cancels, tries again
    std::int64_t vanish = 0;     ///< a client goes without a word
    bool deadly = false, errors = false;
    bool nannies = false;  ///< not a fault: somebody knows what a worker that died was executing

    [[nodiscard]] static Faults draw(Random& random);
    /// Whether nothing is lost but with the last worker: at most, workers leave in good order.
    [[nodiscard]] bool are_planned() const {
        return crash + hang + half_open + cut + lose + vanish == 0 && !deadly;
    }
    /// Whether no worker dies but of a deadly task.
    [[nodiscard]] bool are_only_deadly() const { return crash + hang + half_open + lose == 0; }
    /// Whether nothing happens but work.
    [[nodiscard]] bool are_none() const { return are_planned() && retire + pause + fickle == 0; }
};

}  // namespace satchel::simulation
