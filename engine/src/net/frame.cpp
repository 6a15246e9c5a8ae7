// Cutting a stream into frames, and making one of them.
#include "net/frame.hpp"

#include "net/little_endian.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace satchel::net {
namespace {

constexpr std::size_t header_size = 8;
constexpr std::size_t size_size = 8;

// One read takes up to this many bytes of small messages; measured, more gains nothing.
constexpr std::size_t staging_size = std::size_t{128} << 10;

// A body up to here is handed out where it was read to; a larger one gets memory of its own. Half
// of the staging area, so that an incomplete one can be moved to its beginning and has room to
// grow.
constexpr std::size_t max_staged = staging_size / 2;

// Copying less than this costs less than a piece of its own in the system call.
constexpr std::size_t min_own_piece = 4096;

// Memory of a queue that was long once is given back when it is empty.
constexpr std::size_t max_kept_text = std::size_t{1} << 20;

}  // namespace

void check_frame(FrameType type, std::size_t body, std::size_t segments,
                 const FrameLimits& limits) {
    if (type != FrameType::message && type != FrameType::goodbye) {
        throw ProtocolError(fmt::format("a frame of the unknown type {}", static_cast<int>(type)));
    }
    const bool is_message = type == FrameType::message;
    const auto most = is_message ? limits.body : limits.goodbye;
    if (body > most) {
        throw ProtocolError(
            fmt::format("a message of {} bytes without its segments, of at most {}", body, most));
    }
    if (const auto allowed = is_message ? max_segments : 0; segments > allowed) {
        throw ProtocolError(
            fmt::format("a message of {} segments, of at most {}", segments, allowed));
    }
}

void check_payload(std::uint64_t payload, const FrameLimits& limits) {
    if (payload > limits.payload) {
        throw ProtocolError(fmt::format("a message with {} bytes in segments, of at most {}",
                                        payload, limits.payload));
    }
}

std::array<std::span<std::byte>, 2> FrameReader::areas() {
    if (staging_.size() == 0) staging_.resize(staging_size);
    if (begin_ == end_) {
        begin_ = end_ = 0;
    } else if (begin_ > 0 && end_ > max_staged) {
        std::memmove(staging_.data(), staging_.data() + begin_, end_ - begin_);
        end_ -= std::exchange(begin_, 0);
    }
    return {unread_of_part(), std::span(staging_).subspan(end_)};
}

void FrameReader::received(std::size_t count) {
    const auto to_part = std::min(count, unread_of_part().size());
    if (parts_) parts_->filled += to_part;
    end_ += count - to_part;
}

std::optional<Frame> FrameReader::next() {
    if (!parts_) {
        auto frame = begin_frame();
        if (frame || !parts_) return frame;
    }
    if (!fill_parts()) return std::nullopt;
    auto parts = std::move(*parts_);
    parts_.reset();
    last_body_ = std::move(parts.complete.front());
    parts.complete.erase(parts.complete.begin());
    return Frame{parts.type, {last_body_.data(), last_body_.size()}, std::move(parts.complete)};
}

void FrameReader::release_unused() {
    last_body_ = {};
    if (begin_ != end_) return;
    staging_ = {};
    begin_ = end_ = 0;
}

std::span<std::byte> FrameReader::unread_of_part() {
    if (!parts_) return {};
    return std::span(parts_->current).subspan(parts_->filled);
}

// Gives a frame that lies in the staging area as a whole, or begins `parts_`, or needs more bytes.
std::optional<Frame> FrameReader::begin_frame() {
    const auto unparsed = std::span<const std::byte>(staging_).subspan(begin_, end_ - begin_);
    if (unparsed.size() < header_size) return std::nullopt;
    const auto body = load_little_endian<std::uint32_t>(unparsed.data());
    const auto type = static_cast<FrameType>(unparsed[4]);
    const auto segments = load_little_endian<std::uint16_t>(&unparsed[6]);
    if (unparsed[5] != std::byte{0}) throw ProtocolError("bytes that are no frame");
    check_frame(type, body, segments, limits_);

    const auto prefix = header_size + size_size * segments;
    if (segments == 0 && prefix + body <= max_staged) {
        if (unparsed.size() < prefix + body) return std::nullopt;
        begin_ += prefix + body;
        return Frame{type, unparsed.subspan(prefix, body), {}};
    }
    if (unparsed.size() < prefix) return std::nullopt;
    Parts parts{type, {body}, 0, {}, 0, {}};
    std::uint64_t payload = 0;
    for (std::size_t i = 0; i < segments; ++i) {
        const auto size = load_little_endian<std::uint64_t>(&unparsed[header_size + size_size * i]);
        check_payload(size, limits_);
        payload += size;
        check_payload(payload, limits_);
        parts.sizes.push_back(size);
    }
    begin_ += prefix;
    parts.current.resize(body);
    parts_ = std::move(parts);
    return std::nullopt;
}

