// The session's queue of what is to be sent, and what becomes of what arrives.
#include "client/session.hpp"

#include <satchel/error.hpp>
#include <satchel/log.hpp>

#include "client/gather.hpp"
#include "cluster/failure.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace satchel::client {
namespace {

std::exception_ptr cancelled_error(const FutureState& state) {
    return std::make_exception_ptr(
        Cancelled(fmt::format("the task {} was cancelled", state.label())));
}

}  // namespace

// ---- sending ------------------------------------------------------------------------------------

void Session::wake() {
    if (!std::exchange(is_awake_, true)) wake_();
}

void Session::push(FromClient message) {
    to_machine_.push_back(std::move(message));
    wake();
}

void Session::push_release(const Key& key) {
    if (!to_machine_.empty()) {
        if (auto* last = std::get_if<ReleaseKeys>(&to_machine_.back())) {
            auto& range = last->keys.back();
            if (range.token == key.token && range.first + range.count == key.index) {
                ++range.count;
            } else {
                last->keys.push_back({key.token, key.index, 1});
            }
            return;
        }
    }
    push(ReleaseKeys{{{key.token, key.index, 1}}});
}

void Session::check_open() const {
    if (end_) std::rethrow_exception(end_);
}

// A question comes after what was said before it.
void Session::push_to_server(ClientToServer message) {
    if (!to_machine_.empty()) outbox_.messages.emplace_back(std::exchange(to_machine_, {}));
    outbox_.messages.push_back(std::move(message));
    wake();
}

Outbox Session::take() {
    const std::lock_guard lock(mutex_);
    is_awake_ = false;
    if (!to_machine_.empty()) outbox_.messages.emplace_back(std::exchange(to_machine_, {}));
    return std::exchange(outbox_, {});
}

void Session::send(ClientToServer message) {
    const std::lock_guard lock(mutex_);
    check_open();
    push_to_server(std::move(message));
}

// ---- keys ---------------------------------------------------------------------------------------

FutureState* Session::find(const Key& key) {
    const auto found = states_.find(key);
    return found == states_.end() ? nullptr : found->second;
}

// One state a key, however often it is submitted.
StatePtr Session::state_of(const Key& key, const std::shared_ptr<const TaskNames>& names) {
    auto& place = states_[key];
    if (place != nullptr) {
        if (auto known = place->weak_from_this().lock()) return known;
        push_release(key);  // which its destructor is about to do, and then will not
    }
    auto made = std::make_shared<FutureState>(shared_from_this(), key, names);
    place = made.get();
    return made;
}

std::vector<StatePtr> Session::submit(UpdateGraph update,
                                      const std::shared_ptr<const TaskNames>& names,
                                      std::span<const Key> wanted, std::vector<Offer> offers,
                                      std::span<const StatePtr> inputs) {
    std::vector<StatePtr> states;
    states.reserve(wanted.size());
    const std::lock_guard lock(mutex_);
    check_open();
    const auto is_cancelled = [&](const StatePtr& input) {
        return input->session.get() == this && input->status == FutureStatus::cancelled;
    };
    if (std::ranges::any_of(inputs, is_cancelled)) {
        for (const auto& key : wanted) {
            states.push_back(std::make_shared<FutureState>(shared_from_this(), key, names));
            settle(*states.back(), FutureStatus::cancelled, cancelled_error(*states.back()));
        }
        return states;
    }
    for (const auto& key : wanted) {
        states.push_back(state_of(key, names));
        states.back()->cancels_before = cancels_;
        ++states.back()->submissions;
        states.back()->is_refused = false;
        auto& ranges = update.wanted;
        if (!ranges.empty() && ranges.back().token == key.token &&
            ranges.back().first + ranges.back().count == key.index) {
            ++ranges.back().count;
        } else {
            ranges.push_back({key.token, key.index, 1});
        }
    }
    for (auto& offer : offers) offers_[{offer.layer, 0}] = std::move(offer);
    push(std::move(update));
    return states;
}

void Session::release(FutureState& state) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = states_.find(state.key);
    if (found == states_.end() || found->second != &state) return;
    states_.erase(found);
    if (!end_) push_release(state.key);
}

