// Making calls.
#include "cluster/call.hpp"

#include <satchel/archive.hpp>
#include <satchel/error.hpp>

#include "cluster/codec.hpp"
#include "cluster/failure.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace satchel::cluster {
namespace {

// The inputs lie in slots like those of a local executor. Of each there may be another user in this
// worker; where there is none, the task may move from it.
Value call_function(Call& call) {
    std::vector<detail::TaskSlot> slots(call.inputs.size());
    for (std::size_t k = 0; k < slots.size(); ++k) {
        slots[k].value = std::exchange(call.inputs[k], nullptr)->value();
        slots[k].counter = 1;
    }
    auto& literals = call.layer->literals();
    for (const auto reference : call.references) {
        const bool is_literal = detail::is_literal(reference);
        if (is_literal && detail::literal_number(reference) >= literals.size()) {
            throw ArchiveError("a task refers to a literal that its layer does not have");
        }
    }
    Arguments arguments(slots.data(), literals.data(), call.references.data(),
                        static_cast<std::uint32_t>(call.references.size()), call.index);
    Value result;
    call.layer->function()(arguments, result);
    return result;
}

}  // namespace

void LayerCode::prepare() {
    const std::lock_guard lock(mutex_);
    if (is_ready_) return;
    function_ = decode<Function>(unpack(definition_->function));
    literals_.clear();
    for (const auto& literal : definition_->literals) {
        literals_.push_back(decode<Value>(unpack(literal)));
    }
    is_ready_ = true;
}

Outcome make_call(Call& call, const std::shared_ptr<StoredValue>& before,
                  const std::string& worker) {
    using Clock = std::chrono::steady_clock;
    Outcome outcome;
    outcome.finished.task = call.task;
    outcome.life = call.life;
    const auto begin = Clock::now();
    bool was_called = false;
    try {
        std::ranges::replace(call.inputs, nullptr, before);
        const bool lacks_input = std::ranges::count(call.inputs, nullptr) > 0;
        if (call.stop.stop_requested() || lacks_input) {
            throw Cancelled("the task was released before it began");
        }
        call.layer->prepare();
        was_called = true;
        outcome.value = std::make_shared<StoredValue>(call_function(call));
        outcome.finished.nbytes = outcome.value->nbytes();
        if (call.wanted && outcome.finished.nbytes <= inline_bytes_max) {
            outcome.finished.value = pack(outcome.value->encoded());
            outcome.finished.inlined = true;
        }
    } catch (...) {
        outcome.failure = describe_exception(std::current_exception(), worker);
        if (!was_called) outcome.failure->kind = Failure::Kind::refused;
    }
    outcome.finished.duration =
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count();
    return outcome;
}

}  // namespace satchel::cluster