// Moves what was read ahead into the parts; true when they are complete.
bool FrameReader::fill_parts() {
    auto& parts = *parts_;
    while (true) {
        const auto missing = unread_of_part();
        const auto count = std::min(missing.size(), end_ - begin_);
        if (count > 0) std::memcpy(missing.data(), staging_.data() + begin_, count);
        begin_ += count;
        parts.filled += count;
        if (parts.filled < parts.current.size()) return false;
        parts.complete.push_back(std::exchange(parts.current, {}).freeze());
        parts.filled = 0;
        if (++parts.index == parts.sizes.size()) return true;
        parts.current.resize(parts.sizes[parts.index]);
    }
}

void FrameWriter::add(FrameType type, std::span<const std::byte> body,
                      std::vector<Bytes> segments) {
    check_frame(type, body.size(), segments.size(), limits_);
    std::uint64_t payload = 0;
    for (const auto& segment : segments) payload += segment.size();
    check_payload(payload, limits_);

    std::array<std::byte, header_size> header{};
    store_little_endian(static_cast<std::uint32_t>(body.size()), header.data());
    header[4] = static_cast<std::byte>(type);
    store_little_endian(static_cast<std::uint16_t>(segments.size()), &header[6]);
    append(header);
    for (const auto& segment : segments) {
        std::array<std::byte, size_size> size{};
        store_little_endian(static_cast<std::uint64_t>(segment.size()), size.data());
        append(size);
    }
    append(body);
    for (auto& segment : segments) {
        if (segment.size() < min_own_piece) {
            append({segment.data(), segment.size()});
        } else {
            queued_ += segment.size();
            segments_.push_back({text_.size(), std::move(segment)});
        }
    }
}

std::span<const std::span<const std::byte>> FrameWriter::pieces() {
    std::size_t count = 0;
    auto at = text_sent_;
    const std::span<const std::byte> text(text_);
    for (const auto& segment : segments_) {
        if (count + 2 > max_pieces) return std::span(pieces_).first(count);
        if (segment.after > at) pieces_[count++] = text.subspan(at, segment.after - at);
        pieces_[count++] = {segment.bytes.data(), segment.bytes.size()};
        at = segment.after;
    }
    if (count < max_pieces && at < text.size()) pieces_[count++] = text.subspan(at);
    return std::span(pieces_).first(count);
}

void FrameWriter::sent(std::size_t count) {
    queued_ -= count;
    while (count > 0) {
        const auto text_end = segments_.empty() ? text_.size() : segments_.front().after;
        const auto of_text = std::min(count, text_end - text_sent_);
        text_sent_ += of_text;
        count -= of_text;
        if (count == 0) break;
        auto& bytes = segments_.front().bytes;
        const auto of_segment = std::min(count, bytes.size());
        count -= of_segment;
        if (of_segment < bytes.size()) {
            bytes = bytes.slice(of_segment);
        } else {
            segments_.pop_front();
        }
    }
    drop_sent_text();
}

void FrameWriter::append(std::span<const std::byte> bytes) {
    text_.insert(text_.end(), bytes.begin(), bytes.end());
    queued_ += bytes.size();
}

void FrameWriter::drop_sent_text() {
    if (text_sent_ == text_.size() && segments_.empty()) {
        text_.clear();
        text_sent_ = 0;
        if (text_.capacity() > max_kept_text) text_.shrink_to_fit();
    } else if (text_sent_ > max_kept_text && text_sent_ > text_.size() / 2) {
        text_.erase(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(text_sent_));
        for (auto& segment : segments_) segment.after -= text_sent_;
        text_sent_ = 0;
    }
}

}  // namespace satchel::net
