// Asking for results, giving values, and answering.
#include "cluster/peer_data.hpp"

#include "cluster/codec.hpp"

#include <deque>
#include <exception>
#include <utility>
#include <variant>

namespace satchel::cluster {

struct DataFetcher::Link {
    struct Question {
        std::vector<TaskRef> tasks;  // of which results are to come
        Encoded unsent;              // until there is a connection
        Done done;
    };
    net::Connection connection;
    std::deque<Question> questions;  // the answers come in their order
};

DataFetcher::DataFetcher(net::EventLoop& loop, net::Identity identity)
    : loop_(loop), identity_(std::move(identity)), self_(std::make_shared<DataFetcher*>(this)) {}
DataFetcher::~DataFetcher() { *self_ = nullptr; }

void DataFetcher::fetch(const std::string& address, std::vector<TaskRef> tasks, Done done) {
    const GetData request{tasks};
    ask(address, request, std::move(tasks), std::move(done));
}

void DataFetcher::put(const std::string& address, const PutData& data, Done done) {
    ask(address, data, {}, std::move(done));
}

void DataFetcher::ask(const std::string& address, const DataRequest& request,
                      std::vector<TaskRef> tasks, Done done) {
    auto& link = links_[address];
    const bool is_new = link == nullptr;
    if (is_new) link = std::make_unique<Link>();
    auto message = encode(request);
    if (link->connection) send_encoded(link->connection, std::exchange(message, {}));
    link->questions.push_back({std::move(tasks), std::move(message), std::move(done)});
    if (is_new) open(address, *link);
}

void DataFetcher::open(const std::string& address, Link& link) {
    const auto fail_later = [&](const std::string& why) {
        loop_.post([self = self_, address, why] {
            if (*self != nullptr) (*self)->fail(address, why);
        });
    };
    const auto connected = [self = self_, address, of = &link](net::ConnectResult result) {
        if (*self == nullptr) return;
        auto& fetcher = **self;
        const auto found = fetcher.links_.find(address);
        if (found == fetcher.links_.end() || found->second.get() != of) return;
        if (!result.connection) return fetcher.fail(address, result.error);
        auto& connection = found->second->connection = std::move(result.connection);
        connection.start(
            {.received = [&fetcher, address](auto& message) { fetcher.received(address, message); },
             .closed = [&fetcher, address](const auto&) { fetcher.fail(address); }});
        for (auto& question : found->second->questions) {
            send_encoded(connection, std::exchange(question.unsent, {}));
        }
    };
    try {
        net::connect_soon(loop_, net::Address::parse(address), {.identity = identity_}, connected);
    } catch (const Error& error) {
        fail_later(error.what());  // no address, or one that is refused
    }
}

void DataFetcher::received(const std::string& address, net::Message& message) {
    auto reply = receive<DataReply>(message);
    auto& link = *links_.at(address);
    if (link.questions.empty()) throw ArchiveError("results came that nobody has asked for");
    const auto& asked = link.questions.front().tasks;
    bool fits = reply.items.size() == asked.size();
    for (std::size_t k = 0; fits && k < asked.size(); ++k) fits = reply.items[k].task == asked[k];
    if (!fits) throw ArchiveError("the results are not those that were asked for");
    const auto done = std::move(link.questions.front().done);
    link.questions.pop_front();
    done(std::move(reply.items), {});
}

void DataFetcher::fail(const std::string& address, const std::string& unreached) {
    const auto found = links_.find(address);
    if (found == links_.end()) return;
    const auto link = std::move(found->second);
    links_.erase(found);
    const auto self = self_;
    for (const auto& question : link->questions) {
        if (*self != nullptr) question.done(std::nullopt, unreached);
    }
}

void DataFetcher::give_up() {
    while (!links_.empty()) fail(std::string(links_.begin()->first));
}

struct DataServer::Asker {
    net::Connection connection;
};

DataServer::DataServer(net::EventLoop& loop, HelperThread& helper, Find find, Put put)
    : loop_(loop),
      helper_(helper),
      find_(std::move(find)),
      put_(std::move(put)),
      self_(std::make_shared<DataServer*>(this)) {}
DataServer::~DataServer() { *self_ = nullptr; }

void DataServer::accept(net::Connection connection) {
    const auto number = next_asker_++;
    auto& asker = *(askers_[number] = std::make_unique<Asker>());
    asker.connection = std::move(connection);
    asker.connection.start({.received =
                                [this, number](auto& message) {
                                    auto request = receive<DataRequest>(message);
                                    if (auto* data = std::get_if<PutData>(&request)) {
                                        put_(std::move(data->items));
                                        return answer(number, {});  // in its turn
                                    }
                                    answer(number, std::get<GetData>(request));
                                },
                            .closed = [this, number](const auto&) { askers_.erase(number); },
                            .drained = [&asker] { asker.connection.resume(); }});
}

void DataServer::answer(std::uint64_t asker, const GetData& question) {
    std::vector<std::pair<TaskRef, std::shared_ptr<StoredValue>>> found;
    found.reserve(question.tasks.size());
    for (const auto task : question.tasks) found.emplace_back(task, find_(task));
    helper_.post([self = self_, loop = &loop_, asker, found = std::move(found)] {
        DataReply reply;
        for (const auto& [task, value] : found) {
            auto& item = reply.items.emplace_back();
            item.task = task;
            if (!value) continue;
            try {
                auto encoded = value->encoded();
                item = {task, true, std::move(encoded.head), std::move(encoded.segments)};
            } catch (const std::exception&) {
                // It could be encoded when it was computed; now there is no memory, perhaps.
                item.present = false;
            }
        }
        loop->post([self, asker, message = encode(reply)] {
            if (*self != nullptr) (*self)->reply(asker, message);
        });
    });
}

void DataServer::reply(std::uint64_t number, Encoded message) {
    const auto found = askers_.find(number);
    if (found == askers_.end()) return;
    auto& connection = found->second->connection;
    send_encoded(connection, std::move(message));
    // Who does not take what it has asked for may not ask for more.
    if (connection.queued() > net::Connection::high_water) connection.pause();
}

}  // namespace satchel::cluster
