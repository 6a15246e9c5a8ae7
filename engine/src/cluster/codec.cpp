// Messages in frames. A message is the body and the segments of one frame; one that does not fit
// its limits is packed into a segment, and the body is empty.
#include "cluster/codec.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace satchel::cluster {
namespace {

constexpr std::size_t body_max = std::size_t{4} << 20;
static_assert(body_max <= net::FrameLimits{}.body);

}  // namespace

Bytes pack(const Encoded& encoded) {
    OutputArchive sizes;
    sizes.save_size(encoded.segments.size());
    for (const auto& segment : encoded.segments) sizes.save_size(segment.size());
    const auto header = std::move(sizes).finish().head;
    Buffer packed(header.size() + static_cast<std::size_t>(encoded.size()));
    auto* at = packed.data();
    const auto append = [&](const Bytes& part) { at = std::ranges::copy(part, at).out; };
    append(header);
    append(encoded.head);
    std::ranges::for_each(encoded.segments, append);
    return std::move(packed).freeze();
}

Encoded unpack(const Bytes& packed) {
    InputArchive sizes({packed, {}});
    const auto count = sizes.load_count();
    std::vector<std::uint64_t> lengths;
    lengths.reserve(count);
    std::uint64_t sum = 0;
    for (std::size_t k = 0; k < count; ++k) {
        lengths.push_back(sizes.load_size());
        if (lengths.back() > packed.size() - sum) sizes.refuse("a part is larger than the whole");
        sum += lengths.back();
    }
    if (sum > sizes.remaining()) sizes.refuse("the parts are larger than the whole");
    auto at = packed.size() - sizes.remaining();
    const auto head = static_cast<std::size_t>(sizes.remaining() - sum);
    Encoded encoded{packed.slice(at, head), {}};
    at += head;
    for (const auto length : lengths) {
        encoded.segments.push_back(packed.slice(at, static_cast<std::size_t>(length)));
        at += static_cast<std::size_t>(length);
    }
    return encoded;
}

void send_encoded(net::Connection& connection, Encoded message) {
    if (message.head.size() <= body_max && message.segments.size() <= net::max_segments) {
        connection.send(message.head, std::move(message.segments));
    } else {
        connection.send({}, {pack(message)});
    }
}

Encoded received(net::Message& message) {
    if (!message.body.empty()) return {Bytes::copy_of(message.body), std::move(message.segments)};
    if (message.segments.size() != 1) throw ArchiveError("a message without a body arrived");
    return unpack(message.segments.front());
}

}  // namespace satchel::cluster
