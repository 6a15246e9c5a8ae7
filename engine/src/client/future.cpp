// Futures without their types.
#include <satchel/client.hpp>
#include <satchel/error.hpp>

#include "client/future_state.hpp"
#include "client/gather.hpp"
#include "client/session.hpp"
#include "cluster/codec.hpp"
#include "function/function_names.hpp"

#include <array>
#include <mutex>
#include <utility>

#include <fmt/format.h>

namespace satchel {

std::string_view to_string(FutureStatus status) noexcept {
    switch (status) {
        case FutureStatus::pending:
            return "pending";
        case FutureStatus::finished:
            return "finished";
        case FutureStatus::error:
            return "error";
        case FutureStatus::cancelled:
            return "cancelled";
    }
    return "";
}

namespace detail {
namespace {

const FutureBase::State& checked(const FutureBase::State& state) {
    if (!state)
        throw InvalidArgument("a Future was used that stands for no call; submit one first");
    return state;
}

template <class T>
Bytes packed_for(const T& object, const std::string& operation) {
    try {
        return cluster::pack(encode(object));
    } catch (const TravelError& error) {
        throw TravelError(fmt::format("submitting '{}': {}", operation, error.what()));
    }
}

}  // namespace

FutureStatus FutureBase::status() const {
    const std::lock_guard lock(checked(state_)->session->mutex());
    return state_->status;
}

bool FutureBase::done() const { return status() != FutureStatus::pending; }

std::exception_ptr FutureBase::exception() const {
    client::Completions completions({checked(state_)});
    (void)completions.next({});
    const std::lock_guard lock(state_->session->mutex());
    return state_->error;
}

void FutureBase::cancel() const {
    const std::array states{checked(state_)};
    state_->session->cancel(states);
}

void FutureBase::retry() const {
    const std::array states{checked(state_)};
    state_->session->retry(states);
}

std::string FutureBase::key() const {
    const auto& state = *checked(state_);
    if (state.names->has_key) return state.label();
    for (const auto& layer : state.names->layers) {
        if (layer.token != state.key.token) continue;
        const auto name = fmt::format("{}-{}", layer.name, layer.token.text());
        return layer.is_one ? name : fmt::format("{}:{}", name, layer.first + state.key.index);
    }
    return state.key.token.text();
}

Value FutureBase::value() const { return checked(state_)->fetch(); }

std::string FutureBase::describe(const std::type_info& type) const {
    if (!state_) return "<Future: none>";
    return fmt::format("<Future: {}, type: {}, key: {}>", to_string(status()), readable_name(type),
                       key());
}

void refuse_result(const std::type_info& wanted, const std::type_info& found) {
    throw InvalidArgument(
        fmt::format("a result of type {} was asked for, but under its key there is one of type {}; "
                    "calls that have the same key must be the same call",
                    readable_name(wanted), readable_name(found)));
}

std::vector<Value> gather_values(std::vector<FutureBase::State> states) {
    for (const auto& state : states) (void)checked(state);
    return client::gather(std::move(states));
}

CompletionQueue::CompletionQueue(const std::vector<FutureBase::State>& states)
    : left_(states.size()) {
    for (const auto& state : states) (void)checked(state);
    completions_ = std::make_unique<client::Completions>(states);
}
CompletionQueue::CompletionQueue(CompletionQueue&&) noexcept = default;
CompletionQueue::~CompletionQueue() = default;

std::optional<std::size_t> CompletionQueue::next(std::optional<std::chrono::nanoseconds> timeout) {
    if (left_ == 0) return std::nullopt;
    const auto number = completions_->next(timeout);
    if (number) --left_;
    return number;
}

void require_state(const FutureBase& future) { (void)checked(future.state()); }

// Of types such as "satchel::ConstantFunction<&(inc(int))>", "main::{lambda(int)#1}",
// "ns::Scale<3>".
std::string call_name(const std::type_info& type) {
    const auto readable = readable_name(type);
    std::string_view text = readable;
    constexpr std::string_view constant = "ConstantFunction<";
    if (const auto at = text.find(constant); at != std::string_view::npos) {
        text.remove_prefix(at + constant.size());
        for (const std::string_view before : {"&", "("}) {
            const bool is_there = text.starts_with(before) && !text.starts_with("(anonymous");
            if (is_there) text.remove_prefix(before.size());
        }
    }
    const auto name = bare_name(text);
    return std::string(name.empty() ? "function" : name);
}

std::string call_name(const void* function) {
    auto name = function_name(function);
    return name.empty() ? "function" : name;
}

void EncodedCalls::set_function(const Function& called) {
    function = packed(called, name);
    if (count > 1 || function.size() <= shared_bytes_max) return;
    references.insert(references.begin(),
                      static_cast<std::uint32_t>(literals.size()) | literal_bit);
    literals.push_back(packed(Value::of(called), name));
    function = packed(Function(CallInput{}), name);
}

Bytes packed(const Function& function, const std::string& operation) {
    return packed_for(function, operation);
}
Bytes packed(const Value& value, const std::string& operation) {
    return packed_for(value, operation);
}

void refuse_map_lengths(std::size_t one, std::size_t other) {
    throw LengthError(
        fmt::format("map: one range has {} elements and another one {}; they must be equally long",
                    one, other));
}

}  // namespace detail
}  // namespace satchel
