// The table of codecs, and what is the same for all of them: finding one by name or by content,
// checking options, compressing a whole buffer.
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/seek.hpp>
#include <satchel/tasks/splitter.hpp>
#include <satchel/travelling_error.hpp>
#include <satchel/units.hpp>

#include "codec_table.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstring>
#include <mutex>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace satchel {
namespace {

constexpr std::string_view before_offset = ", at offset ";

void check_range(const Codec& codec, std::string_view what, std::int64_t value, std::int64_t min,
                 std::int64_t max) {
    if (value >= min && value <= max) return;
    throw InvalidArgument(fmt::format("cannot compress to {} with {} {}; choose {} to {}",
                                      codec.info().name, what, value, min, max));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Codecs are added while others look them up, so that none may move.
class Table {
  public:
    Table() {
        // In this order `recognise` asks: a zlib header is two bytes with little redundancy, so it
        // comes last of ours.
        for (const Codec* codec : detail::own_codecs()) codecs_[size_++] = codec;
    }

    void add(const Codec& codec) {
        const std::scoped_lock lock(adding_);
        const auto name = codec.info().name;
        const auto same = [&](const Codec* other) { return other->info().name == name; };
        if (std::ranges::any_of(all(), same)) {
            throw InvalidArgument(fmt::format("cannot add the codec '{}': there is one", name));
        }
        if (size_ == codecs_.size()) {
            throw InvalidArgument(
                fmt::format("cannot add the codec '{}': there are {} already", name, size_.load()));
        }
        codecs_[size_] = &codec;
        ++size_;
    }

    [[nodiscard]] std::span<const Codec* const> all() const {
        return std::span(codecs_).first(size_);
    }

  private:
    std::mutex adding_;
    std::array<const Codec*, 64> codecs_{};
    std::atomic<std::size_t> size_ = 0;
};

Table& table() {
    static Table table;
    return table;
}

Bytes joined(std::span<const Bytes> pieces) {
    std::size_t size = 0;
    for (const Bytes& piece : pieces) size += piece.size();
    Buffer buffer(size);
    std::byte* end = buffer.data();
    for (const Bytes& piece : pieces) end = std::copy(piece.begin(), piece.end(), end);
    return std::move(buffer).freeze();
}

// Errors that come from another process are made of their text again.
CorruptData corrupt_data(const std::string& text) {
    const auto end = std::min(text.rfind(before_offset), text.size());
    std::uint64_t offset = 0;
    const auto* const last = text.data() + text.size();
    std::from_chars(std::min(text.data() + end + before_offset.size(), last), last, offset);
    return {text.substr(0, end), offset};
}

const TravellingError<CorruptData, corrupt_data> travelling_corrupt_data;
const TravellingError<OverMemoryLimit> travelling_over_memory_limit;

}  // namespace

// A name that consists of its suffix alone is the name of a hidden file, and has no suffix.
bool Suffix::ends(std::string_view name) const {
    const auto file_name = name.substr(name.find_last_of('/') + 1);
    const auto equal = [](char a, char b) { return lower(a) == lower(b); };
    return file_name.size() > text.size() &&
           std::ranges::equal(file_name.substr(file_name.size() - text.size()), text, equal);
}

CorruptData::CorruptData(const std::string& what, std::uint64_t offset)
    : Error(fmt::format("{}{}{}", what, before_offset, offset)), offset_(offset) {}

OverMemoryLimit::OverMemoryLimit(std::string_view what, std::uint64_t needed, std::uint64_t allowed)
    : Error(fmt::format("decoding {} takes {} of memory; no more than {} may be used", what,
                        format_bytes(needed), format_bytes(allowed))) {}

void Decoder::limit_memory(std::uint64_t /*bytes*/) {}

bool Decoder::stands_before(const Guess& /*guess*/) const { return false; }

Decoder::Status Decoder::take_over(const Guess& /*guess*/) { return Status::needs_input; }

bool Codec::continues(std::span<const std::byte> head) const { return recognises(head); }

std::string_view Codec::check(std::span<const std::byte> /*data*/) const { return {}; }

std::unique_ptr<Splitter> Codec::splitter() const { return nullptr; }

std::optional<SeekTable> Codec::seek_table(const RandomAccess& /*file*/) const {
    return std::nullopt;
}

bool Decoder::file_may_end() const { return true; }

std::string_view Decoder::doubt_at_end() const { return {}; }

bool Decoder::may_be_followed() const { return true; }

void add_codec(const Codec& codec) { table().add(codec); }

std::span<const Codec* const> codecs() { return table().all(); }

const Codec& codec(std::string_view name) {
    std::vector<std::string_view> names;
    for (const Codec* codec : codecs()) {
        if (codec->info().name == name) return *codec;
        names.push_back(codec->info().name);
    }
    throw InvalidArgument(
        fmt::format("there is no codec '{}'; there are {}", name, fmt::join(names, ", ")));
}

const Codec* recognise(std::span<const std::byte> head) {
    const auto all = codecs();
    const auto found =
        std::ranges::find_if(all, [&](const Codec* codec) { return codec->recognises(head); });
    return found == all.end() ? nullptr : *found;
}

CompressOptions Codec::resolve(const CompressOptions& options) const {
    auto resolved = options;
    if (resolved.level == 0) resolved.level = info().level_default;
    check_range(*this, "level", resolved.level, info().level_min, info().level_max);
    if (resolved.chunk_size == 0) resolved.chunk_size = default_chunk_size(resolved.level);
    check_range(*this, "a chunk size of", resolved.chunk_size, detail::chunk_size_min,
                detail::chunk_size_max);
    return resolved;
}

Bytes compress(std::span<const std::byte> data, std::string_view format,
               const CompressOptions& options) {
    const Codec& codec = satchel::codec(format);
    const auto resolved = codec.resolve(options);
    const auto chunk_size = static_cast<std::size_t>(resolved.chunk_size);
    const auto joiner = codec.joiner(resolved);
    std::vector<Bytes> pieces{joiner->begin()};
    for (auto rest = data; !rest.empty(); rest = rest.subspan(std::min(chunk_size, rest.size()))) {
        const auto chunk = rest.first(std::min(chunk_size, rest.size()));
        pieces.push_back(joiner->append(codec.compress_chunk(chunk, resolved)));
    }
    pieces.push_back(joiner->finish());
    return joined(pieces);
}

namespace detail {

std::span<const Codec* const> own_codecs() {
    static const std::array codecs{&gzip_codec(), &bz2_codec(), &xz_codec(),
#ifdef SATCHEL_ZSTD
                                   &zstd_codec(),
#endif
                                   &zlib_codec()};
    return codecs;
}

int checked_level(const Codec& codec, std::span<const std::byte> chunk,
                  const CompressOptions& options) {
    if (chunk.size() > static_cast<std::size_t>(chunk_size_max)) {
        throw InvalidArgument(
            fmt::format("cannot compress a chunk of {} bytes to {}; a chunk has at most {}",
                        chunk.size(), codec.info().name, chunk_size_max));
    }
    return static_cast<int>(codec.resolve(options).level);
}

Bytes bytes_of(std::initializer_list<unsigned> values) {
    Buffer buffer(values.size());
    std::ranges::transform(values, buffer.data(), [](unsigned value) { return std::byte(value); });
    return std::move(buffer).freeze();
}

std::size_t gather(std::span<const std::byte>& input, std::span<std::byte> field,
                   std::size_t& filled) {
    if (filled >= field.size()) return 0;
    const auto taken = input.first(std::min(field.size() - filled, input.size()));
    std::ranges::copy(taken, field.subspan(filled).begin());
    filled += taken.size();
    input = input.subspan(taken.size());
    return taken.size();
}

bool begins(std::span<const std::byte> data, std::initializer_list<unsigned> magic) {
    const auto size = std::min(data.size(), magic.size());
    return size != 0 && std::equal(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size),
                                   magic.begin(), [](std::byte byte, unsigned value) {
                                       return std::to_integer<unsigned>(byte) == value;
                                   });
}

}  // namespace detail
}  // namespace satchel
