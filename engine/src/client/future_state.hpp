// FutureState: a key that a client wants, and what is known of it: behind every Future, every
// output of a graph that a client runs, and every partition of a bag that it has persisted.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/detail/kept_result.hpp>
#include <satchel/future.hpp>
#include <satchel/graph.hpp>

#include "messages/names.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace satchel::client {

class Session;

/// How people call the tasks of one submission.
struct TaskNames {
    struct Layer {
        Token token;
        std::string name;
        std::uint32_t first = 0;  ///< the number of its first task, where the name is of several
        bool is_one = true;       ///< there is no other task of this name
    };
    std::vector<Layer> layers;
    bool has_key = false;  ///< the name is a key that the user gave

    /// "compress:17"; nothing if the key is not one of these.
    [[nodiscard]] std::string label(const Key& key) const;
};

/// Is told, under the lock of the session, when a key is finished, failed or given up.
class Watcher {
  public:
    virtual void settled(std::size_t number) = 0;

  protected:
    ~Watcher() = default;
};

/// While it lives, the scheduler is told that the key is wanted. All but the first two members
/// belong to the lock of the session.
class FutureState final : public detail::KeptResult,
                          public std::enable_shared_from_this<FutureState> {
  public:
    FutureState(std::shared_ptr<Session> of, Key name, std::shared_ptr<const TaskNames> known_as)
        : session(std::move(of)), key(name), names(std::move(known_as)) {}
    ~FutureState() override;

    [[nodiscard]] Value fetch() const override;
    [[nodiscard]] std::string label() const { return names->label(key); }

    const std::shared_ptr<Session> session;
    const Key key;
    const std::shared_ptr<const TaskNames> names;
    FutureStatus status = FutureStatus::pending;
    bool is_inlined = false;
    TaskRef task;
    std::int64_t nbytes = 0;
    std::vector<WorkerRef> holders;
    Bytes value;  // if it is inlined
    std::exception_ptr error;
    std::uint64_t cancels_before = 0;  // how many the session had sent when it was last asked for
    std::uint32_t submissions = 0;     // that were not refused
    bool is_refused = false;           // the last one was
    std::vector<std::pair<Watcher*, std::size_t>> watchers;
};

using StatePtr = std::shared_ptr<FutureState>;

}  // namespace satchel::client
