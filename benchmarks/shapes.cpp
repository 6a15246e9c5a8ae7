// The shapes, task by task.
#include "shapes.hpp"

#include <array>
#include <cmath>
#include <random>

namespace benchmarks {
namespace {

using Inputs = std::span<const std::uint32_t>;

}  // namespace

Shape independent(std::uint32_t tasks) {
    Shape shape("independent");
    shape.reserve(tasks, 0);
    for (std::uint32_t i = 0; i < tasks; ++i) shape.add({});
    return shape;
}

Shape binary_tree(std::uint32_t tasks) {
    Shape shape("binary tree");
    shape.reserve(tasks, tasks - 1);
    shape.add({});
    for (std::uint32_t i = 1; i < tasks; ++i) {
        const auto parent = (i - 1) / 2;
        shape.add(Inputs(&parent, 1));
    }
    return shape;
}

Shape chain(std::uint32_t tasks) {
    Shape shape("chain");
    shape.reserve(tasks, tasks - 1);
    shape.add({});
    for (std::uint32_t i = 1; i < tasks; ++i) {
        const auto before = i - 1;
        shape.add(Inputs(&before, 1));
    }
    return shape;
}

Shape wavefront(std::uint32_t tasks) {
    const auto side = static_cast<std::uint32_t>(std::sqrt(tasks));
    Shape shape("wavefront");
    shape.reserve(side * side, 2 * side * side);
    for (std::uint32_t row = 0; row < side; ++row) {
        for (std::uint32_t column = 0; column < side; ++column) {
            std::array<std::uint32_t, 2> inputs{};
            std::size_t count = 0;
            if (row > 0) inputs[count++] = (row - 1) * side + column;
            if (column > 0) inputs[count++] = row * side + column - 1;
            shape.add(Inputs(inputs.data(), count));
        }
    }
    return shape;
}

Shape random_graph(std::uint32_t tasks) {
    std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same graph every time
    Shape shape("random");
    shape.reserve(tasks, 2 * tasks);
    shape.add({});
    for (std::uint32_t i = 1; i < tasks; ++i) {
        std::array<std::uint32_t, 3> inputs{};
        const auto count = random() % (inputs.size() + 1);
        for (std::size_t k = 0; k < count; ++k) {
            inputs[k] = static_cast<std::uint32_t>(random() % i);
        }
        shape.add(Inputs(inputs.data(), count));
    }
    return shape;
}

std::vector<Shape> all_shapes(std::uint32_t tasks) {
    std::vector<Shape> shapes;
    shapes.push_back(independent(tasks));
    shapes.push_back(binary_tree(tasks));
    shapes.push_back(chain(tasks));
    shapes.push_back(wavefront(tasks));
    shapes.push_back(random_graph(tasks));
    return shapes;
}

}  // namespace benchmarks
