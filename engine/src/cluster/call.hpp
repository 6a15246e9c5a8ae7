// A call of a task, as a thread of a worker makes it: decoding the function, gathering the inputs,
// calling, and what became of it.
#pragma once

#include <satchel/function.hpp>
#include <satchel/value.hpp>

#include "cluster/stored_value.hpp"
#include "messages/worker_messages.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace satchel::cluster {

/// The function and the literals of a layer, decoded by the first call that needs them.
class LayerCode {
  public:
    explicit LayerCode(std::shared_ptr<const LayerDefinition> definition)
        : definition_(std::move(definition)) {}

    [[nodiscard]] const std::shared_ptr<const LayerDefinition>& definition() const {
        return definition_;
    }
    /// Thread-safe. Throws ModuleMissing, ArchiveError.
    void prepare();
    /// REQUIRES: prepare().
    [[nodiscard]] const Function& function() const { return function_; }
    [[nodiscard]] std::vector<Value>& literals() { return literals_; }

  private:
    std::shared_ptr<const LayerDefinition> definition_;
    std::mutex mutex_;
    bool is_ready_ = false;
    Function function_;
    std::vector<Value> literals_;
};

/// A call that has all that it needs.
struct Call {
    TaskRef task;
    std::shared_ptr<LayerCode> layer;
    std::uint32_t index = 0;
    /// As Arguments takes them: of a literal, or of an element of `inputs`.
    std::vector<std::uint32_t> references = {};
    /// None where it is what the call before it gives.
    std::vector<std::shared_ptr<StoredValue>> inputs = {};
    bool wanted = false;  ///< a small result shall be inlined
    std::stop_source stop = {};
    /// In which life of the worker it was asked for: a scheduler that is connected to anew uses the
    /// same numbers for other tasks.
    std::uint32_t life = 0;
};

/// What became of a call: a value or a failure.
struct Outcome {
    FinishedTask finished;
    std::shared_ptr<StoredValue> value;
    std::optional<Failure> failure;
    std::uint32_t life = 0;
};

/// Makes the call in this thread, after one that gave `before`, if anything; `worker` is named
/// where it fails.
[[nodiscard]] Outcome make_call(Call& call, const std::shared_ptr<StoredValue>& before,
                                const std::string& worker);

}  // namespace satchel::cluster
