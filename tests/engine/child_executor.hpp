// An executor whose tasks all run in other processes.
#pragma once

#include <satchel/executor.hpp>
#include <satchel/graph.hpp>

#include "engine/child_process.hpp"

#include <memory>
#include <string>
#include <vector>

namespace satchel::testing {

/// Runs every task in one of two child processes, in turn.
class ChildExecutor final : public Executor {
  public:
    ChildExecutor(const std::string& program, const std::vector<std::string>& arguments);
    ~ChildExecutor() override;
    [[nodiscard]] std::unique_ptr<Submission> submit(Graph graph, std::vector<TaskIndex> outputs,
                                                     const RunOptions& options = {}) const override;
    [[nodiscard]] std::int64_t concurrency() const override { return 1; }
    [[nodiscard]] int calls() const { return calls_; }

  private:
    std::vector<std::unique_ptr<ChildProcess>> children_;
    mutable int calls_ = 0;
};

}  // namespace satchel::testing
