// How client, scheduler and worker name things to each other. All are small numbers that the
// scheduler hands out, so that neither side hashes a key while tasks run; an attempt or an
// incarnation beside them tells an old meaning of a number from the present one.
#pragma once

#include <satchel/graph.hpp>

#include <compare>
#include <cstdint>

namespace satchel {

/// A length of time, or a time since some moment that only the driver of a machine knows.
using Nanoseconds = std::int64_t;

/// A task in the scheduler's table. Numbers of forgotten tasks are used again.
using TaskId = std::uint32_t;
/// A layer in the scheduler's table.
using LayerId = std::uint32_t;
using WorkerId = std::uint32_t;
using ClientId = std::uint32_t;

inline constexpr std::uint32_t none = UINT32_MAX;

/// One execution of a task, and its result. Attempts of one number only grow, also when the number
/// comes to stand for another task; so this names at most one value, for ever.
struct TaskRef {
    TaskId task = none;
    std::uint32_t attempt = 0;

    friend auto operator<=>(const TaskRef&, const TaskRef&) = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& task& attempt;
    }
};

/// One life of a worker: a worker that connects again is another one.
struct WorkerRef {
    WorkerId worker = none;
    std::uint32_t incarnation = 0;

    friend auto operator<=>(const WorkerRef&, const WorkerRef&) = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& worker& incarnation;
    }
};

/// Keys that follow each other: tasks first … first + count - 1 of the layer named by the token.
struct KeyRange {
    Token token;
    std::uint64_t first = 0;
    std::uint64_t count = 1;

    friend auto operator<=>(const KeyRange&, const KeyRange&) = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& token.high& token.low& first& count;
    }
};

/// A number for a set of executions that does not depend on their order: adding and taking away
/// are both `^=` with this.
[[nodiscard]] inline std::uint64_t digest_of(TaskRef ref) noexcept {
    std::uint64_t x = (std::uint64_t{ref.attempt} << 32 | ref.task) + 0x9E37'79B9'7F4A'7C15;
    x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
    x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
    return x ^ (x >> 31);
}

}  // namespace satchel
