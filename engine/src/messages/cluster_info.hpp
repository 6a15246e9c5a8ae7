// What clients and nannies say to the scheduler's server rather than to its machine, and how the
// two kinds of messages share a connection.
#pragma once

#include "messages/client_messages.hpp"
#include "messages/worker_messages.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace satchel {

struct WorkerInfo {
    WorkerRef worker;
    std::string name;
    std::string address;
    std::uint32_t threads = 1;
    std::int64_t memory_limit = 0;  ///< bytes; 0: none
    std::int64_t processing = 0;    ///< tasks that it was told to compute
    std::int64_t held = 0;          ///< results that it has …
    std::int64_t held_bytes = 0;    ///< … and their size
    bool retiring = false;
    WorkerMetrics metrics;  ///< of its last heartbeat

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& worker& name& address& threads& memory_limit& processing& held& held_bytes&
            retiring& metrics;
    }
};

/// How a cluster is at one moment.
struct ClusterInfo {
    std::uint64_t request = 0;  ///< that of the InfoRequest
    std::string address;        ///< of the scheduler
    std::vector<WorkerInfo> workers;
    std::vector<std::pair<std::string, std::int64_t>> tasks;  ///< how many are in each state
    std::int64_t clients = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& request& address& workers& tasks& clients;
    }
};

/// Asks for a ClusterInfo.
struct InfoRequest {
    std::uint64_t request = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& request;
    }
};

/// These workers shall end, when others have what only they had. That they are gone is told by
/// PeersChanged.
struct RetireWorkers {
    std::vector<WorkerRef> workers;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& workers;
    }
};

/// All workers shall end; those that have a nanny are started again.
struct RestartWorkers {
    template <class Archive>
    void serialize(Archive&, unsigned) {}
};

/// The scheduler and all workers shall end.
struct ShutdownCluster {
    template <class Archive>
    void serialize(Archive&, unsigned) {}
};

using ClientToServer = std::variant<std::vector<FromClient>, InfoRequest, RetireWorkers,
                                    RestartWorkers, ShutdownCluster>;
using ServerToClient = std::variant<std::vector<ToClient>, ClusterInfo>;

/// A nanny watches over the worker of this name, and will tell how it ends.
struct WatchedWorker {
    std::string name;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& name;
    }
};

/// How it has ended.
struct WorkerEnded {
    std::string name;
    std::string cause;
    bool planned = false;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& name& cause& planned;
    }
};

using FromNanny = std::variant<WatchedWorker, WorkerEnded>;

/// To a nanny: its worker of this name shall end, and another one begin.
struct RestartWorker {
    std::string name;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& name;
    }
};

}  // namespace satchel
