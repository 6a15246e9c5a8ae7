// What a client and the scheduler say to each other. A graph travels as layers: a layer of ten
// million tasks is as small as one of ten. Clients name tasks by key, because two of them may mean
// the same.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/graph.hpp>

#include "messages/failure.hpp"
#include "messages/names.hpp"
#include "messages/peers.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace satchel {

/// Many tasks that differ only by their index. What each depends on is told either by rules, as in
/// a Graph, or by a list a task.
struct LayerSpec {
    Token token;       ///< task i has the key {token, i}
    std::string name;  ///< the operation: for people, and for learning how long it takes
    std::uint32_t count = 1;
    std::uint32_t retries = 0;    ///< how often each task is tried again after an exception
    Bytes function;               ///< opaque; what a worker calls
    std::vector<Bytes> literals;  ///< opaque; inputs that are values
    std::vector<Input> inputs;    ///< rules; `first` as UpdateGraph numbers tasks
    /// Instead of rules: the inputs of task i are references[ends[i - 1]] … references[ends[i]],
    /// each the number of a task or, with detail::literal_bit, of a literal. `ends` has an element
    /// for each task.
    std::vector<std::uint32_t> references = {};
    std::vector<std::uint32_t> ends = {};
    /// Instead of a function: the client has these values, of so many bytes each, and sends them to
    /// workers when it is asked to.
    std::vector<std::int64_t> data = {};
    bool everywhere = false;  ///< data: every worker shall have a copy

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& token.high& token.low& name& count& retries& function& literals& inputs&
            references& ends& data& everywhere;
    }
};

/// More tasks, and which of them the client wants. Tasks are numbered through the message: those of
/// `known`, which the scheduler has already, then those of `layers`; a task depends on smaller
/// numbers only.
struct UpdateGraph {
    std::vector<KeyRange> known;
    std::vector<LayerSpec> layers;
    std::vector<KeyRange> wanted;
    std::uint64_t watch = 0;  ///< if it is a number: under that, how far the graph has come is told

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& known& layers& wanted& watch;
    }
};

/// The client no longer wants these. What nobody else needs is dropped everywhere.
struct ReleaseKeys {
    std::vector<KeyRange> keys;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& keys;
    }
};

/// The client gives up these and everything of its own that depends on them.
struct CancelKeys {
    std::vector<KeyRange> keys;
    std::uint64_t number = 0;  ///< for the answer

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& keys& number;
    }
};

/// Tasks that failed shall be tried again, with whatever made them fail.
struct RetryKeys {
    std::vector<KeyRange> keys;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& keys;
    }
};

/// A result was not where the scheduler said that it is.
struct GatherFailed {
    Key key;
    TaskRef task;
    WorkerRef holder;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& key.token.high& key.token.low& key.index& task& holder;
    }
};

/// A value that the client was to send to a worker, and did not.
struct DataNotSent {
    TaskRef task;
    bool is_gone = false;  ///< it has it no more; else the worker could not be reached

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& task& is_gone;
    }
};

struct WhoHas {
    std::uint64_t request = 0;  ///< comes back with the answer
    std::vector<KeyRange> keys;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& request& keys;
    }
};

using FromClient = std::variant<UpdateGraph, ReleaseKeys, CancelKeys, RetryKeys, GatherFailed,
                                DataNotSent, WhoHas>;

/// A result and where it is. Small ones come along.
struct ReadyKey {
    Key key;
    TaskRef task;
    std::int64_t nbytes = 0;
    std::vector<WorkerRef> holders;
    bool inlined = false;
    Bytes value;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& key.token.high& key.token.low& key.index& task& nbytes& holders& inlined& value;
    }
};

struct ClientWelcome {
    ClientId client = none;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& client;
    }
};

/// Wanted results that are there.
struct KeysInMemory {
    std::vector<ReadyKey> keys;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& keys;
    }
};

/// Results that were there and are being computed again.
struct KeysLost {
    std::vector<Key> keys;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& keys;
    }
};

/// A wanted task failed, itself or because of `cause`, on which it depends.
struct KeyErred {
    Key key;
    Key cause;
    Failure failure;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& key.token.high& key.token.low& key.index& cause.token.high& cause.token.low& cause
            .index& failure;
    }
};

/// Keys that the client has given up, with those that depended on them. What it has asked for again
/// behind its CancelKeys of this number is not given up.
struct KeysCancelled {
    std::vector<Key> keys;
    std::uint64_t number = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& keys& number;
    }
};

/// An UpdateGraph that cannot run; nothing of it was taken.
struct GraphRefused {
    std::string reason;
    std::vector<KeyRange> wanted;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& reason& wanted;
    }
};

/// How many tasks of a graph that is watched have finished, told from time to time.
struct Progress {
    std::uint64_t watch = 0;
    std::uint64_t finished = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& watch& finished;
    }
};

/// The answer to WhoHas: the keys that are somewhere.
struct Holders {
    std::uint64_t request = 0;
    std::vector<ReadyKey> keys;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& request& keys;
    }
};

/// Values that the client has offered shall be put into workers.
struct SendData {
    struct Item {
        Key key;
        TaskRef task;
        WorkerRef to;

        template <class Archive>
        void serialize(Archive& archive, unsigned) {
            archive& key.token.high& key.token.low& key.index& task& to;
        }
    };
    std::vector<Item> items;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& items;
    }
};

/// Nobody will ask for the values of these layers any more.
struct ForgetData {
    std::vector<Token> layers;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& layers;
    }
};

using ToClient = std::variant<ClientWelcome, PeersChanged, KeysInMemory, KeysLost, KeyErred,
                              KeysCancelled, GraphRefused, Progress, SendData, ForgetData, Holders>;

}  // namespace satchel
