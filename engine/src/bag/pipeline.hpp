// Pipeline: a source, stages and a sink that one task runs, as data.
//
// The parts stand in postfix order: a part takes its upstreams from a stack of streams and puts its
// own stream there; the sink takes what is left. So setting one up needs no recursion.
#pragma once

#include <satchel/detail/node.hpp>

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

namespace satchel::detail {

class Pipeline {
  public:
    struct Step {
        StreamPart part;
        std::uint32_t upstreams = 0;
        std::uint32_t first_slot = 0;
        bool owned = false;
        std::string name = {};                   // of the operation, for messages
        std::source_location location = {};      // where it was called, if that is known
        const TypeOperations* result = nullptr;  // of a sink that collects: what it gives
    };
    std::vector<Step> steps;
    Step sink_step;
    SinkPart sink;

    /// Runs partition `index`.
    [[nodiscard]] Value run(Arguments& arguments, std::uint32_t index) const {
        std::vector<std::unique_ptr<StreamBase>> stack;
        for (const auto& step : steps) {
            auto* upstreams = stack.data() + stack.size() - step.upstreams;
            Binding binding(arguments, index, step.first_slot, step.owned, upstreams);
            auto stream = step.part.code->make(step.part.state, binding);
            stack.resize(stack.size() - step.upstreams);
            stack.push_back(std::move(stream));
        }
        Binding binding(arguments, index, sink_step.first_slot, false, stack.data());
        return sink.code->run(sink.state, binding);
    }
};

/// The pipeline that makes the elements of `bag`, as lowering decides it, and what its tasks get as
/// inputs; null if the bag is not made by one.
[[nodiscard]] std::shared_ptr<const Pipeline> pipeline_of(const NodePtr& bag,
                                                          std::vector<NodeInput>& inputs);

/// What a layer of pipeline tasks calls.
struct PipelineCall {
    std::shared_ptr<const Pipeline> pipeline = {};
    Value operator()(Arguments& arguments) const {
        return pipeline->run(arguments, arguments.index());
    }

    /// The same without the data that only other partitions need.
    [[nodiscard]] PipelineCall narrowed(std::uint32_t index) const;

    /// Throws TravelError that names the operation whose function cannot be sent.
    void serialize(OutputArchive& archive, unsigned) const;
    void serialize(InputArchive& archive, unsigned);
};

/// What makes one partition of a bag, without the others around it.
struct PartitionCall {
    PipelineCall call = {};
    std::uint32_t index = 0;

    Value operator()(Arguments& arguments) const {
        auto mine = arguments.at_index(index);
        return call.pipeline->run(mine, index);
    }

    void serialize(OutputArchive& archive, unsigned) const;
    void serialize(InputArchive& archive, unsigned);
};

/// What a task calls that gives on what it gets.
struct PassOn {
    Value operator()(Arguments& arguments) const { return arguments.share(0); }
};

}  // namespace satchel::detail
