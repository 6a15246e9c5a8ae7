// The client: calls as layers of a message, and questions about the cluster.
#include <satchel/archive.hpp>
#include <satchel/client.hpp>
#include <satchel/error.hpp>
#include <satchel/local_cluster.hpp>
#include <satchel/units.hpp>

#include "client/gather.hpp"
#include "client/graph_message.hpp"
#include "client/remote_executor.hpp"
#include "cluster/access.hpp"
#include "cluster/codec.hpp"
#include "graph/default_executors.hpp"
#include "net/connection_file.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace satchel {
namespace {

using client::RemoteExecutor;

// For new workers to come in place of those that a restart has ended.
constexpr std::chrono::seconds restart_timeout{60};

std::shared_ptr<RemoteExecutor> open(const std::string& file) {
    const auto content = net::read_connection_file(file);
    if (content.addresses.empty()) {
        throw ConnectionError(
            fmt::format("connecting to the cluster of '{}': the file has no address", file));
    }
    return std::make_shared<RemoteExecutor>(content.addresses.front(), content.credentials);
}

std::shared_ptr<RemoteExecutor> open(const std::string& address, const std::string& file) {
    return std::make_shared<RemoteExecutor>(net::Address::parse(address),
                                            net::read_connection_file(file).credentials);
}

// Offers a value to the cluster, and wants it.
client::StatePtr offer(client::Offer offered, const std::string& name, bool everywhere,
                       client::Session& session) {
    UpdateGraph update;
    update.layers.push_back(client::data_layer(offered, name));
    update.layers.back().everywhere = everywhere;
    auto names = std::make_shared<client::TaskNames>();
    names->layers.push_back({offered.layer, name});
    const std::array wanted{Key{offered.layer, 0}};
    std::vector<client::Offer> offers;
    offers.push_back(std::move(offered));
    return session.submit(std::move(update), names, wanted, std::move(offers)).front();
}

// The name of what is the same for equal calls.
Token token_of(const std::vector<detail::EncodedCalls>& calls) {
    Token token;
    for (const auto& call : calls) {
        token = token.then(Token::of(call.function.text())).then(call.count);
        for (const auto& literal : call.literals) token = token.then(Token::of(literal.text()));
        for (const auto& future : call.futures) {
            token = token.then(future->key.token).then(future->key.index);
        }
        for (const auto reference : call.references) token = token.then(reference);
    }
    return token;
}

// Makes the message of some calls: the futures that they depend on come first in it, then each
// layer after the data that it needs.
class CallWriter {
  public:
    CallWriter(const std::vector<detail::EncodedCalls>& calls, const Token& token,
               const SubmitOptions& options)
        : token_(token), options_(options) {
        names_->has_key = !options.key.empty();
        is_one_ = calls.size() == 1 && calls.front().count == 1;
        for (const auto& call : calls) {
            for (const auto& future : call.futures) client::append_key(update_.known, future->key);
            inputs_.insert(inputs_.end(), call.futures.begin(), call.futures.end());
            next_ += static_cast<std::uint32_t>(call.futures.size());
        }
    }

    void write(detail::EncodedCalls&& calls) {
        LayerSpec spec;
        set_inputs(spec, calls);
        if (written_ > 0) token_ = token_.then(written_);
        spec.token = token_;
        spec.name = calls.name;
        spec.count = calls.count;
        spec.retries = static_cast<std::uint32_t>(options_.retries);
        spec.function = std::move(calls.function);
        names_->layers.push_back(
            {token_, names_->has_key ? options_.key : calls.name, written_, is_one_});
        for (std::uint32_t k = 0; k < calls.count; ++k) wanted_.push_back({token_, k});
        futures_ += static_cast<std::uint32_t>(calls.futures.size());
        next_ += calls.count;
        written_ += calls.count;
        update_.layers.push_back(std::move(spec));
    }

    std::vector<client::StatePtr> submit(client::Session& session) {
        return session.submit(std::move(update_), names_, wanted_, std::move(offers_), inputs_);
    }

  private:
    // The list of inputs of each call.
    void set_inputs(LayerSpec& spec, detail::EncodedCalls& calls) {
        std::vector<std::uint32_t> places;
        places.reserve(calls.literals.size());
        for (auto& literal : calls.literals) places.push_back(place(spec, literal, calls.name));
        if (calls.references.empty()) return;
        const auto each = static_cast<std::uint32_t>(calls.references.size()) / calls.count;
        for (const auto reference : calls.references) {
            const bool is_literal = detail::is_literal(reference);
            spec.references.push_back(is_literal ? places[detail::literal_number(reference)]
                                                 : futures_ + reference);
        }
        for (std::uint32_t k = 1; k <= calls.count; ++k) spec.ends.push_back(k * each);
    }

