// States of wanted keys, and how people call them.
#include "client/future_state.hpp"

#include "client/session.hpp"

#include <fmt/format.h>

namespace satchel::client {

std::string TaskNames::label(const Key& key) const {
    for (const auto& layer : layers) {
        if (layer.token != key.token) continue;
        if (layer.is_one) return layer.name;
        return fmt::format("{}:{}", layer.name, layer.first + key.index);
    }
    return {};
}

FutureState::~FutureState() { session->release(*this); }

}  // namespace satchel::client
