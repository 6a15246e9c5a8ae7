/// Function: what a task calls, with its type erased, and Arguments: what it is called with.
///
///     satchel::Function add([](satchel::Arguments& in) {
///         return satchel::Value::of(in.get<int>(0) + in.get<int>(1));
///     });
///
/// A Function is immutable and cheap to copy; its callable is shared by all tasks that use it.
#pragma once

#include <satchel/value.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace satchel {

namespace detail {

/// An input that is a literal of the graph carries this bit; the others are numbers of tasks.
inline constexpr std::uint32_t literal_bit = 0x8000'0000;
[[nodiscard]] constexpr bool is_literal(std::uint32_t reference) noexcept {
    return (reference & literal_bit) != 0;
}
/// Which of the literals it is.
[[nodiscard]] constexpr std::uint32_t literal_number(std::uint32_t reference) noexcept {
    return reference & ~literal_bit;
}

/// All that an executor keeps for one task. It lies in one cache line, because in a large graph
/// each line that has to come from memory costs more than calling the task.
struct alignas(32) TaskSlot {
    Value value = {};              ///< the result, from when the task has run until its last use
    std::uint32_t counter = 0;     ///< before it runs: inputs missing; after: users left
    std::uint32_t inputs = 0;      ///< where its inputs begin; they end where the next task's begin
    std::uint32_t successors = 0;  ///< likewise
    std::uint32_t call = 0;        ///< which function it calls
};

}  // namespace detail

/// The inputs of one task while it runs. Belongs to the thread that runs it.
class Arguments {
  public:
    /// For executors. `references[k]` names input k: a number of a slot, or of a literal with
    /// `literal_bit`. `index` is the task's place in its layer.
    Arguments(detail::TaskSlot* slots, Value* literals, const std::uint32_t* references,
              std::uint32_t size, std::uint32_t index) noexcept
        : slots_(slots), literals_(literals), references_(references), size_(size), index_(index) {}

    /// How many inputs there are.
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

    /// The task's place in its layer: for a bag, the number of the partition. Of no meaning in
    /// tasks that were added alone.
    [[nodiscard]] std::uint32_t index() const noexcept { return index_; }

    /// The same inputs for a task that has place `index`.
    [[nodiscard]] Arguments at_index(std::uint32_t index) const noexcept {
        return {slots_, literals_, references_, size_, index};
    }

    /// The inputs but the first one.
    [[nodiscard]] Arguments without_first() const noexcept {
        return {slots_, literals_, references_ + 1, size_ - 1, index_};
    }

    [[nodiscard]] const Value& operator[](std::uint32_t k) const noexcept { return at(k); }

    /// Input `k` with its type erased: moved out if this task owns it, else shared.
    [[nodiscard]] Value share(std::uint32_t k) const noexcept {
        return owns(k) ? std::move(at(k)) : at(k);
    }

    template <class T>
    [[nodiscard]] const T& get(std::uint32_t k) const noexcept {
        return at(k).get<T>();
    }

    /// Whether this task is the last that needs input `k`, and may therefore move from it.
    [[nodiscard]] bool owns(std::uint32_t k) const noexcept {
        const auto reference = references_[k];
        if (detail::is_literal(reference)) return false;
        auto& slot = slots_[reference];
        return std::atomic_ref(slot.counter).load(std::memory_order_acquire) == 1 &&
               slot.value.unique();
    }

    /// Input `k` for its last user. REQUIRES: owns(k).
    template <class T>
    [[nodiscard]] T& owned(std::uint32_t k) const noexcept {
        return at(k).template unique_object<T>();
    }

    /// Input `k` given away: moved if this task owns it, else copied.
    /// Throws InvalidArgument if it would have to copy a move-only type.
    template <class T>
    [[nodiscard]] T take(std::uint32_t k) const {
        if (owns(k)) return std::move(owned<T>(k));
        return Value(at(k)).take<T>();
    }

  private:
    [[nodiscard]] Value& at(std::uint32_t k) const noexcept {
        const auto reference = references_[k];
        return detail::is_literal(reference) ? literals_[detail::literal_number(reference)]
                                             : slots_[reference].value;
    }

    detail::TaskSlot* slots_;
    Value* literals_;
    const std::uint32_t* references_;
    std::uint32_t size_;
    std::uint32_t index_;
};

namespace detail {

/// What a Function calls, and how its state travels.
struct FunctionCode : CodeDescriptor {
    void (*call)(const Value& state, Arguments& arguments, Value& result);
    const TypeOperations* state;
    bool stateless;
    Value (*narrow)(const Value& state, std::uint32_t index);  ///< or null: see Function::narrowed
};

template <class State>
constexpr auto narrowing() -> Value (*)(const Value&, std::uint32_t) {
    if constexpr (requires(const State& state) { state.narrowed(0U); }) {
        return [](const Value& state, std::uint32_t index) {
            return Value::of(state.get<State>().narrowed(index));
        };
    } else {
        return nullptr;
    }
}

template <class F>
struct [[gnu::visibility("hidden")]] FunctionCodeOf {
    static void call(const Value& state, Arguments& arguments, Value& result) {
        std::construct_at(&result, state.get<F>()(arguments));
    }
    static constinit inline const FunctionCode code{
        {code_magic(CodeKind::function), &FunctionCodeOf::code, &typeid(F)},
        &FunctionCodeOf::call,
        &TypeCode<F>::operations,
        std::is_empty_v<F>,
        narrowing<F>()};
};

}  // namespace detail

/// A type-erased `Value (Arguments&)`. It can be written to an archive if its callable travels.
class Function {
  public:
    Function() = default;

    /// REQUIRES: `callable` may be called from several threads at once (it is called as const).
    template <class F>
    requires(!std::is_same_v<std::decay_t<F>, Function>) explicit Function(F&& callable)
        : call_(&detail::FunctionCodeOf<std::decay_t<F>>::call),
          code_(&detail::FunctionCodeOf<std::decay_t<F>>::code),
          state_(Value::of(std::forward<F>(callable))) {}

    /// Whether there is something to call.
    explicit operator bool() const noexcept { return call_ != nullptr; }

    /// REQUIRES: `result` is empty, and there is something to call.
    void operator()(Arguments& arguments, Value& result) const { call_(state_, arguments, result); }

    /// Whether the two are known to be the same: of one type, and without state.
    [[nodiscard]] bool same_as(const Function& other) const noexcept {
        return code_ == other.code_ && code_ != nullptr && code_->stateless;
    }

    /// The callable, if it is of this type, else null.
    template <class F>
    [[nodiscard]] const F* target() const noexcept {
        return code_ == &detail::FunctionCodeOf<F>::code ? &state_.get<F>() : nullptr;
    }

    /// The function for task `index` of a layer alone, without the data of other tasks; this one,
    /// if it has no such data.
    [[nodiscard]] Function narrowed(std::uint32_t index) const;

    /// Writes what is called, and its state. Throws TravelError if the callable does not travel.
    void serialize(OutputArchive& archive, unsigned) const;
    /// Reads what was written. Throws ModuleMissing if this process does not have it.
    void serialize(InputArchive& archive, unsigned);

  private:
    void (*call_)(const Value& state, Arguments& arguments, Value& result) = nullptr;
    const detail::FunctionCode* code_ = nullptr;
    Value state_;
};

}  // namespace satchel
