// Graphs as they are sent: a layer stays one, whatever its size, and tasks that were added alone
// are gathered into layers where they call the same. Large values and functions with much data are
// offered as data, which goes from the client to workers directly.
#pragma once

#include <satchel/graph.hpp>

#include "client/session.hpp"
#include "messages/client_messages.hpp"

#include <memory>
#include <vector>

namespace satchel::client {

struct GraphMessage {
    UpdateGraph update;
    std::shared_ptr<const TaskNames> names;
    std::vector<Key> outputs;  // in the order in which they were asked for
    std::vector<Offer> offers;
    Graph graph;  // as it is sent: the kept results that it holds must live until it has been
};

/// Throws TravelError, which names the task, if a function or a literal cannot be sent; GraphError
/// if the graph cannot run. Results that other executors keep are fetched.
[[nodiscard]] GraphMessage make_graph_message(Graph graph, std::vector<TaskIndex> outputs,
                                              const Session& session);

/// The layer that an offer is for.
[[nodiscard]] LayerSpec data_layer(const Offer& offer, const std::string& name);

/// Adds a key to a list, as part of its last range if it follows that.
void append_key(std::vector<KeyRange>& ranges, const Key& key);

}  // namespace satchel::client
