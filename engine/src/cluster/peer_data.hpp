// Values on their way between workers, and between workers and clients: DataRequest and DataReply,
// over connections of their own, so that they are in nobody's way.
#pragma once

#include "cluster/helper_thread.hpp"
#include "cluster/stored_value.hpp"
#include "messages/peers.hpp"
#include "net/connection.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace satchel::cluster {

/// Asks others for results, and gives them values. A worker asks each peer for one thing at a time,
/// a client for several. In the thread of the loop.
class DataFetcher {
  public:
    /// The items in the order in which they were asked for; nothing, if they could not be had, and
    /// then why there was no connection, if there was none.
    using Done =
        std::function<void(std::optional<std::vector<DataItem>>, const std::string& unreached)>;

    DataFetcher(net::EventLoop& loop, net::Identity identity);
    ~DataFetcher();
    DataFetcher(const DataFetcher&) = delete;
    DataFetcher& operator=(const DataFetcher&) = delete;

    /// `done` is called later, but never after this was destroyed.
    void fetch(const std::string& address, std::vector<TaskRef> tasks, Done done);
    /// The same; no items mean that the values have arrived.
    void put(const std::string& address, const PutData& data, Done done);
    /// What was asked for there, and has not come, will not be had; or what was asked for anywhere.
    void give_up(const std::string& address) { fail(address); }
    void give_up();

  private:
    struct Link;

    void ask(const std::string& address, const DataRequest& request, std::vector<TaskRef> tasks,
             Done done);
    void open(const std::string& address, Link& link);
    void received(const std::string& address, net::Message& message);
    void fail(const std::string& address, const std::string& unreached = {});

    net::EventLoop& loop_;
    net::Identity identity_;
    std::map<std::string, std::unique_ptr<Link>> links_;
    std::shared_ptr<DataFetcher*> self_;  // empty once this was destroyed
};

/// Answers those who ask, and takes what they give. In the thread of the loop.
class DataServer {
  public:
    /// What a worker has, or null.
    using Find = std::function<std::shared_ptr<StoredValue>(TaskRef)>;
    using Put = std::function<void(std::vector<DataItem>)>;

    /// `helper` encodes; it may outlive this.
    DataServer(net::EventLoop& loop, HelperThread& helper, Find find, Put put);
    ~DataServer();
    DataServer(const DataServer&) = delete;
    DataServer& operator=(const DataServer&) = delete;

    void accept(net::Connection connection);

  private:
    struct Asker;

    void answer(std::uint64_t asker, const GetData& question);
    void reply(std::uint64_t asker, Encoded message);

    net::EventLoop& loop_;
    HelperThread& helper_;
    Find find_;
    Put put_;
    std::map<std::uint64_t, std::unique_ptr<Asker>> askers_;
    std::uint64_t next_asker_ = 0;
    std::shared_ptr<DataServer*> self_;
};

}  // namespace satchel::cluster
