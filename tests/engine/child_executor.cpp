// Runs a graph task by task, as soon as it is submitted.
#include "engine/child_executor.hpp"

#include <utility>

namespace satchel::testing {
namespace {

// Runs everything when it is submitted.
class Finished final : public Submission {
  public:
    explicit Finished(std::vector<Value> values) : values_(std::move(values)) {}
    [[nodiscard]] bool done() const override { return true; }
    [[nodiscard]] std::vector<Value> take() override { return std::move(values_); }

  private:
    std::vector<Value> values_;
};

}  // namespace

ChildExecutor::ChildExecutor(const std::string& program,
                             const std::vector<std::string>& arguments) {
    for (int k = 0; k < 2; ++k) {
        children_.push_back(std::make_unique<ChildProcess>(program, arguments));
    }
}
ChildExecutor::~ChildExecutor() = default;

std::unique_ptr<Submission> ChildExecutor::submit(Graph graph, std::vector<TaskIndex> outputs,
                                                  const RunOptions&) const {
    graph.resolve_keys();
    std::vector<Value> values(graph.size());
    for (TaskIndex task = 0; task < graph.size(); ++task) {
        std::vector<std::uint32_t> references;
        graph.inputs_of(task, references);
        const auto index = graph.index_in_layer(task);
        RemoteCall call{graph.function_of(task).narrowed(index), {}, index};
        for (const auto reference : references) {
            const bool is_literal = detail::is_literal(reference);
            call.inputs.push_back(is_literal ? graph.literals()[detail::literal_number(reference)]
                                             : values.at(reference));
        }
        values[task] = children_[task % children_.size()]->call(encode(call));
        ++calls_;
    }
    std::vector<Value> results;
    for (const auto output : outputs) results.push_back(values[output]);
    return std::make_unique<Finished>(std::move(results));
}

}  // namespace satchel::testing
