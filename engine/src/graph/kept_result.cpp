// Handles on kept results as values, and what executors do that keep nothing elsewhere.
#include <satchel/detail/kept_result.hpp>
#include <satchel/executor.hpp>

#include <typeinfo>
#include <utility>

namespace satchel {
namespace detail {

Value kept_value(KeptResultPtr result) { return Value::make<KeptResultPtr>(std::move(result)); }

std::vector<KeptResultPtr> kept_results(const std::vector<Value>& values) {
    std::vector<KeptResultPtr> results;
    for (const auto& value : values) {
        if (!value.has_value() || value.type() != typeid(KeptResultPtr)) return {};
        results.push_back(value.get<KeptResultPtr>());
    }
    return results;
}

}  // namespace detail

std::vector<Value> Executor::keep(Graph graph, std::vector<TaskIndex> outputs,
                                  const RunOptions& options) const {
    return run(std::move(graph), std::move(outputs), options);
}

}  // namespace satchel