void Session::cancel(std::span<const StatePtr> states) {
    const std::lock_guard lock(mutex_);
    cancel_if(states, [](const StatePtr&) { return true; });
}

void Session::cancel_unshared(std::span<const StatePtr> states) {
    const std::lock_guard lock(mutex_);
    cancel_if(states, [](const StatePtr& state) { return state.use_count() == 1; });
}

template <class Condition>
void Session::cancel_if(std::span<const StatePtr> states, Condition&& condition) {
    if (end_) return;
    CancelKeys message;
    for (const auto& state : states) {
        if (!condition(state) || find(state->key) != state.get()) continue;
        message.keys.push_back({state->key.token, state->key.index, 1});
        states_.erase(state->key);
        settle(*state, FutureStatus::cancelled, cancelled_error(*state));
    }
    if (message.keys.empty()) return;
    message.number = ++cancels_;
    push(std::move(message));
}

void Session::cancel_all() {
    std::vector<StatePtr> states;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [key, state] : states_) {
            if (auto one = state->weak_from_this().lock()) states.push_back(std::move(one));
        }
    }
    cancel(states);
}

void Session::retry(std::span<const StatePtr> states) {
    const std::lock_guard lock(mutex_);
    check_open();
    RetryKeys message;
    for (const auto& state : states) {
        // What was refused would be refused again, or the scheduler does not know it.
        const bool has_failed = state->status == FutureStatus::error && !state->is_refused;
        if (!has_failed || find(state->key) != state.get()) continue;
        state->status = FutureStatus::pending;
        state->error = nullptr;
        message.keys.push_back({state->key.token, state->key.index, 1});
    }
    if (!message.keys.empty()) push(std::move(message));
}

void Session::require_success(const FutureState& state) {
    const std::lock_guard lock(mutex_);
    if (state.error) std::rethrow_exception(state.error);
}

void Session::settle(FutureState& state, FutureStatus status, std::exception_ptr error) {
    state.status = status;
    state.error = std::move(error);
    for (const auto& [watcher, number] : std::exchange(state.watchers, {})) {
        watcher->settled(number);
    }
}

void Session::watch(FutureState& state, Watcher& watcher, std::size_t number) {
    if (state.status == FutureStatus::pending) {
        state.watchers.emplace_back(&watcher, number);
    } else {
        watcher.settled(number);
    }
}

void Session::unwatch(FutureState& state, Watcher& watcher) {
    std::erase_if(state.watchers, [&](const auto& one) { return one.first == &watcher; });
}

void Session::fetch(const FutureState& state, std::shared_ptr<Gather> gather, std::size_t number) {
    Fetch fetch{{}, {}, state.task, state.nbytes, std::move(gather), number};
    for (const auto& holder : state.holders) {
        const auto peer = peers_.find(holder);
        if (peer == peers_.end()) continue;
        fetch.address = peer->second.address;
        fetch.holder = holder;
        break;
    }
    outbox_.fetches.push_back(std::move(fetch));
    wake();
}

void Session::give_back(const FutureState& state) {
    if (find(state.key) != &state) return;
    states_.erase(state.key);
    if (!end_) push_release(state.key);
}

void Session::missing(FutureState& state, TaskRef task, WorkerRef holder) {
    if (end_ || find(state.key) != &state) return;
    push(GatherFailed{state.key, task, holder});
    if (state.status == FutureStatus::finished && state.task == task) {
        state.status = FutureStatus::pending;
    }
}

void Session::end(const std::exception_ptr& reason) {
    Outbox given_up;  // outside of the lock, as the next
    std::unordered_map<Key, Offer, KeyHash> offers;
    {
        const std::lock_guard lock(mutex_);
        if (end_) return;
        end_ = reason;
        given_up.fetches.swap(outbox_.fetches);
        given_up.sendings.swap(outbox_.sendings);
        offers.swap(offers_);
        for (auto& [key, state] : states_) {
            if (state->is_inlined && state->status == FutureStatus::finished) continue;
            settle(*state, FutureStatus::cancelled, reason);
        }
        changed_.notify_all();
    }
    for (const auto& fetch : given_up.fetches) {
        fetch.gather->arrived(fetch.number, fetch.task, fetch.holder, std::nullopt);
    }
}

