// The parts of streams and of sources that do not depend on the element type.
#include <satchel/archive.hpp>
#include <satchel/detail/element_functions.hpp>
#include <satchel/detail/repartition.hpp>
#include <satchel/detail/sources.hpp>
#include <satchel/error.hpp>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace satchel::detail {

void refuse_copy() {
    throw InvalidArgument("an element of a move-only type would have to be copied");
}

BoolItems::BoolItems(const std::vector<bool>& values) : bytes_(values.begin(), values.end()) {}

void BoolItems::serialize(OutputArchive& archive, unsigned) const { archive& bytes_; }
void BoolItems::serialize(InputArchive& archive, unsigned) {
    archive& bytes_;
    for (const auto byte : bytes_) {
        if (byte > 1) archive.refuse("a bool is neither 0 nor 1");
    }
}

std::unique_ptr<StreamBase> CountingStream::open(const Value& state, Binding& binding) {
    const auto& partitioning = state.get<Partitioning>();
    return std::make_unique<CountingStream>(partitioning.begin(binding.index()),
                                            partitioning.begin(binding.index() + 1));
}

bool CountingStream::next(Batch<std::int64_t>& batch) {
    const auto first = position();
    const auto size = skip_batch();
    if (size == 0) return false;
    storage_.prepare();
    auto* items = storage_.items();
    for_each_index(size, [&](std::size_t k) { items[k] = first + static_cast<std::int64_t>(k); });
    storage_.set_size(size);
    batch = storage_.batch();
    return true;
}

std::uint32_t Partitioning::with(std::uint64_t position) const noexcept {
    const auto small = size / parts;
    const auto large_end = size % parts * (small + 1);
    if (position < large_end) return static_cast<std::uint32_t>(position / (small + 1));
    const auto more = small == 0 ? 0 : (position - large_end) / small;
    return std::min(static_cast<std::uint32_t>(size % parts + more), parts - 1);
}

Value BeginsOfCounts::operator()(Arguments& arguments) const {
    Begins begins{0};
    for (std::uint32_t k = 0; k < arguments.size(); ++k) {
        begins.push_back(begins.back() + arguments.get<std::uint64_t>(k));
    }
    return Value::of(std::move(begins));
}

GivenOnce::GivenOnce(std::uint32_t partitions) : given_(partitions) {}

void GivenOnce::give(std::uint32_t partition) {
    if (!given_.at(partition).exchange(true)) return;
    throw Error(fmt::format(
        "from_sequence: partition {} is needed once more, as what was made of it was lost with a "
        "worker, but its elements can only be moved, and have been; use elements that can be "
        "copied, or make these from such by map",
        partition));
}

void throw_recounted(std::uint32_t partition, std::uint64_t counted) {
    throw Error(fmt::format(
        "repartition: partition {} had {} elements when they were counted, and now it has more or "
        "fewer; elements must be the same each time that they are made: read a file when it is "
        "complete, give random functions a seed, or persist() the bag first",
        partition, counted));
}

std::size_t partition_with(std::uint64_t position, const std::vector<std::uint64_t>& begin) {
    return static_cast<std::size_t>(std::ranges::upper_bound(begin, position) - begin.begin() - 1);
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

}  // namespace satchel::detail
