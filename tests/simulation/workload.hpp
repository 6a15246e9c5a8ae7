// What the clients of a simulated cluster compute: random graphs of layers of every kind, and a
// model that says what every task must give, worked out without any of the machines.
#pragma once

#include "messages/client_messages.hpp"
#include "messages/worker_messages.hpp"
#include "simulation/virtual_time.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace satchel::simulation {

enum class Behaviour {
    normal,
    throws,   // always
    flaky,    // some times, but not as often as it is tried again
    deadly,   // ends the process that calls it
    secedes,  // waits for the cluster in the middle
};

/// What is known of a layer without running anything.
struct LayerModel {
    Token token;
    Behaviour behaviour = Behaviour::normal;
    std::uint32_t throws_before = 0;  // flaky: so often
    std::uint32_t retries = 0;
    std::uint32_t special = 0;  // the task that behaves; the others are normal
    Time duration = 0;
    std::int64_t nbytes = 0;
    bool is_data = false;  // the client has it

    [[nodiscard]] Behaviour behaviour_of(std::uint64_t index) const {
        return index == special ? behaviour : Behaviour::normal;
    }
    /// How often the task is tried again, if nothing else fails.
    [[nodiscard]] std::uint32_t retries_of(std::uint64_t index) const {
        const auto how = behaviour_of(index);
        return how == Behaviour::flaky || how == Behaviour::throws ? retries : 0;
    }
};

/// What is known of a task.
struct TaskModel {
    std::vector<Key> inputs;
    std::set<Key> suspects;  // it and the tasks before it, if they are not normal
    std::uint64_t value = 0;
};

class Workload {
  public:
    explicit Workload(std::uint64_t seed) : random_(seed) {}

    /// A graph, and the keys in it that shall be wanted. Some of the tasks depend on those of
    /// `known`; some of the layers may have been in a graph before.
    UpdateGraph graph(const std::vector<Key>& known);
    /// A graph that depends on nothing and does not fail.
    UpdateGraph nested();
    /// A graph that cannot run: one of its tasks depends on itself, the other is data.
    UpdateGraph wrong();

    /// Which task a worker calls.
    [[nodiscard]] static Key key_of(const LayerDefinition& layer, std::uint64_t index);
    [[nodiscard]] const LayerModel& layer(const Token& token) const { return layers_.at(token); }
    [[nodiscard]] const TaskModel& task(const Key& key) const { return tasks_.at(key); }
    /// What a task gives for the values of its inputs.
    [[nodiscard]] static std::uint64_t compute(const Key& key,
                                               const std::vector<std::uint64_t>& inputs);

    /// How a seed turns out: how many of what.
    bool with_errors = false, with_deadly = false;

  private:
    struct Numbered {
        std::uint32_t first, count;
    };

    void add_layer(UpdateGraph& graph, std::vector<Key>& keys, std::vector<Numbered>& blocks);
    void finish_layer(UpdateGraph& graph, LayerSpec spec, const LayerModel& model,
                      std::vector<Key>& keys, std::vector<Numbered>& blocks);
    void add_inputs(LayerSpec& spec, const std::vector<Numbered>& blocks, std::uint32_t own);
    void add_references(LayerSpec& spec, std::uint32_t own);
    void add_model(const LayerSpec& spec, const std::vector<Key>& keys);

    Random random_;
    std::map<Token, LayerModel> layers_;
    std::map<Key, TaskModel> tasks_;
    std::vector<UpdateGraph> whole_;  // graphs that depend on no other, to be submitted again
    std::map<std::string, Bytes> functions_;  // by name: the newest without literals
    std::uint64_t next_token_ = 0;
};

}  // namespace satchel::simulation
