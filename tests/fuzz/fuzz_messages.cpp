// Fuzz target: the messages between the processes of a cluster. The first byte says which is read;
// what can be read must be written and read again as the same bytes.
#include "cluster/codec.hpp"
#include "messages/cluster_info.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

using namespace satchel;

namespace {

template <class Message>
void try_one(const Bytes& bytes) {
    try {
        const auto message = decode<Message>(cluster::unpack(bytes));
        const auto again = cluster::pack(encode(message));
        const auto copy = decode<Message>(cluster::unpack(again));
        if (cluster::pack(encode(copy)) != again) std::abort();
    } catch (const ArchiveError&) {
        // It is no such message.
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto bytes = Bytes::copy_of(std::as_bytes(std::span(data + 1, size - 1)));
    switch (data[0] % 8) {
        case 0:
            try_one<ClientToServer>(bytes);
            break;
        case 1:
            try_one<ServerToClient>(bytes);
            break;
        case 2:
            try_one<RegisterWorker>(bytes);
            break;
        case 3:
            try_one<std::vector<FromWorker>>(bytes);
            break;
        case 4:
            try_one<WorkerBatch>(bytes);
            break;
        case 5:
            try_one<FromNanny>(bytes);
            try_one<RestartWorker>(bytes);
            break;
        case 6:
            try_one<DataRequest>(bytes);
            break;
        default:
            try_one<DataReply>(bytes);
    }
    return 0;
}
