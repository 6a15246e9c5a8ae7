// What the scheduler and a worker say to each other. Messages travel in batches over a connection
// that keeps their order. A worker is told of a layer once and then gets a few numbers a task; it
// knows of no keys.
#pragma once

#include <satchel/bytes.hpp>

#include "messages/failure.hpp"
#include "messages/names.hpp"
#include "messages/peers.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace satchel {

/// Results of up to this size ride in the message that a task is finished.
inline constexpr std::int64_t inline_bytes_max = 4096;

/// The first message of a worker.
struct RegisterWorker {
    std::string name;  ///< no other worker that lives has it
    std::string address;
    std::uint32_t threads = 1;
    std::int64_t memory_limit = 0;  ///< bytes; 0: none

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& name& address& threads& memory_limit;
    }
};

/// Tells a worker who it is. Peers follow in a message of their own.
struct Welcome {
    WorkerRef self;
    Nanoseconds heartbeat_interval = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& self& heartbeat_interval;
    }
};

/// What the tasks of a layer have in common.
struct LayerDefinition {
    LayerId layer = none;
    std::string name;
    Bytes function;
    std::vector<Bytes> literals;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& layer& name& function& literals;
    }
};

/// An input of a task: a literal of its layer (detail::literal_bit is set), or a task's result with
/// the number of workers that have it.
struct Argument {
    std::uint32_t reference = 0;
    std::uint32_t attempt = 0;
    std::int64_t nbytes = 0;
    std::uint32_t holders = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& reference& attempt& nbytes& holders;
    }
};

struct Assignment {
    TaskRef task;
    LayerId layer = none;
    std::uint32_t index = 0;     ///< in the layer
    std::uint64_t priority = 0;  ///< smaller ones first
    Nanoseconds expected = 0;    ///< 0: unknown, or not to be trusted; then it is run alone
    std::uint32_t arguments = 0;
    bool wanted = false;  ///< by a client, who would like a small result at once
    bool alone = false;   ///< nothing else is executed meanwhile; `expected` is 0

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& task& layer& index& priority& expected& arguments& wanted& alone;
    }
};

/// Tasks to compute. The arguments of all of them stand in one list, in order, and so do the
/// holders of all arguments.
struct ComputeTasks {
    std::vector<LayerDefinition> layers;
    std::vector<Assignment> tasks;
    std::vector<Argument> arguments;
    std::vector<WorkerRef> holders;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& layers& tasks& arguments& holders;
    }
};

/// Executions that are no longer needed: their results are dropped, what has not started is left
/// out, what runs is asked to stop.
struct ReleaseTasks {
    std::vector<TaskRef> tasks;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& tasks;
    }
};

/// Executions that others have time for: those that have not begun are to be handed back.
struct HandBack {
    std::vector<TaskRef> tasks;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& tasks;
    }
};

/// No more tasks of these layers will come, and their numbers may be used again.
struct ForgetLayers {
    std::vector<LayerId> layers;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& layers;
    }
};

/// Results to fetch and to keep, because who has them is about to leave.
struct Replicate {
    std::vector<TaskRef> tasks;
    std::vector<std::int64_t> nbytes;  ///< of each
    WorkerRef holder;                  ///< of all

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& tasks& nbytes& holder;
    }
};

/// Asks for an Inventory, because a digest was not what it should be.
struct InventoryRequest {
    template <class Archive>
    void serialize(Archive&, unsigned) {}
};

/// The worker shall end: it has nothing any more that anybody needs.
struct CloseWorker {
    std::string reason;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& reason;
    }
};

using ToWorker = std::variant<Welcome, PeersChanged, ComputeTasks, ReleaseTasks, HandBack,
                              ForgetLayers, Replicate, InventoryRequest, CloseWorker>;

/// What the scheduler sends at once. A worker drops a batch for another incarnation.
struct WorkerBatch {
    WorkerRef to;
    std::uint64_t sequence = 0;  ///< 1, 2, 3 … for each incarnation
    std::vector<ToWorker> messages;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& to& sequence& messages;
    }
};

struct FinishedTask {
    TaskRef task;
    std::int64_t nbytes = 0;
    Nanoseconds duration = 0;
    bool inlined = false;
    Bytes value;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& task& nbytes& duration& inlined& value;
    }
};

struct TasksFinished {
    std::vector<FinishedTask> tasks;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& tasks;
    }
};

struct TaskErred {
    TaskRef task;
    Failure failure;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& task& failure;
    }
};

/// Results that were fetched from others and may now be fetched from here.
struct KeysAdded {
    std::vector<TaskRef> tasks;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& tasks;
    }
};

/// A task was given up, because an input could not be had from any of the workers tried.
struct MissingData {
    TaskRef task;
    TaskRef input;
    std::vector<WorkerRef> tried;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& task& input& tried;
    }
};

/// Of the executions that were to be handed back, those that had not begun and now will not.
struct HandedBack {
    std::vector<TaskRef> tasks;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& tasks;
    }
};

/// What the threads work on now: what to suspect if the worker dies.
struct Executing {
    std::vector<TaskRef> tasks;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& tasks;
    }
};

/// A task waits for the cluster and needs no thread for now.
struct Seceded {
    TaskRef task;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& task;
    }
};

/// It goes on.
struct Rejoined {
    TaskRef task;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& task;
    }
};

/// The worker has so little memory left that it begins no more tasks; or it has enough again.
struct Paused {
    bool is_paused = false;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& is_paused;
    }
};

/// How a worker is. Whatever grows here is forwarded to who displays it, never decided upon.
struct WorkerMetrics {
    std::int64_t managed_bytes = 0;
    std::int64_t process_bytes = 0;
    std::uint32_t executing = 0;
    std::uint32_t ready = 0;
    std::uint32_t fetching = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& managed_bytes& process_bytes& executing& ready& fetching;
    }
};

/// A sign of life, and what the worker believes: digests of what it was told to compute and of what
/// it has, when it had received the batch of this number.
struct Heartbeat {
    std::uint64_t received = 0;
    std::uint64_t assigned = 0;
    std::uint64_t held = 0;
    WorkerMetrics metrics = {};

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& received& assigned& held& metrics;
    }
};

/// What the digests stand for, in full.
struct Inventory {
    std::uint64_t received = 0;
    std::vector<TaskRef> assigned;
    std::vector<TaskRef> held;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& received& assigned& held;
    }
};

using FromWorker = std::variant<TasksFinished, TaskErred, KeysAdded, MissingData, HandedBack,
                                Executing, Seceded, Rejoined, Paused, Heartbeat, Inventory>;

}  // namespace satchel
