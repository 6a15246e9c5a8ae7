// Runs and pieces as bytes, and the tasks that bring them from one partition to another.
//
// Were each piece a task, n input and m output partitions would need n * m of them. So output
// partitions are taken together in at most `bundles_max` bundles: a task cuts out what one input
// partition has for one bundle, another collects those of a bundle, and output partitions read from
// their bundle. On a cluster a collecting task runs where most of the pieces are, fetches the rest
// from the workers that have them, and is followed by the tasks of its output partitions there.
#include <satchel/bag.hpp>
#include <satchel/detail/pieces.hpp>
#include <satchel/detail/records.hpp>
#include <satchel/error.hpp>

#include "base/spill.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>

namespace satchel::detail {
namespace {

// Enough for the work to be spread over a cluster evenly.
constexpr std::uint32_t bundles_max = 64;
// With very many input partitions there are fewer bundles, for a graph of reasonable size.
constexpr std::uint32_t pieces_max = 1 << 20;

// Records are taken one after another; those of output k stand from begin[k] on.
template <class Size>
std::vector<std::uint64_t> begins(std::uint32_t outputs, std::size_t records, const Size& size_of) {
    std::vector<std::uint64_t> begin(outputs + std::size_t{1});
    for (std::size_t k = 0; k < records; ++k) {
        const auto [output, size] = size_of(k);
        begin[output + std::size_t{1}] += size;
    }
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    return begin;
}

// Copies a record. Most are short, and calling std::memcpy for those costs more than copying them.
inline void copy_record(const std::byte* from, std::size_t size, std::byte* to) {
    const auto copy_halves = [&](auto half) {  // which overlap
        std::memcpy(to, from, half);
        std::memcpy(to + size - half, from + size - half, half);
    };
    if (size < 8 || size > 32) {
        std::memcpy(to, from, size);
    } else if (size < 16) {
        copy_halves(std::integral_constant<std::size_t, 8>());
    } else {
        copy_halves(std::integral_constant<std::size_t, 16>());
    }
}

// `ends`: of each output, where its records end in `sorted`.
Run make_run(Buffer sorted, const std::vector<std::uint32_t>& counts,
             const std::vector<std::uint64_t>& ends) {
    Run run;
    for (std::uint32_t output = 0; output < counts.size(); ++output) {
        if (counts[output] != 0) run.parts.push_back({output, counts[output], ends[output]});
    }
    auto place = SpillSpace::of_process().put(std::move(sorted).freeze());
    run.offset = place.offset;
    run.bytes = std::move(place.bytes);
    run.file = std::move(place.file);
    return run;
}

// Copies records of `record_size` bytes, which is a constant where it is usual, to where those of
// their output belong.
template <class Size>
void sort_records(const std::byte* record, Size record_size, std::span<const std::uint32_t> outputs,
                  std::vector<std::byte*>& places) {
    for (const auto output : outputs) {
        auto& place = places[output];
        std::memcpy(place, record, record_size);
        place += record_size;
        record += record_size;
    }
}

struct TakeBundle {
    std::uint32_t splits = 1;  // one bundle after another, with pieces of all splits
    std::uint32_t outputs_each = 1;

