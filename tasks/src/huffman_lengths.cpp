// The two rarest symbols or groups of symbols are joined, again and again. Sorted once, the symbols
// stand in a queue, and groups in another: they are made in order.
#include "huffman_lengths.hpp"

#include <algorithm>
#include <array>

namespace satchel::detail {
namespace {

constexpr std::size_t nodes_max = 2 * huffman_symbols_max - 1;

// Nodes of the tree: symbols in order of their weights, then groups.
struct Tree {
    std::array<std::uint32_t, nodes_max> weight{};
    std::array<std::uint16_t, nodes_max> parent{};
    std::array<std::uint8_t, nodes_max> depth{};
};

// Builds the tree over the `leaves` nodes that are there, and gives its depth.
unsigned join(Tree& tree, std::size_t leaves) {
    const auto root = 2 * leaves - 2;
    std::size_t leaf = 0;
    std::size_t group = leaves;
    for (auto node = leaves; node <= root; ++node) {
        const auto take = [&] {
            const bool takes_leaf =
                leaf < leaves && (group == node || tree.weight[leaf] <= tree.weight[group]);
            const auto taken = takes_leaf ? leaf++ : group++;
            tree.parent[taken] = static_cast<std::uint16_t>(node);
            return tree.weight[taken];
        };
        const auto first = take();
        tree.weight[node] = first + take();
    }
    tree.depth[root] = 0;
    for (auto node = root; node-- > 0;) {
        tree.depth[node] = static_cast<std::uint8_t>(tree.depth[tree.parent[node]] + 1);
    }
    return *std::max_element(tree.depth.begin(),
                             tree.depth.begin() + static_cast<std::ptrdiff_t>(leaves));
}

}  // namespace

void huffman_lengths(std::span<const std::uint32_t> counts, std::span<std::uint8_t> lengths) {
    constexpr unsigned symbol_bits = 9;
    const auto size = counts.size();
    std::array<std::uint32_t, huffman_symbols_max> order{};
    for (std::size_t i = 0; i < size; ++i) {
        order[i] = std::max(counts[i], 1U) << symbol_bits | static_cast<std::uint32_t>(i);
    }
    std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(size));
    Tree tree;
    for (std::size_t i = 0; i < size; ++i) tree.weight[i] = order[i] >> symbol_bits;
    // Weights that are nearer to each other make a tree that is less deep.
    while (join(tree, size) > huffman_length_max) {
        for (std::size_t i = 0; i < size; ++i) tree.weight[i] = tree.weight[i] / 2 + 1;
    }
    for (std::size_t i = 0; i < size; ++i) {
        lengths[order[i] & ((1U << symbol_bits) - 1)] = tree.depth[i];
    }
}

}  // namespace satchel::detail
