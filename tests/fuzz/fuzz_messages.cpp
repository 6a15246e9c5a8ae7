// Fuzz target: the messages between the processes of a cluster. The first byte says which is read;
// what can be read must be written and read again as the same bytes.
#include "cluster/codec.hpp"
#include "fuzz.hpp"
#include "messages/cluster_info.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

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

// An archive that gives the fields of a message values, and every list two elements.
struct Filler {
    template <class T>
    Filler& operator&(T& field) {
        fill(field);
        return *this;
    }

  private:
    template <class T>
    void fill(T& field) {
        if constexpr (std::is_arithmetic_v<T>) {
            field = T{1};
        } else if constexpr (requires { field.serialize(*this, 0); }) {
            field.serialize(*this, 0);
        } else {
            field = T{};
        }
    }
    static void fill(std::string& text) { text = "text"; }
    static void fill(Bytes& bytes) { bytes = Bytes::copy_of("bytes"); }
    template <class T, class U>
    void fill(std::pair<T, U>& both) {
        fill(both.first);
        fill(both.second);
    }
    template <class T>
    void fill(std::vector<T>& list) {
        list.resize(2);
        for (auto& element : list) fill(element);
    }
    template <class... T>
    void fill(std::variant<T...>& one) {
        std::visit([](auto& field) { Filler() & field; }, one);
    }
};

// Adds the message as a seed.
template <class Message>
void add(std::vector<std::string>& seeds, char what, Message message) {
    Filler() & message;
    seeds.push_back(what + std::string(cluster::pack(encode(message)).text()));
}

// All messages of the variant, each put into what is sent by `wrap`.
template <class Variant, class Wrap, std::size_t... I>
void add_all(std::vector<std::string>& seeds, char what, Wrap wrap, std::index_sequence<I...>) {
    (add(seeds, what, wrap(Variant(std::in_place_index<I>))), ...);
}

template <class Variant, class Wrap = std::identity>
void add_all(std::vector<std::string>& seeds, char what, Wrap wrap = {}) {
    add_all<Variant>(seeds, what, wrap, std::make_index_sequence<std::variant_size_v<Variant>>());
}

}  // namespace

std::vector<std::string> satchel::fuzz::seeds() {
    std::vector<std::string> all;
    add_all<ClientToServer>(all, 0);
    add_all<FromClient>(all, 0, [](auto message) { return ClientToServer(std::vector{message}); });
    add_all<ServerToClient>(all, 1);
    add_all<ToClient>(all, 1, [](auto message) { return ServerToClient(std::vector{message}); });
    add(all, 2, RegisterWorker());
    add_all<FromWorker>(all, 3, [](auto message) { return std::vector{message}; });
    add_all<ToWorker>(all, 4, [](auto message) { return WorkerBatch{{}, 1, {message}}; });
    add_all<FromNanny>(all, 5);
    add(all, 5, RestartWorker());
    add_all<DataRequest>(all, 6);
    add(all, 7, DataReply());
    return all;
}

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