bool Session::is_open() {
    const std::lock_guard lock(mutex_);
    return end_ == nullptr;
}

// ---- questions ----------------------------------------------------------------------------------

template <class Answer>
Answer Session::ask(std::map<std::uint64_t, std::optional<Answer>>& answers,
                    ClientToServer question, std::uint64_t request) {
    std::unique_lock lock(mutex_);
    check_open();
    auto& answer = answers[request];
    push_to_server(std::move(question));
    changed_.wait(lock, [&] { return answer || end_; });
    auto taken = answers.extract(request);
    if (!taken.mapped()) check_open();
    return std::move(taken.mapped()).value();
}

ClusterInfo Session::info() {
    const auto request = [&] {
        const std::lock_guard lock(mutex_);
        return next_request_++;
    }();
    return ask(infos_, InfoRequest{request}, request);
}

std::vector<ReadyKey> Session::who_has(std::span<const StatePtr> states) {
    WhoHas question;
    for (const auto& state : states) {
        question.keys.push_back({state->key.token, state->key.index, 1});
    }
    {
        const std::lock_guard lock(mutex_);
        question.request = next_request_++;
    }
    const auto request = question.request;
    return ask(holders_, std::vector<FromClient>{std::move(question)}, request).keys;
}

std::map<WorkerRef, Peer> Session::peers() {
    const std::lock_guard lock(mutex_);
    return peers_;
}

std::int64_t Session::threads() {
    const std::lock_guard lock(mutex_);
    return threads_;
}

bool Session::wait_for_peers(const std::function<bool(const std::map<WorkerRef, Peer>&)>& enough,
                             std::optional<std::chrono::nanoseconds> timeout) {
    std::unique_lock lock(mutex_);
    const auto over = [&] { return end_ || enough(peers_); };
    if (timeout) {
        if (!changed_.wait_for(lock, std::min(*timeout, detail::longest_wait), over)) return false;
    } else {
        changed_.wait(lock, over);
    }
    check_open();
    return true;
}

// ---- receiving ----------------------------------------------------------------------------------

void Session::received(ServerToClient&& message) {
    std::vector<Offer> withdrawn;
    const std::lock_guard lock(mutex_);
    if (end_) return;
    if (auto* info = std::get_if<ClusterInfo>(&message)) {
        threads_ = 0;
        for (const auto& worker : info->workers) threads_ += worker.threads;
        threads_ = std::max<std::int64_t>(threads_, 1);
        const auto waiting = infos_.find(info->request);
        if (waiting != infos_.end()) waiting->second = std::move(*info);
        changed_.notify_all();
        return;
    }
    for (auto& one : std::get<std::vector<ToClient>>(message)) on(std::move(one));
    withdrawn.swap(withdrawn_);
}

void Session::on(ToClient&& message) {
    std::visit([&](auto&& event) { on(std::forward<decltype(event)>(event)); }, std::move(message));
}

void Session::on(PeersChanged&& message) {
    for (const auto& lost : message.lost) {
        const auto peer = peers_.find(lost);
        if (peer == peers_.end()) continue;
        // One that stands still would keep who asked it waiting.
        outbox_.gone.push_back(std::move(peer->second.address));
        peers_.erase(peer);
    }
    for (auto& joined : message.joined) peers_[joined.worker] = std::move(joined);
    changed_.notify_all();
    push_to_server(InfoRequest{0});  // how many threads there are now
}

void Session::on(KeysInMemory&& message) {
    for (auto& ready : message.keys) {
        auto* state = find(ready.key);
        if (state == nullptr) continue;
        state->task = ready.task;
        state->nbytes = ready.nbytes;
        state->holders = std::move(ready.holders);
        if (ready.inlined) {
            state->is_inlined = true;
            state->value = std::move(ready.value);
        }
        settle(*state, FutureStatus::finished);
        if (const auto offer = offers_.find({ready.key.token, 0});
            offer != offers_.end() && !offer->second.stays) {
            withdraw(ready.key.token);
        }
    }
}

