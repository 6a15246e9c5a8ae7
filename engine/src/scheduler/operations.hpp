// What is learned about operations, the names of layers: how long their tasks take and how large
// the results are. Neither is ever relied on; they decide how far ahead a worker is given work.
#pragma once

#include "messages/names.hpp"
#include "scheduler/task_table.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace satchel::scheduler {

struct Operation {
    static constexpr std::size_t shared_code_max = 4096;

    std::string name;
    Nanoseconds duration = 0;
    std::int64_t nbytes = 0;
    bool known = false;                          ///< a task of it has finished
    std::shared_ptr<const LayerCode> code = {};  ///< of its newest layer, if it is small

    /// What the tasks of a layer call. Layers that call the same share it.
    [[nodiscard]] std::shared_ptr<const LayerCode> code_of(Bytes function,
                                                           std::vector<Bytes> literals) {
        if (code && literals.empty() && code->function == function) return code;
        const bool is_small = literals.empty() && function.size() <= shared_code_max;
        // A copy: what came in a message would keep all of that in memory.
        auto made = std::make_shared<const LayerCode>(LayerCode{
            is_small ? Bytes::copy_of(function) : std::move(function), std::move(literals)});
        if (is_small) code = made;
        return made;
    }

    void learn(Nanoseconds took, std::int64_t size) {
        // Tasks of an operation differ, and the first of them are the slowest: a quarter at a time
        // follows changes within ten tasks and forgives one that is out of line.
        duration = known ? duration + (took - duration) / 4 : took;
        nbytes = known ? nbytes + (size - nbytes) / 4 : size;
        known = true;
    }
};

class Operations {
  public:
    [[nodiscard]] std::uint32_t number_of(const std::string& name) {
        const auto found = numbers_.find(name);
        if (found != numbers_.end()) return found->second;
        // A program that makes up a name for every task must not fill the memory with them.
        if (operations_.size() == names_max) return names_max - 1;
        const auto number = static_cast<std::uint32_t>(operations_.size());
        numbers_.emplace(name, number);
        operations_.push_back({name});
        return number;
    }
    [[nodiscard]] Operation& operator[](std::uint32_t number) { return operations_[number]; }
    [[nodiscard]] const Operation& operator[](std::uint32_t number) const {
        return operations_[number];
    }

  private:
    static constexpr std::uint32_t names_max = 10'000;

    std::vector<Operation> operations_;
    std::unordered_map<std::string, std::uint32_t> numbers_;
};

}  // namespace satchel::scheduler
