// The five shapes of task graphs that are measured, described independently of who builds them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace benchmarks {

/// A graph as the inputs of each task; tasks come after their inputs.
class Shape {
  public:
    explicit Shape(std::string name) : name_(std::move(name)) {}

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(begin_.size() - 1);
    }
    [[nodiscard]] std::span<const std::uint32_t> inputs_of(std::uint32_t task) const noexcept {
        return std::span(inputs_).subspan(begin_[task], begin_[task + 1] - begin_[task]);
    }
    [[nodiscard]] std::uint32_t edges() const noexcept {
        return static_cast<std::uint32_t>(inputs_.size());
    }

    /// Memory for so many, so that the description has its final place from the beginning.
    void reserve(std::uint32_t tasks, std::uint32_t edges) {
        begin_.reserve(tasks + std::size_t{1});
        inputs_.reserve(edges);
    }
    /// Appends a task.
    void add(std::span<const std::uint32_t> inputs) {
        inputs_.insert(inputs_.end(), inputs.begin(), inputs.end());
        begin_.push_back(edges());
    }

  private:
    std::string name_;
    std::vector<std::uint32_t> begin_{0};
    std::vector<std::uint32_t> inputs_;
};

/// Tasks without edges.
Shape independent(std::uint32_t tasks);
/// Each task has two that depend on it.
Shape binary_tree(std::uint32_t tasks);
/// Each task depends on the one before it.
Shape chain(std::uint32_t tasks);
/// A square in which each task depends on the one above it and the one to its left.
Shape wavefront(std::uint32_t tasks);
/// Each task depends on none to three of all those before it.
Shape random_graph(std::uint32_t tasks);

/// All of them, of about so many tasks each.
std::vector<Shape> all_shapes(std::uint32_t tasks);

}  // namespace benchmarks
