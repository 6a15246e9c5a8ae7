// Promises that clients were given, and whether they are kept.
#include "simulation/client_promises.hpp"

#include "simulation/require.hpp"

#include <algorithm>
#include <variant>

namespace satchel::simulation {

void ClientPromises::told(ClientId client, const ToClient& message) {
    auto& in_memory = in_memory_[client];
    if (const auto* ready = std::get_if<KeysInMemory>(&message)) {
        for (const auto& key : ready->keys) in_memory.insert(key.key);
    } else if (const auto* lost = std::get_if<KeysLost>(&message)) {
        for (const auto& key : lost->keys) in_memory.erase(key);
    } else if (const auto* erred = std::get_if<KeyErred>(&message)) {
        in_memory.erase(erred->key);
    } else if (const auto* cancelled = std::get_if<KeysCancelled>(&message)) {
        for (const auto& key : cancelled->keys) in_memory.erase(key);
    } else if (const auto* forget = std::get_if<ForgetData>(&message)) {
        for (const auto& token : forget->layers) lent_[client].erase(token);
    }
}

void ClientPromises::released(ClientId client, const ReleaseKeys& release) {
    for (const auto& keys : release.keys) {
        for (std::uint64_t k = 0; k < keys.count; ++k) {
            in_memory_[client].erase({keys.token, keys.first + k});
        }
    }
}

void ClientPromises::leaves(ClientId client) {
    in_memory_.erase(client);
    lent_.erase(client);
}

void ClientPromises::check(const scheduler::TaskTable& tasks) const {
    for (const auto& [client, in_memory] : in_memory_) {
        for (const auto& key : in_memory) {
            const auto task = tasks.find(KeyRange{key.token, key.index, 1});
            require(task && tasks[task->first].state == scheduler::TaskState::memory,
                    "a client was not told that a result is lost");
        }
    }
}

void ClientPromises::require_nothing_lent() const {
    require(std::ranges::all_of(lent_, [](const auto& client) { return client.second.empty(); }),
            "a client keeps data for nobody");
}

}  // namespace satchel::simulation