    // How calls refer to a value: as a literal, or, if it is large, as data.
    std::uint32_t place(LayerSpec& spec, Bytes& literal, const std::string& name) {
        if (literal.size() <= detail::shared_bytes_max) {
            spec.literals.push_back(std::move(literal));
            return static_cast<std::uint32_t>(spec.literals.size() - 1) | detail::literal_bit;
        }
        client::Offer offer{Token::unique(), {cluster::unpack(literal)}};
        update_.layers.push_back(client::data_layer(offer, name + "-data"));
        offers_.push_back(std::move(offer));
        return next_++;
    }

    Token token_;
    const SubmitOptions& options_;
    UpdateGraph update_;
    std::shared_ptr<client::TaskNames> names_ = std::make_shared<client::TaskNames>();
    std::vector<Key> wanted_;
    std::vector<client::Offer> offers_;
    std::vector<client::StatePtr> inputs_;
    bool is_one_ = false;
    std::uint32_t next_ = 0;     // the number of the next task of the message
    std::uint32_t futures_ = 0;  // the number of the first future of the next layer
    std::uint32_t written_ = 0;  // calls
};

std::string format_total(std::int64_t bytes) {
    if (bytes % 1'000'000 != 0) return format_bytes(static_cast<std::uint64_t>(bytes));
    static constexpr std::array<const char*, 3> units{"MB", "GB", "TB"};
    auto amount = static_cast<double>(bytes) / 1e6;
    std::size_t unit = 0;
    for (; unit + 1 < units.size() && amount >= 1000; ++unit) amount /= 1000;
    return fmt::format("{:.2f} {}", amount, units.at(unit));
}

}  // namespace

Client::Client(std::shared_ptr<RemoteExecutor> executor) : executor_(std::move(executor)) {
    detail::add_default_executor(executor_);
}
Client::Client(const LocalCluster& cluster)
    : Client(std::make_shared<RemoteExecutor>(cluster.access().scheduler,
                                              cluster.access().credentials)) {}
Client::Client(const std::string& connection_file) : Client(open(connection_file)) {}
Client::Client(const std::string& address, const std::string& connection_file)
    : Client(open(address, connection_file)) {}
Client::~Client() { close(); }

std::unique_ptr<Submission> Client::submit(Graph graph, std::vector<TaskIndex> outputs,
                                           const RunOptions& options) const {
    return executor_->submit(std::move(graph), std::move(outputs), options);
}

std::vector<Value> Client::keep(Graph graph, std::vector<TaskIndex> outputs,
                                const RunOptions& options) const {
    return executor_->keep(std::move(graph), std::move(outputs), options);
}

std::int64_t Client::concurrency() const { return executor_->concurrency(); }

// ---- calls --------------------------------------------------------------------------------------

std::vector<Client::State> Client::submit_calls(std::vector<detail::EncodedCalls> calls,
                                                const SubmitOptions& options) const {
    if (options.retries < 0 || options.retries > INT32_MAX) {
        throw InvalidArgument(
            fmt::format("submitting a call with {} retries; 0 is the least", options.retries));
    }
    if (calls.empty()) return {};
    const auto token = !options.key.empty() ? Token::of(options.key)
                       : options.pure       ? token_of(calls)
                                            : Token::unique();
    CallWriter writer(calls, token, options);
    for (auto& call : calls) writer.write(std::move(call));
    return writer.submit(*executor_->session());
}

Client::State Client::submit_output(Graph graph, TaskIndex output) const {
    return executor_->begin(std::move(graph), {output}).front();
}

std::vector<Value> Client::begin_to_keep(Graph graph, std::vector<TaskIndex> outputs) const {
    return RemoteExecutor::kept(executor_->begin(std::move(graph), std::move(outputs)));
}

Client::State Client::scatter_value(const Value& value, const ScatterOptions& options) const {
    auto state = offer({Token::unique(), {encode(value)}, false}, "scatter", options.broadcast,
                       *executor_->session());
    // Who asks where it is shall get an answer.
    (void)detail::CompletionQueue({state}).next();
    return state;
}

Client::State Client::share_value(const Value& value, const Bytes& packed,
                                  const SubmitOptions& options) const {
    // Calls are equal if their data is; of others, it is not worth looking at.
    const auto token = options.pure ? Token::of(packed.text()) : Token::unique();
    return offer({token, {encode(value)}}, "data", false, *executor_->session());
}