// What came along with its key is not lost.
void Session::on(KeysLost&& message) {
    for (const auto& key : message.keys) {
        auto* state = find(key);
        if (state == nullptr || state->is_inlined) continue;
        if (state->status == FutureStatus::finished) state->status = FutureStatus::pending;
    }
}

void Session::on(KeyErred&& message) {
    auto* state = find(message.key);
    if (state == nullptr) return;
    auto label = state->names->label(message.cause);
    if (label.empty()) {
        const auto* cause = find(message.cause);
        label = cause != nullptr ? cause->label() : state->label();
    }
    settle(*state, FutureStatus::error, cluster::make_exception(message.failure, label));
}

void Session::on(KeysCancelled&& message) {
    for (const auto& key : message.keys) {
        auto* state = find(key);
        if (state == nullptr || state->cancels_before >= message.number) continue;
        states_.erase(key);
        push_release(key);
        settle(*state, FutureStatus::cancelled, cancelled_error(*state));
    }
}

void Session::on(GraphRefused&& message) {
    const auto error = std::make_exception_ptr(GraphError(message.reason));
    bool is_of_another = false;
    for (const auto& range : message.wanted) {
        for (std::uint64_t k = 0; k < range.count; ++k) {
            auto* state = find({range.token, range.first + k});
            // Another submission of the key may have been accepted.
            if (state == nullptr) continue;
            if (--state->submissions > 0) {
                is_of_another = true;
                continue;
            }
            state->is_refused = true;
            settle(*state, FutureStatus::error, error);
        }
    }
    if (!is_of_another) return;
    log_warning("client", message.reason + "; futures of it have the results of that other one");
}

// ---- progress -----------------------------------------------------------------------------------

std::uint64_t Session::watch(const std::shared_ptr<detail::RunProgress>& progress,
                             std::uint64_t tasks) {
    const std::lock_guard lock(mutex_);
    progress->total += tasks;
    watched_[++watches_] = {progress, tasks};
    return watches_;
}

// What was lost and is computed again has finished twice.
void Session::on(Progress&& message) {
    const auto found = watched_.find(message.watch);
    if (found == watched_.end()) return;
    auto& watched = found->second;
    const auto now = std::min(message.finished, watched.tasks);
    const auto progress = watched.progress.lock();
    if (progress && now > watched.finished) progress->finished += now - watched.finished;
    watched.finished = std::max(watched.finished, now);
}

void Session::finish_watched(std::uint64_t number) {
    const auto found = watched_.find(number);
    if (found == watched_.end()) return;
    on(Progress{number, found->second.tasks});
    watched_.erase(found);
}

// ---- data ---------------------------------------------------------------------------------------

void Session::on(SendData&& message) {
    for (const auto& item : message.items) {
        const auto offer = offers_.find({item.key.token, 0});
        const bool is_there =
            offer != offers_.end() && item.key.index < offer->second.values.size();
        const auto peer = peers_.find(item.to);
        if (!is_there || peer == peers_.end()) {
            push(DataNotSent{item.task, !is_there});
            continue;
        }
        outbox_.sendings.push_back(
            {peer->second.address, item.task, offer->second.values[item.key.index]});
        wake();
    }
}

void Session::on(ForgetData&& message) {
    for (const auto& layer : message.layers) withdraw(layer);
}

void Session::withdraw(const Token& layer) {
    if (auto offer = offers_.extract({layer, 0})) withdrawn_.push_back(std::move(offer.mapped()));
}

void Session::not_sent(const std::vector<TaskRef>& tasks) {
    const std::lock_guard lock(mutex_);
    if (end_) return;
    for (const auto task : tasks) push(DataNotSent{task});
}

// ---- answers ------------------------------------------------------------------------------------

void Session::on(Holders&& message) {
    const auto waiting = holders_.find(message.request);
    if (waiting != holders_.end()) waiting->second = std::move(message);
    changed_.notify_all();
}

}  // namespace satchel::client
