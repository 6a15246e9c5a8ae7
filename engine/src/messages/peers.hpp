// Which workers there are: told to every worker and client, so that data goes directly between
// them; and what they ask each other for.
#pragma once

#include <satchel/bytes.hpp>

#include "messages/names.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace satchel {

struct Peer {
    WorkerRef worker;
    std::string name;
    std::string address;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& worker& name& address;
    }
};

struct PeersChanged {
    std::vector<Peer> joined;
    std::vector<WorkerRef> lost;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& joined& lost;
    }
};

/// Asks a worker for results, on behalf of another worker or of a client.
struct GetData {
    std::vector<TaskRef> tasks;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& tasks;
    }
};

/// A result, or the news that it is not here. The value is opaque: the parts of what an archive
/// wrote, so that large ones are not copied.
struct DataItem {
    TaskRef task;
    bool present = false;
    Bytes head;
    std::vector<Bytes> segments;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& task& present& head& segments;
    }
};

/// Values for a worker to keep, from a client that the scheduler has asked to send them. All items
/// are present.
struct PutData {
    std::vector<DataItem> items;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& items;
    }
};

using DataRequest = std::variant<GetData, PutData>;

/// The answer to GetData: an item for each that was asked for, in that order; to PutData, none.
struct DataReply {
    std::vector<DataItem> items;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& items;
    }
};

}  // namespace satchel
