// The tests' own client.
#include "cluster/test_client.hpp"

#include <satchel/archive.hpp>
#include <satchel/error.hpp>

#include "cluster/codec.hpp"
#include "cluster/failure.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace satchel_tests {

using namespace satchel;

LayerSpec layer_of(const Function& function, std::string name, std::uint32_t count,
                   std::vector<Input> inputs, const std::vector<Value>& literals) {
    LayerSpec layer;
    layer.token = Token::unique();
    layer.name = std::move(name);
    layer.count = count;
    layer.function = cluster::pack(encode(function));
    for (const auto& literal : literals) layer.literals.push_back(cluster::pack(encode(literal)));
    layer.inputs = std::move(inputs);
    return layer;
}

TestClient::TestClient(const net::Address& scheduler, const net::Credentials& credentials) {
    const net::Identity identity{.role = net::Role::client, .credentials = credentials};
    loop_.call([&] { fetcher_.emplace(loop_, identity); });
    connection_ = net::connect(loop_, scheduler, {.identity = identity});
    connection_.start({.received = [this](auto& message) { received(message); },
                       .closed =
                           [this](const net::Closed& why) {
                               const std::lock_guard lock(mutex_);
                               ended_ = why.text;
                               changed_.notify_all();
                           }});
}

TestClient::~TestClient() {
    loop_.call([&] {
        fetcher_.reset();
        connection_ = {};
    });
}

void TestClient::send(const ClientToServer& message) {
    loop_.call([&] { cluster::send(connection_, message); });
}

void TestClient::update(UpdateGraph graph) {
    send(std::vector<FromClient>{FromClient(std::move(graph))});
}

void TestClient::release(const KeyRange& keys) {
    send(std::vector<FromClient>{FromClient(ReleaseKeys{{keys}})});
}

Value TestClient::result(const Key& key) {
    while (true) {
        Outcome outcome;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [&] {
                return ended_ || !refused_.empty() || outcomes_[key].ready || outcomes_[key].erred;
            });
            if (!refused_.empty()) throw GraphError(refused_);
            outcome = outcomes_[key];
            if (!outcome.ready && !outcome.erred) throw ConnectionError(*ended_);
        }
        if (outcome.erred) {
            std::rethrow_exception(cluster::make_exception(outcome.erred->failure, "the task"));
        }
        if (outcome.ready->inlined) {
            return decode<Value>(cluster::unpack(outcome.ready->value));
        }
        if (auto fetched = fetch(*outcome.ready)) return decode<Value>(std::move(*fetched));
        {
            // It will come again.
            const std::lock_guard lock(mutex_);
            auto& newest = outcomes_[key].ready;
            if (newest && newest->task == outcome.ready->task) newest.reset();
        }
        send(std::vector<FromClient>{
            FromClient(GatherFailed{key, outcome.ready->task, outcome.ready->holders.at(0)})});
    }
}

std::optional<Encoded> TestClient::fetch(const ReadyKey& ready) {
    std::string address;
    {
        std::unique_lock lock(mutex_);
        address = workers_[ready.holders.at(0)];
    }
    std::promise<std::optional<Encoded>> result;
    loop_.call([&] {
        fetcher_->fetch(address, {ready.task}, [&](auto items, const auto&) {
            if (!items || !items->front().present) return result.set_value(std::nullopt);
            auto& item = items->front();
            result.set_value(Encoded{std::move(item.head), std::move(item.segments)});
        });
    });
    return result.get_future().get();
}

ClusterInfo TestClient::info() {
    send(InfoRequest{1});
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return info_ || ended_; });
    if (!info_) throw ConnectionError(*ended_);
    return *std::exchange(info_, std::nullopt);
}

void TestClient::wait_for_workers(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return workers_.size() >= count; });
}

void TestClient::wait_for_exactly(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return workers_.size() == count; });
}

void TestClient::wait_for_workers_after(std::uint32_t incarnation, std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
        return workers_.size() == count && std::ranges::all_of(workers_, [&](const auto& worker) {
                   return worker.first.incarnation > incarnation;
               });
    });
}

std::string TestClient::wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_.has_value(); });
    return *ended_;
}

void TestClient::received(net::Message& message) {
    auto all = cluster::receive<ServerToClient>(message);
    const std::lock_guard lock(mutex_);
    if (auto* info = std::get_if<ClusterInfo>(&all)) {
        info_ = std::move(*info);
    } else {
        for (const auto& one : std::get<0>(all)) {
            std::visit([&](const auto& event) { on(event); }, one);
        }
    }
    changed_.notify_all();
}

void TestClient::on(const PeersChanged& message) {
    for (const auto& peer : message.joined) workers_[peer.worker] = peer.address;
    for (const auto& worker : message.lost) workers_.erase(worker);
}

void TestClient::on(const KeysInMemory& message) {
    for (const auto& ready : message.keys) outcomes_[ready.key].ready = ready;
}

void TestClient::on(const KeysLost& message) {
    for (const auto& key : message.keys) outcomes_[key].ready.reset();
}

void TestClient::on(const KeyErred& message) { outcomes_[message.key].erred = message; }

void TestClient::on(const GraphRefused& message) { refused_ = message.reason; }

}  // namespace satchel_tests
