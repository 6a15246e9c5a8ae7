// States of wanted keys, and how people call them.
#include "client/future_state.hpp"

#include "client/gather.hpp"
#include "client/session.hpp"

#include <memory>
#include <utility>

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

Value FutureState::fetch() const {
    auto self = std::const_pointer_cast<FutureState>(shared_from_this());
    return std::move(Gather::start({std::move(self)})->take().front());
}

}  // namespace satchel::client
