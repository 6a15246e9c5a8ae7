// The parts of the archives that know no types: bytes, sizes, segments, and what is refused.
#include <satchel/archive.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace satchel {
namespace detail {

void throw_nesting() {
    throw ArchiveError(
        fmt::format("archive: objects are nested more than {} deep; the bytes are damaged, or the "
                    "type needs a serialize that does not recurse",
                    nesting_max));
}

std::string_view problem_text(TravelProblem problem) {
    switch (problem) {
        case TravelProblem::member_function:
            return "it is a pointer to a member function; write satchel::fn<&Class::method>";
        case TravelProblem::hidden:
            return "it is a type of the standard library that does not show what it holds, or "
                   "does not own it (std::function, std::bind, views, std::shared_ptr, "
                   "std::bitset, …); pass the function itself, or a type of your own that has the "
                   "data, with serialize";
        case TravelProblem::pointer:
            return "it is or holds a pointer or a reference, and an address means nothing in "
                   "another process; hold the object itself";
        case TravelProblem::no_default:
            return "it has serialize, but no default constructor to make it with; add one";
        case TravelProblem::inherited:
            return "it has only the serialize of its base, which would lose its own members; give "
                   "it one that begins with base_object<Base>(*this)";
        default:
            return "it carries data (a lambda with captures, or an object without serialize), and "
                   "C++ cannot read a capture list; use an object with a serialize(Archive&, "
                   "unsigned) member; with map, you can pass the data after the function instead: "
                   "map([](const T& x, int k) {…}, k)";
    }
}

}  // namespace detail

std::uint64_t Encoded::size() const noexcept {
    std::uint64_t size = head.size();
    for (const auto& segment : segments) size += segment.size();
    return size;
}

// ---- writing ------------------------------------------------------------------------------------

void OutputArchive::grow(std::size_t size) {
    constexpr std::size_t first_capacity = 256;
    const auto used = position();
    buffer_.resize(std::max({first_capacity, used + size, 2 * buffer_.size()}));
    at_ = buffer_.data() + used;
    end_ = buffer_.data() + buffer_.size();
}

void OutputArchive::save_bytes(const Bytes& bytes) {
    save_size(bytes.size());
    if (bytes.size() < segment_min_) {
        save_binary(bytes.data(), bytes.size());
    } else {
        segments_.push_back(bytes);
    }
}

void OutputArchive::save_segment(const void* data, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(data);
    if (sharing_.share == nullptr) {
        segments_.push_back(Bytes::copy_of({first, size}));
        return;
    }
    if (!sharing_.owner) sharing_.owner = sharing_.share(sharing_.context);
    segments_.emplace_back(sharing_.owner, first, size);
}

Encoded OutputArchive::finish() && {
    buffer_.resize(position());
    at_ = end_ = nullptr;
    return {std::move(buffer_).freeze(), std::move(segments_)};
}

// ---- reading ------------------------------------------------------------------------------------

std::uint64_t InputArchive::load_long_size() {
    std::uint64_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned char byte = 0;
        load_binary(&byte, 1);
        const std::uint64_t bits = byte & 0x7FU;
        if (shift == 63 && bits > 1) refuse("a size does not fit into 64 bits");
        size |= bits << shift;
        if ((byte & 0x80U) != 0) {
            if (shift == 63) refuse("a size does not fit into 64 bits");
            continue;
        }
        if (byte == 0 && shift != 0) refuse("a size is longer than it needs to be");
        return size;
    }
}

std::size_t InputArchive::load_count() {
    const auto count = load_size();
    if (count > remaining()) refuse("there are fewer bytes left than a list has elements");
    return static_cast<std::size_t>(count);
}

Bytes InputArchive::load_segment(std::uint64_t size) {
    if (next_segment_ == encoded_.segments.size()) refuse("a large buffer is missing");
    if (encoded_.segments[next_segment_].size() != size) {
        refuse("a large buffer has another size than was said");
    }
    return std::move(encoded_.segments[next_segment_++]);
}

Bytes InputArchive::load_bytes() {
    const auto size = load_size();
    if (size >= segment_min_) return load_segment(size);
    const auto taken = take(size);
    // A slice holds all that it is cut out of, as many records as there are.
    const bool is_record = segment_min_ == SIZE_MAX;
    if (is_record && size < encoded_.head.size() / 8) return Bytes::copy_of(taken);
    return encoded_.head.slice(static_cast<std::size_t>(taken.data() - encoded_.head.data()),
                               taken.size());
}

void InputArchive::expect_end() const {
    if (remaining() != 0 || next_segment_ != encoded_.segments.size()) {
        refuse("there is more than the object");
    }
}

void InputArchive::refuse(const char* what) const {
    throw ArchiveError(
        fmt::format("reading an object: {}, at byte {} of {}; the bytes are damaged, or were "
                    "written as another type",
                    what, at_ - encoded_.head.data(), encoded_.head.size()));
}

void InputArchive::throw_short(std::size_t wanted) const {
    throw ArchiveError(
        fmt::format("reading an object: {} bytes are wanted at byte {} of {}; the bytes were cut "
                    "short, or were written as another type",
                    wanted, at_ - encoded_.head.data(), encoded_.head.size()));
}

}  // namespace satchel
