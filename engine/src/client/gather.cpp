// Waiting for keys and fetching them.
#include "client/gather.hpp"

#include <satchel/error.hpp>

#include "cluster/codec.hpp"
#include "graph/task_context.hpp"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>

#include <fmt/format.h>

namespace satchel::client {
namespace {

// Decoding less than this takes no longer than to wake who waits for it.
constexpr std::uint64_t large_min = std::uint64_t{256} << 10;

// Each time half a second passes, or as long as a connection is tried for.
constexpr int unreached_max = 10;

std::exception_ptr stopped() {
    return std::make_exception_ptr(Cancelled("the run was stopped before it had finished"));
}

}  // namespace

Gather::Gather(std::vector<StatePtr> states)
    : session_(states.empty() ? nullptr : states.front()->session),
      states_(std::move(states)),
      values_(states_.size()),
      left_(states_.size()) {}

std::shared_ptr<Gather> Gather::start(std::vector<StatePtr> states) {
    auto gather = std::make_shared<Gather>(std::move(states));
    gather->watch();
    return gather;
}

std::shared_ptr<Gather> Gather::start_outputs(std::vector<StatePtr> states, std::uint64_t watch) {
    auto gather = std::make_shared<Gather>(std::move(states));
    gather->watch_ = watch;
    gather->gives_back_ = true;
    gather->watch();
    return gather;
}

void Gather::watch() {
    if (!session_) return;
    const std::lock_guard lock(session_->mutex());
    for (std::size_t k = 0; k < states_.size(); ++k) session_->watch(*states_[k], *this, k);
}

Gather::~Gather() { unwatch(); }

void Gather::unwatch() {
    if (!session_) return;
    const std::lock_guard lock(session_->mutex());
    for (const auto& state : states_) Session::unwatch(*state, *this);
    session_->end_watch(watch_);
}

void Gather::settled(std::size_t number) {
    const auto& state = *states_[number];
    if (state.error) {
        fail(state.error);
    } else if (state.is_inlined) {
        keep(number, {{state.value, {}}, true});
        // Unless somebody else holds it, too; others would get it from the session, under its lock.
        if (gives_back_ && states_[number].use_count() == 1) session_->give_back(state);
    } else if (session_->ending()) {
        fail(session_->ending());
    } else if (auto self = weak_from_this().lock()) {
        // Else nobody waits any more, and the destructor of this waits for the lock.
        session_->fetch(state, std::move(self), number);
    }
}

void Gather::fail(const std::exception_ptr& error) {
    if (!error_) error_ = error;
    over_.notify_all();
}

void Gather::keep(std::size_t number, Kept value) {
    const bool is_large = value.encoded.size() >= large_min;
    values_[number] = std::move(value);
    if (left_ == 1) session_->finish_watched(watch_);
    if (is_large) large_.push_back(number);
    if (--left_ == 0 || is_large) over_.notify_all();
}

void Gather::arrived(std::size_t number, TaskRef task, WorkerRef holder,
                     std::optional<DataItem> item) {
    const std::lock_guard lock(session_->mutex());
    if (states_.empty()) return;  // nobody waits any more
    auto& state = *states_[number];
    if (item && item->present) {
        keep(number, {{std::move(item->head), std::move(item->segments)}});
        return;
    }
    if (session_->ending()) return fail(session_->ending());
    if (state.status == FutureStatus::finished) session_->missing(state, task, holder);
    session_->watch(state, *this, number);
}

void Gather::unreached(std::size_t number, TaskRef task, WorkerRef holder, const std::string& why) {
    const std::lock_guard lock(session_->mutex());
    if (states_.empty()) return;
    if (session_->ending()) return fail(session_->ending());
    auto& state = *states_[number];
    const auto times = ++unreached_[number];
    if (times > unreached_max) {
        return fail(std::make_exception_ptr(ConnectionError(fmt::format(
            "the result of the task {} cannot be fetched from the worker that has it: {}",
            state.label(), why))));
    }
    const bool is_given_up = times > unreached_max / 2 && state.status == FutureStatus::finished;
    if (is_given_up) session_->missing(state, task, holder);
    // Another one that has it is asked first the next time.
    std::ranges::stable_partition(state.holders, [&](WorkerRef other) { return other != holder; });
    session_->watch(state, *this, number);
}

bool Gather::done() {
    if (!session_) return true;
    const std::lock_guard lock(session_->mutex());
    return is_over();
}

void Gather::cancel() {
    if (!session_) return;
    {
        const std::lock_guard lock(session_->mutex());
        if (is_over()) return;
        error_ = stopped();
        over_.notify_all();
    }
    session_->cancel_unshared(states_);
}

std::vector<Value> Gather::take() {
    if (!session_) return {};
    std::vector<Value> values(values_.size());
    if (!done()) {
        const detail::WaitInTask waiting;
        decode_large(values);
    }
    if (error_) std::rethrow_exception(error_);
    for (std::size_t k = 0; k < values.size(); ++k) {
        if (!values[k].has_value()) values[k] = decoded(std::exchange(values_[k], {}));
    }
    return values;
}

Value Gather::decoded(Kept value) {
    auto& [encoded, is_packed] = value;
    return decode<Value>(is_packed ? cluster::unpack(encoded.head) : std::move(encoded));
}

// Until all are there, those that take time: so that it is spent while the others come, and the
// memory that they came in can be used for the next ones.
void Gather::decode_large(std::vector<Value>& values) {
    std::unique_lock lock(session_->mutex());
    while (true) {
        over_.wait(lock, [&] { return is_over() || !large_.empty(); });
        if (is_over()) return;
        const auto number = large_.back();
        large_.pop_back();
        auto kept = std::exchange(values_[number], {});
        lock.unlock();
        values[number] = decoded(std::move(kept));
        lock.lock();
    }
}

std::vector<std::shared_ptr<Session>> sessions_of(std::span<const StatePtr> states) {
    std::vector<std::shared_ptr<Session>> sessions;
    for (const auto& state : states) {
        if (std::ranges::find(sessions, state->session) == sessions.end()) {
            sessions.push_back(state->session);
        }
    }
    return sessions;
}

std::vector<Value> gather(std::vector<StatePtr> states) {
    const auto sessions = sessions_of(states);
    if (sessions.size() <= 1) return Gather::start(std::move(states))->take();
    std::vector<std::vector<std::size_t>> places(sessions.size());
    std::vector<std::shared_ptr<Gather>> parts;
    for (std::size_t s = 0; s < sessions.size(); ++s) {
        std::vector<StatePtr> part;
        for (std::size_t k = 0; k < states.size(); ++k) {
            if (states[k]->session != sessions[s]) continue;
            places[s].push_back(k);
            part.push_back(states[k]);
        }
        parts.push_back(Gather::start(std::move(part)));
    }
    std::vector<Value> values(states.size());
    for (std::size_t s = 0; s < sessions.size(); ++s) {
        auto part = parts[s]->take();
        for (std::size_t k = 0; k < part.size(); ++k) values[places[s][k]] = std::move(part[k]);
    }
    return values;
}

Completions::Completions(std::vector<StatePtr> states)
    : states_(std::move(states)), left_(states_.size()) {
    for (std::size_t k = 0; k < states_.size(); ++k) {
        const std::lock_guard lock(states_[k]->session->mutex());
        states_[k]->session->watch(*states_[k], *this, k);
    }
}

Completions::~Completions() {
    for (const auto& state : states_) {
        const std::lock_guard lock(state->session->mutex());
        Session::unwatch(*state, *this);
    }
}

void Completions::settled(std::size_t number) {
    const std::lock_guard lock(mutex_);
    ready_.push_back(number);
    changed_.notify_all();
}

void Completions::cancel() {
    {
        const std::lock_guard lock(mutex_);
        if (left_ == 0) return;
        is_cancelled_ = true;
        changed_.notify_all();
    }
    for (const auto& session : sessions_of(states_)) session->cancel_unshared(states_);
}

std::optional<std::size_t> Completions::next(std::optional<std::chrono::nanoseconds> timeout) {
    std::unique_lock lock(mutex_);
    if (ready_.empty() && (!timeout || *timeout > std::chrono::nanoseconds::zero())) {
        lock.unlock();
        const detail::WaitInTask waiting;
        lock.lock();
        const auto is_ready = [&] { return is_cancelled_ || !ready_.empty(); };
        if (timeout) {
            (void)changed_.wait_for(lock, std::min(*timeout, detail::longest_wait), is_ready);
        } else {
            changed_.wait(lock, is_ready);
        }
        lock.unlock();  // before the place in the worker is taken again
    }
    if (!lock.owns_lock()) lock.lock();
    if (is_cancelled_) std::rethrow_exception(stopped());
    if (ready_.empty()) return std::nullopt;
    const auto number = ready_.front();
    ready_.pop_front();
    --left_;
    return number;
}

}  // namespace satchel::client
