// Results that stay where an executor has computed them, and how they stand in graphs: behind the
// handles that persist() gives.
#pragma once

#include <satchel/function.hpp>
#include <satchel/value.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace satchel::detail {

/// A result that is elsewhere. While the object lives, so does the result.
class KeptResult {
  public:
    KeptResult() = default;
    KeptResult(const KeptResult&) = delete;
    KeptResult& operator=(const KeptResult&) = delete;
    virtual ~KeptResult() = default;

    /// Brings it here; waits until it has been computed. Throws what its task threw.
    [[nodiscard]] virtual Value fetch() const = 0;
};
using KeptResultPtr = std::shared_ptr<const KeptResult>;

/// What the tasks of a graph call that are done already: task i gives result i. The executor that
/// keeps the results uses them where they are; any other fetches them.
struct KeptResults {
    std::vector<KeptResultPtr> results;
    Value operator()(Arguments& arguments) const { return results[arguments.index()]->fetch(); }
};

/// A result as Executor::keep() gives it.
[[nodiscard]] Value kept_value(KeptResultPtr result);
/// The results, if that is what the values are; else nothing.
[[nodiscard]] std::vector<KeptResultPtr> kept_results(const std::vector<Value>& values);

}  // namespace satchel::detail
