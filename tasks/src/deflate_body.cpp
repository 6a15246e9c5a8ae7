// The inside of a gzip or zlib stream, decoded here or taken over in pieces.
#include "deflate_body.hpp"

#include <algorithm>

namespace satchel::detail {
namespace {

constexpr std::size_t window_size = std::size_t{32} << 10;

}  // namespace

void DeflateBody::reset(std::uint64_t offset) {
    inflater_->reset(offset);
    check_ = kind_.initial;
    size_ = 0;
    history_.clear();
    moved_ = false;
}

Decoder::Status DeflateBody::decode(std::span<const std::byte>& input,
                                    std::span<std::byte>& output) {
    if (moved_ && input.empty()) return Decoder::Status::needs_input;
    if (moved_) {
        const std::span<const std::byte> history(history_);
        inflater_->reset(offset_, history.last(std::min(history.size(), window_size)));
        moved_ = false;
    }
    const std::span<const std::byte> room = output;
    const auto status = inflater_->decode(input, output);
    const auto decoded = room.first(room.size() - output.size());
    check_ = kind_.append(check_, decoded);
    size_ += decoded.size();
    remember(decoded);
    return status;
}

void DeflateBody::append(std::span<const std::byte> data, std::uint32_t check,
                         std::uint64_t offset) {
    check_ = kind_.join(check_, check, data.size());
    size_ += data.size();
    remember(data);
    offset_ = offset;
    moved_ = true;
}

// What is taken over passes the inflater by; if it has to go on behind that, it needs the history.
void DeflateBody::remember(std::span<const std::byte> data) {
    if (data.size() >= window_size) history_.clear();
    const auto kept = data.last(std::min(data.size(), window_size));
    history_.insert(history_.end(), kept.begin(), kept.end());
    if (history_.size() < 4 * window_size) return;
    history_.erase(history_.begin(), history_.end() - window_size);
}

}  // namespace satchel::detail
