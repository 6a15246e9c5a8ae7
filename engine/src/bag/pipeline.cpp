// How a pipeline travels: each part as the place of its code, and its state.
#include "bag/pipeline.hpp"

#include <satchel/error.hpp>
#include <satchel/task.hpp>

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

using Step = Pipeline::Step;

// Whoever makes pipelines has this file, and so the names.
const bool engine_is_named = [] {
    name_engine_parts();
    return true;
}();

// What is wrong with elements, of which none is a function.
std::string_view element_problem(TravelProblem problem) {
    if (problem != TravelProblem::opaque) return problem_text(problem);
    return "they are or hold objects of a class that does not show its members, as it has private "
           "ones, a base or constructors; give it a serialize(Archive&, unsigned) member";
}

template <class Part>
void save_part(OutputArchive& archive, const Part& part, const Step& step) {
    archive& step.name& step.upstreams& step.first_slot& step.owned;
    if (step.result != nullptr && step.result->save == nullptr) {
        throw TravelError(fmt::format(
            "{}: the elements that it gives cannot be sent to another process: {} (they are a {})",
            step.name, element_problem(step.result->problem), readable_name(*step.result->type)));
    }
    save_code(archive, *part.code);
    if (part.code->state == nullptr) return;
    try {
        save_state(archive, part.state);
    } catch (const TravelError& error) {
        if (step.location.line() == 0) {
            throw TravelError(fmt::format("{}: {}", step.name, error.what()));
        }
        throw TravelError(fmt::format("{}: {}; {} was called at {}:{}", step.name, error.what(),
                                      step.name, step.location.file_name(), step.location.line()));
    }
}

template <class Code, class Part>
void load_part(InputArchive& archive, CodeKind kind, Part& part, Step& step) {
    archive& step.name& step.upstreams& step.first_slot& step.owned;
    part.code = &static_cast<const Code&>(load_code(archive, kind));
    if (part.code->state == nullptr) return;
    if (part.code->state->load == nullptr)
        archive.refuse("a part is of a type that does not travel");
    part.state = part.code->state->load(archive);
}

// Every part finds its upstreams on the stack, and one stream is left for the sink.
bool fits_together(const std::vector<Step>& steps) {
    std::size_t height = 0;
    for (const auto& step : steps) {
        if (step.upstreams > height) return false;
        height += std::size_t{1} - step.upstreams;
    }
    return height == 1;
}

}  // namespace

PipelineCall PipelineCall::narrowed(std::uint32_t index) const {
    const auto has_data = [](const Step& step) { return step.part.code->narrow != nullptr; };
    if (std::ranges::none_of(pipeline->steps, has_data)) return *this;
    auto one = std::make_shared<Pipeline>(*pipeline);
    for (auto& step : one->steps) {
        if (has_data(step)) step.part.state = step.part.code->narrow(step.part.state, index);
    }
    return {std::move(one)};
}

void PipelineCall::serialize(OutputArchive& archive, unsigned) const {
    archive.save_size(pipeline->steps.size());
    for (const auto& step : pipeline->steps) save_part(archive, step.part, step);
    save_part(archive, pipeline->sink, pipeline->sink_step);
}

void PipelineCall::serialize(InputArchive& archive, unsigned) {
    auto made = std::make_shared<Pipeline>();
    const auto count = archive.load_count();
    for (std::size_t k = 0; k < count; ++k) {
        auto& step = made->steps.emplace_back();
        load_part<StreamCode>(archive, CodeKind::stream, step.part, step);
    }
    load_part<SinkCode>(archive, CodeKind::sink, made->sink, made->sink_step);
    if (!fits_together(made->steps)) archive.refuse("the parts of a pipeline do not fit together");
    pipeline = std::move(made);
}

void PartitionCall::serialize(OutputArchive& archive, unsigned) const {
    archive& call.narrowed(index) & index;
}

void PartitionCall::serialize(InputArchive& archive, unsigned) { archive& call& index; }

}  // namespace satchel::detail
