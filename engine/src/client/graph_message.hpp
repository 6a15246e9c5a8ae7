// Graphs as they are sent: a layer stays one, whatever its size, and tasks that were added alone
// are gathered into layers where they call the same.
#pragma once

#include <satchel/graph.hpp>

#include "client/future_state.hpp"
#include "messages/client_messages.hpp"

#include <memory>
#include <vector>

namespace satchel::client {

struct GraphMessage {
    UpdateGraph update;
    std::shared_ptr<const TaskNames> names;
    std::vector<Key> outputs;  // in the order in which they were asked for
};

/// Throws TravelError, which names the task, if a function or a literal cannot be sent; GraphError
/// if the graph cannot run.
[[nodiscard]] GraphMessage make_graph_message(Graph graph, std::vector<TaskIndex> outputs);

}  // namespace satchel::client
