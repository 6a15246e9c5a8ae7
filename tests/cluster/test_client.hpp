// What the tests of clusters share: a client without any comfort, which sends graphs and receives
// results.
#pragma once

#include <satchel/executor.hpp>
#include <satchel/graph.hpp>
#include <satchel/value.hpp>

#include "cluster/peer_data.hpp"
#include "messages/cluster_info.hpp"
#include "net/connection.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace satchel_tests {

/// A layer as a client sends it.
satchel::LayerSpec layer_of(const satchel::Function& function, std::string name,
                            std::uint32_t count, std::vector<satchel::Input> inputs = {},
                            const std::vector<satchel::Value>& literals = {});

class TestClient {
  public:
    TestClient(const satchel::net::Address& scheduler,
               const satchel::net::Credentials& credentials);
    ~TestClient();

    void update(satchel::UpdateGraph graph);
    void release(const satchel::KeyRange& keys);

    /// Waits for a wanted result, and gets it. Throws what the task threw.
    satchel::Value result(const satchel::Key& key);
    template <class T>
    T get(const satchel::Token& token, std::uint64_t index = 0) {
        return result({token, index}).take<T>();
    }

    satchel::ClusterInfo info();
    /// Waits until so many workers are there.
    void wait_for_workers(std::size_t count);
    void wait_for_exactly(std::size_t count);
    /// Waits until so many workers are there, all of which came after that incarnation.
    void wait_for_workers_after(std::uint32_t incarnation, std::size_t count);
    /// Waits until the connection has ended; why.
    std::string wait_for_end();
    void send(const satchel::ClientToServer& message);

  private:
    struct Outcome {
        std::optional<satchel::ReadyKey> ready;
        std::optional<satchel::KeyErred> erred;
    };

    void received(satchel::net::Message& message);
    void on(const satchel::ClientWelcome&) {}
    void on(const satchel::PeersChanged& message);
    void on(const satchel::KeysInMemory& message);
    void on(const satchel::KeysLost& message);
    void on(const satchel::KeyErred& message);
    void on(const satchel::KeysCancelled&) {}
    void on(const satchel::GraphRefused& message);
    void on(const satchel::SendData&) {}
    void on(const satchel::Progress&) {}
    void on(const satchel::ForgetData&) {}
    void on(const satchel::Holders&) {}
    std::optional<satchel::Encoded> fetch(const satchel::ReadyKey& ready);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<satchel::Key, Outcome> outcomes_;
    std::map<satchel::WorkerRef, std::string> workers_;
    std::optional<satchel::ClusterInfo> info_;
    std::string refused_;
    std::optional<std::string> ended_;
    satchel::net::EventLoop loop_;
    std::optional<satchel::cluster::DataFetcher> fetcher_;
    satchel::net::Connection connection_;
};

}  // namespace satchel_tests
