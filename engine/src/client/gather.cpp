// Waiting for keys and fetching them.
#include "client/gather.hpp"

#include "cluster/codec.hpp"
#include "graph/task_context.hpp"

#include <mutex>
#include <utility>

namespace satchel::client {

Gather::Gather(std::vector<StatePtr> states, std::shared_ptr<detail::RunProgress> progress)
    : session_(states.empty() ? nullptr : states.front()->session),
      states_(std::move(states)),
      progress_(std::move(progress)),
      values_(states_.size()),
      left_(states_.size()) {}

std::shared_ptr<Gather> Gather::start(std::vector<StatePtr> states,
                                      std::shared_ptr<detail::RunProgress> progress) {
    auto gather = std::make_shared<Gather>(std::move(states), std::move(progress));
    if (gather->progress_) gather->progress_->total += gather->left_;
    if (!gather->session_) return gather;
    const std::lock_guard lock(gather->session_->mutex());
    for (std::size_t k = 0; k < gather->states_.size(); ++k) {
        gather->session_->watch(*gather->states_[k], *gather, k);
    }
    return gather;
}

Gather::~Gather() { unwatch(); }

void Gather::unwatch() {
    if (!session_) return;
    const std::lock_guard lock(session_->mutex());
    for (const auto& state : states_) Session::unwatch(*state, *this);
}

void Gather::settled(std::size_t number) {
    const auto& state = *states_[number];
    if (state.error) {
        if (!error_) error_ = state.error;
        over_.notify_all();
    } else if (state.is_inlined) {
        keep(number, {{state.value, {}}, true});
    } else {
        session_->fetch(state, shared_from_this(), number);
    }
}

void Gather::keep(std::size_t number, Kept value) {
    values_[number] = std::move(value);
    if (progress_) ++progress_->finished;
    if (--left_ == 0) over_.notify_all();
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
    if (state.status == FutureStatus::finished) session_->missing(state, task, holder);
    session_->watch(state, *this, number);
}

bool Gather::done() {
    if (!session_) return true;
    const std::lock_guard lock(session_->mutex());
    return is_over();
}

void Gather::cancel() {
    if (session_) session_->cancel(states_);
}

std::vector<Value> Gather::take() {
    if (!session_) return {};
    if (!done()) {
        const detail::WaitInTask waiting;
        std::unique_lock lock(session_->mutex());
        over_.wait(lock, [&] { return is_over(); });
    }
    if (error_) std::rethrow_exception(error_);
    std::vector<Value> values;
    values.reserve(values_.size());
    for (auto& [encoded, is_packed] : values_) {
        values.push_back(
            decode<Value>(is_packed ? cluster::unpack(encoded.head) : std::move(encoded)));
        encoded = {};
    }
    return values;
}

Completions::Completions(std::vector<StatePtr> states) : states_(std::move(states)) {
    if (states_.empty()) return;
    session_ = states_.front()->session;
    const std::lock_guard lock(session_->mutex());
    for (std::size_t k = 0; k < states_.size(); ++k) session_->watch(*states_[k], *this, k);
}

Completions::~Completions() {
    if (!session_) return;
    const std::lock_guard lock(session_->mutex());
    for (const auto& state : states_) Session::unwatch(*state, *this);
}

void Completions::settled(std::size_t number) {
    ready_.push_back(number);
    changed_.notify_all();
}

std::optional<std::size_t> Completions::next(std::optional<std::chrono::nanoseconds> timeout) {
    std::unique_lock lock(session_->mutex());
    if (ready_.empty() && (!timeout || *timeout > std::chrono::nanoseconds::zero())) {
        lock.unlock();
        const detail::WaitInTask waiting;
        lock.lock();
        const auto is_ready = [&] { return !ready_.empty(); };
        if (timeout) {
            (void)changed_.wait_for(lock, *timeout, is_ready);
        } else {
            changed_.wait(lock, is_ready);
        }
        lock.unlock();  // before the place in the worker is taken again
    }
    if (!lock.owns_lock()) lock.lock();
    if (ready_.empty()) return std::nullopt;
    const auto number = ready_.front();
    ready_.pop_front();
    return number;
}

}  // namespace satchel::client
