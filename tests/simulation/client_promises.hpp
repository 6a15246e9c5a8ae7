// What the scheduler owes to clients for what it has told them, and for what they have given it.
#pragma once

#include "messages/client_messages.hpp"
#include "scheduler/task_table.hpp"

#include <map>
#include <set>

namespace satchel::simulation {

class ClientPromises {
  public:
    /// The scheduler has told a client something.
    void told(ClientId client, const ToClient& message);
    /// A client wants no more to hear of some results.
    void released(ClientId client, const ReleaseKeys& release);
    /// The scheduler counts on a client to keep a layer of data.
    void lent(ClientId client, const Token& layer) { lent_[client].insert(layer); }
    void leaves(ClientId client);

    /// What clients were told to be in memory is there.
    void check(const scheduler::TaskTable& tasks) const;
    /// Nobody needs anything any more.
    void require_nothing_lent() const;

  private:
    std::map<ClientId, std::set<Key>> in_memory_;
    std::map<ClientId, std::set<Token>> lent_;
};

}  // namespace satchel::simulation