void Client::cancel_states(const std::vector<State>& states) const {
    for (const auto& state : states) detail::require_state(detail::FutureBase(state));
    for (const auto& session : client::sessions_of(states)) session->cancel(states);
}

void Client::retry_states(const std::vector<State>& states) const {
    for (const auto& state : states) detail::require_state(detail::FutureBase(state));
    for (const auto& session : client::sessions_of(states)) session->retry(states);
}

// ---- the cluster --------------------------------------------------------------------------------

std::vector<std::string> Client::who_has(const detail::FutureBase& future) const {
    detail::require_state(future);
    const std::array states{future.state()};
    auto& session = *future.state()->session;
    const auto peers = session.peers();
    std::vector<std::string> addresses;
    for (const auto& ready : session.who_has(states)) {
        for (const auto& holder : ready.holders) {
            const auto peer = peers.find(holder);
            if (peer != peers.end()) addresses.push_back(peer->second.address);
        }
    }
    return addresses;
}

std::int64_t Client::nbytes(const detail::FutureBase& future) const {
    detail::require_state(future);
    const std::array states{future.state()};
    const auto found = future.state()->session->who_has(states);
    return found.empty() ? 0 : found.front().nbytes;
}

SchedulerInfo Client::scheduler_info() const {
    SchedulerInfo info{executor_->scheduler().text(), {}};
    for (const auto& worker : executor_->session()->info().workers) {
        info.workers.push_back({worker.name, worker.address, worker.threads, worker.memory_limit,
                                worker.processing, worker.held, worker.held_bytes});
    }
    return info;
}

void Client::wait_for_workers(std::int64_t n,
                              std::optional<std::chrono::nanoseconds> timeout) const {
    if (n < 0) {
        throw InvalidArgument(fmt::format("wait_for_workers: {} workers; give 0 or more", n));
    }
    auto& session = *executor_->session();
    const auto enough = [&](const auto& peers) {
        return static_cast<std::int64_t>(peers.size()) >= n;
    };
    if (session.wait_for_peers(enough, timeout)) return;
    throw TimeoutError(fmt::format(
        "waiting for {} workers of {}: there are {} after {}", n, executor_->scheduler().text(),
        session.peers().size(), format_duration(std::chrono::duration<double>(*timeout).count())));
}

void Client::restart() const {
    auto& session = *executor_->session();
    session.cancel_all();
    const auto before = session.peers();
    session.send(RestartWorkers{});
    const auto are_gone = [&](const auto& peers) {
        return std::ranges::none_of(
            before, [&](const auto& worker) { return peers.contains(worker.first); });
    };
    if (!session.wait_for_peers(are_gone, restart_timeout)) {
        throw TimeoutError(
            fmt::format("restarting the workers of {}: some have not ended after {}",
                        executor_->scheduler().text(),
                        format_duration(std::chrono::duration<double>(restart_timeout).count())));
    }
    wait_for_workers(std::ssize(before), restart_timeout);
}

void Client::retire_workers(const std::vector<std::string>& workers) const {
    auto& session = *executor_->session();
    RetireWorkers message;
    const auto peers = session.peers();
    for (const auto& name : workers) {
        const auto found = std::ranges::find_if(peers, [&](const auto& peer) {
            return peer.second.name == name || peer.second.address == name;
        });
        if (found == peers.end()) {
            throw InvalidArgument(fmt::format("retiring the worker '{}': {} has no such worker",
                                              name, executor_->scheduler().text()));
        }
        message.workers.push_back(found->first);
    }
    const auto leaving = message.workers;
    session.send(std::move(message));
    const auto are_gone = [&](const auto& now) {
        return std::ranges::none_of(leaving, [&](const auto& one) { return now.contains(one); });
    };
    (void)session.wait_for_peers(are_gone, {});
}

void Client::shutdown() {
    if (executor_->session()->is_open()) executor_->session()->send(ShutdownCluster{});
    close();
}

void Client::close() {
    detail::remove_default_executor(*executor_);
    executor_->close();
}

std::string Client::text() const {
    if (!executor_->session()->is_open()) return "<Client: not connected>";
    const auto info = scheduler_info();
    std::int64_t threads = 0;
    std::int64_t memory = 0;
    for (const auto& worker : info.workers) {
        threads += worker.threads;
        memory += worker.memory_limit;
    }
    auto text = fmt::format("<Client: '{}' processes={} threads={}", info.address,
                            info.workers.size(), threads);
    if (memory > 0) text += fmt::format(", memory={}", format_total(memory));
    return text + ">";
}

}  // namespace satchel
