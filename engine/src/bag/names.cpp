// The names of what the engine itself brings along: the same in every build, so that programs of
// different builds can exchange bags of the basic types.
#include <satchel/detail/reduce.hpp>
#include <satchel/detail/reducers.hpp>
#include <satchel/detail/sources.hpp>
#include <satchel/task.hpp>

#include "bag/pipeline.hpp"

#include <cstdint>
#include <string>

namespace satchel::detail {
namespace {

template <class F>
void name_function(const char* name) {
    name_code(FunctionCodeOf<F>::code, CodeKind::function, name);
}

// The sources and sinks of bags of `T`.
template <class T>
void name_bag_of() {
    const auto type = type_name_of<T>();
    name_elements<T>();
    name_code(StreamCodeOf<&Sequence<T>::open, Sequence<T>>::code, CodeKind::stream,
              type + "/from_sequence");
    name_code(StreamCodeOf<&StoredPartitions<T>::open, StoredPartitions<T>>::code, CodeKind::stream,
              type + "/stored");
    name_code(SinkCodeOf<&run_reducer<T, CountReducer>, CountReducer>::code, CodeKind::sink,
              type + "/count");
}

}  // namespace

void name_engine_parts() {
    static const bool once = [] {
        name_bag_of<Bytes>();
        name_bag_of<std::string>();
        name_bag_of<std::int64_t>();
        name_bag_of<double>();
        name_type<std::uint64_t>();
        name_type<bool>();
        name_type<int>();
        name_type<Unit>();
        name_code(StreamCodeOf<&CountingStream::open, Partitioning>::code, CodeKind::stream,
                  "satchel/range");
        name_function<PipelineCall>("satchel/pipeline");
        name_function<PartitionCall>("satchel/partition");
        name_function<PassOn>("satchel/pass-on");
        name_function<MergePartials<CountReducer>>("satchel/count-merge");
        name_function<FinishPartials<CountReducer>>("satchel/count");
        return true;
    }();
    (void)once;
}

}  // namespace satchel::detail
