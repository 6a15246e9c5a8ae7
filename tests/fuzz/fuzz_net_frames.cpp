// Fuzzes what cuts a stream of bytes into frames: whatever arrives, in whatever pieces, it gives
// frames within the limits or refuses; and what it gives, written again, is what was read.
//
//     mkdir corpus && build-fuzz/tests/fuzz/fuzz_net_frames corpus
#include "fuzz.hpp"
#include "net/frame.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace satchel::net;

namespace {

// Small, so that a few bytes can reach them.
constexpr FrameLimits limits{.body = 300'000, .payload = 1'000'000, .goodbye = 1024};

void require(bool is_right) {
    if (!is_right) std::abort();
}

// All that the writer has to send.
std::vector<std::byte> written(FrameWriter& writer) {
    std::vector<std::byte> all;
    while (writer.queued() > 0) {
        std::size_t count = 0;
        for (const auto piece : writer.pieces()) {
            all.insert(all.end(), piece.begin(), piece.end());
            count += piece.size();
        }
        require(count > 0);
        writer.sent(count);
    }
    return all;
}

}  // namespace

std::vector<std::string> satchel::fuzz::seeds() {
    FrameWriter writer(limits);
    const auto body = [](const std::string& text) { return Bytes::copy_of(text); };
    writer.add(FrameType::message, body("a message"), {});
    writer.add(FrameType::message, {}, {body("one"), {}, body(std::string(5000, 'x'))});
    writer.add(FrameType::goodbye, body("enough"), {});
    std::string stream;
    for (const auto byte : written(writer)) stream += static_cast<char>(byte);
    std::vector<std::string> all;
    for (const char step : {'\0', '\6', '\x7f', '\xff'}) all.push_back(step + stream);
    return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // The first byte decides how the rest is cut.
    const std::size_t step = data[0] < 128 ? 1 + data[0] : std::size_t{64} * data[0];
    const auto stream = std::as_bytes(std::span(data + 1, size - 1));
    FrameReader reader(limits);
    FrameWriter writer(limits);
    std::size_t at = 0;
    try {
        while (at < stream.size()) {
            std::size_t count = 0;
            for (const auto area : reader.areas()) {
                const auto some = stream.subspan(
                    at + count, std::min({area.size(), step - count, stream.size() - at - count}));
                std::ranges::copy(some, area.begin());
                count += some.size();
            }
            require(count > 0);
            reader.received(count);
            at += count;
            while (auto frame = reader.next()) {
                require(frame->body.size() <= limits.body);
                require(frame->segments.size() <= max_segments);
                writer.add(frame->type, frame->body, std::move(frame->segments));
            }
            reader.release_unused();
        }
    } catch (const ProtocolError&) {
        // Frames before the bad one count.
    }
    const auto again = written(writer);
    require(again.size() <= stream.size());
    require(std::ranges::equal(again, stream.first(again.size())));
    return 0;
}