    Value operator()(Arguments& arguments) const {
        const auto first = arguments.index() / splits * outputs_each;
        ShufflePieces taken;
        for (const auto& run : arguments.get<ShufflePieces>(0).runs) {
            auto part = run.select(first, first + outputs_each);
            if (!part.parts.empty()) taken.runs.push_back(std::move(part));
        }
        return Value::of(std::move(taken));
    }
};

struct CollectBundle {
    Value operator()(Arguments& arguments) const {
        ShufflePieces all;
        for (std::uint32_t k = 0; k < arguments.size(); ++k) {
            for (const auto& run : arguments.get<ShufflePieces>(k).runs) all.runs.push_back(run);
        }
        return Value::of(std::move(all));
    }
};

}  // namespace

std::size_t Run::find(std::uint32_t output) const noexcept {
    const auto found = std::ranges::lower_bound(parts, output, {}, &Part::output);
    const bool is_there = found != parts.end() && found->output == output;
    return is_there ? static_cast<std::size_t>(found - parts.begin()) : parts.size();
}

Bytes Run::read(std::size_t first, std::size_t last) const {
    if (first == last) return {};
    const auto begin = begin_of(first);
    const auto size = begin_of(last) - begin;
    return file ? file->read(begin, size)
                : bytes.slice(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
}

Run Run::select(std::uint32_t first, std::uint32_t last) const {
    const auto begin = std::ranges::lower_bound(parts, first, {}, &Part::output);
    const auto end = std::ranges::lower_bound(parts, last, {}, &Part::output);
    const auto from = begin_of(static_cast<std::size_t>(begin - parts.begin()));
    Run selected{std::vector<Part>(begin, end), from, bytes, file, objects};
    for (auto& part : selected.parts) part.end -= from - offset;
    return selected;
}

void Run::serialize(OutputArchive& archive, unsigned) const {
    if (objects) throw TravelError("elements that do not travel were to be sent while shuffled");
    archive.save_size(parts.size());
    std::uint64_t before = 0;
    for (const auto& part : parts) {
        archive.save_size(part.output);
        archive.save_size(part.records);
        archive.save_size(part.end - std::exchange(before, part.end));
    }
    archive.save_bytes(read(0, parts.size()));
}

void Run::serialize(InputArchive& archive, unsigned) {
    *this = {};
    const auto load_number = [&] {
        const auto number = archive.load_size();
        if (number > UINT32_MAX) archive.refuse("a piece has a number that is too large");
        return static_cast<std::uint32_t>(number);
    };
    std::uint64_t end = 0;
    for (auto count = archive.load_count(); count > 0; --count) {
        Part part{.output = load_number(), .records = load_number()};
        if (!parts.empty() && part.output <= parts.back().output) {
            archive.refuse("pieces are not in order");
        }
        const auto size = archive.load_size();
        if (size > UINT64_MAX / 2 - end) archive.refuse("a piece is too large");
        part.end = end += size;
        parts.push_back(part);
    }
    auto loaded = archive.load_bytes();
    if (loaded.size() != end) archive.refuse("pieces are larger or smaller than was said");
    auto place = SpillSpace::of_process().put(std::move(loaded));
    offset = place.offset;
    bytes = std::move(place.bytes);
    file = std::move(place.file);
}

// ---- making runs --------------------------------------------------------------------------------

void RunWriter::flush() {
    if (records_.empty()) return;
    auto begin = begins(outputs_, records_.size(), [&](std::size_t k) {
        return std::pair(records_[k].output, records_[k].size);
    });
    std::vector<std::uint32_t> counts(outputs_);
    const auto written = std::move(archive_).finish().head;
    archive_ = OutputArchive::contiguous();
    end_ = 0;
    Buffer sorted(written.size());
    const auto* record = written.data();
    for (const auto& [output, size] : records_) {
        copy_record(record, size, sorted.data() + begin[output]);
        record += size;
        begin[output] += size;
        ++counts[output];
    }
    pieces_.runs.push_back(make_run(std::move(sorted), counts, begin));
    records_.clear();
}

ShufflePieces RunWriter::finish() && {
    flush();
    return std::move(pieces_);
}

void PlainRunWriter::start_run() {
    flush();
    if (room_ == 0) {
        room_ = std::min(RunWriter::run_bytes / record_size_, RunWriter::run_records);
        written_ = Buffer(room_ * record_size_);
        of_record_ = std::make_unique_for_overwrite<std::uint32_t[]>(room_);
    }
    at_ = written_.data();
    records_ = 0;
}

void PlainRunWriter::flush() {
    if (records_ == 0) return;
    const std::span<const std::uint32_t> outputs(of_record_.get(), records_);
    std::vector<std::uint32_t> counts(outputs_);
    for (const auto output : outputs) ++counts[output];
    Buffer sorted(records_ * record_size_);
    std::vector<std::byte*> places(outputs_);
    std::vector<std::uint64_t> ends(outputs_);
    std::uint64_t end = 0;
    for (std::uint32_t output = 0; output < outputs_; ++output) {
        places[output] = sorted.data() + end;
        ends[output] = end += std::uint64_t{counts[output]} * record_size_;
    }
    const auto* const records = written_.data();
    if (record_size_ == 16) {
        sort_records(records, std::integral_constant<std::size_t, 16>(), outputs, places);
    } else if (record_size_ == 8) {
        sort_records(records, std::integral_constant<std::size_t, 8>(), outputs, places);
    } else {
        sort_records(records, record_size_, outputs, places);
    }
    pieces_.runs.push_back(make_run(std::move(sorted), counts, ends));
}

ShufflePieces PlainRunWriter::finish() && {
    flush();
    return std::move(pieces_);
}

void refuse_records() {
    throw ArchiveError("pieces of a shuffle have more or fewer bytes than their records");
}

std::vector<Run::Part> sort_objects(const std::vector<std::uint32_t>& outputs, std::uint32_t count,
                                    std::vector<std::size_t>& places) {
    auto begin = begins(count, outputs.size(),
                        [&](std::size_t k) { return std::pair(outputs[k], std::size_t{1}); });
    std::vector<Run::Part> parts;
    for (std::uint32_t output = 0; output < count; ++output) {
        const auto end = begin[output + std::size_t{1}];
        if (end == begin[output]) continue;
        parts.push_back({output, static_cast<std::uint32_t>(end - begin[output]), end});
    }
    for (const auto output : outputs) places.push_back(begin[output]++);
    return parts;
}

// ---- options ------------------------------------------------------------------------------------

std::uint32_t checked_outputs(std::optional<std::int64_t> npartitions, std::uint32_t otherwise,
                              const char* operation) {
    return npartitions ? checked_partitions(*npartitions, operation) : otherwise;
}

std::optional<Side> broadcast_side(const JoinOptions& options, std::int64_t left_partitions,
                                   std::int64_t right_partitions) {
    if (options.npartitions && options.broadcast) {
        throw InvalidArgument(
            "join: both npartitions and broadcast are given; a side that goes along with the other "
            "leaves that one's partitions as they are, so give one of the two");
    }
    if (options.npartitions) return std::nullopt;
    if (options.broadcast) return options.broadcast;
    if (right_partitions == 1) return Side::right;
    if (left_partitions == 1) return Side::left;
    return std::nullopt;
}

// ---- from task to task --------------------------------------------------------------------------

Exchange exchange(NodePtr split, std::uint32_t outputs, const std::string& name) {
    using Kind = NodeInput::Kind;
    const auto splits = split->description.count;
    const auto token = split->description.token;
    const auto most = std::clamp(pieces_max / splits, 1U, bundles_max);
    const auto each = (outputs + most - 1) / most;
    const auto bundles = (outputs + each - 1) / each;
    auto pieces = Node::make(
        {.count = bundles * splits,
         .name = name + "-piece",
         .token = token.then(1).then(outputs),
         .function = Function(TakeBundle{splits, each}),
         .inputs = {{.kind = Kind::cross_right, .node = std::move(split), .step = splits}}});
    auto collected =
        Node::make({.count = bundles,
                    .name = name + "-collect",
                    .token = token.then(2).then(outputs),
                    .function = Function(CollectBundle{}),
                    .inputs = {{.kind = Kind::block, .node = std::move(pieces), .step = splits}}});
    return {std::move(collected), each};
}

}  // namespace satchel::detail
