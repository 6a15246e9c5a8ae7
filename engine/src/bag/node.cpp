// Nodes: how they are named, and how chains of them are destroyed.
#include <satchel/detail/node.hpp>
#include <satchel/error.hpp>

#include <fmt/format.h>

namespace satchel::detail {

void throw_given_away() {
    throw InvalidArgument(
        "this Bag or Delayed was moved from, so there is nothing to compute; "
        "std::move(bag).compute() "
        "gives it up, so leave out std::move, or use a copy of the handle");
}

void Node::release(Node* node) noexcept {
    // Destroying a node releases its inputs, which may be the last references to theirs, and so on
    // for millions: those are put on a list instead, and the outermost call works it off.
    thread_local std::vector<Node*>* waiting = nullptr;
    if (waiting != nullptr) {
        waiting->push_back(node);
        return;
    }
    std::vector<Node*> list{node};
    waiting = &list;
    while (!list.empty()) {
        auto* next = list.back();
        list.pop_back();
        delete next;
    }
    waiting = nullptr;
}

std::string Node::key() const {
    if (description.named) return description.name;
    return fmt::format("{}-{}", description.name, description.token.text());
}

}  // namespace satchel::detail
