// Frames: every way of cutting the stream gives the same messages, and what is no frame is refused
// before memory is asked for.
#include "net/frame.hpp"
#include "net/support.hpp"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

using namespace satchel::net;
using satchel::Bytes;
using satchel_tests::bytes_of;
using satchel_tests::Received;
using satchel_tests::text_of;

namespace {

// What the writer would send, as one text; taken `step` bytes at a time.
std::string stream_of(FrameWriter& writer, std::size_t step) {
    std::string stream;
    while (writer.queued() > 0) {
        std::string some;
        for (const auto piece : writer.pieces()) {
            some += text_of(piece.first(std::min(piece.size(), step - some.size())));
        }
        REQUIRE_FALSE(some.empty());
        writer.sent(some.size());
        stream += some;
    }
    return stream;
}

// Gives the reader `text`, as much as it wants but at most `step` bytes at a time.
std::vector<Received> read_all(FrameReader& reader, std::string_view text, std::size_t step) {
    std::vector<Received> frames;
    while (!text.empty()) {
        std::size_t count = 0;
        for (const auto area : reader.areas()) {
            const auto size = std::min({area.size(), text.size(), step - count});
            std::ranges::copy(bytes_of(text.substr(0, size)), area.begin());
            text.remove_prefix(size);
            count += size;
        }
        REQUIRE(count > 0);
        reader.received(count);
        while (auto frame = reader.next()) {
            frames.push_back({text_of(frame->body), std::move(frame->segments)});
        }
        reader.release_unused();
    }
    return frames;
}

std::string random_text(std::mt19937& random, std::size_t size) {
    std::string text(size, '\0');
    for (auto& c : text) c = static_cast<char>(random());
    return text;
}

std::vector<Received> random_messages(unsigned seed) {
    std::mt19937 random(seed);
    std::vector<Received> messages;
    for (int i = 0; i < 40; ++i) {
        Received message;
        message.body = random_text(random, random() % 8 == 0 ? random() % 200'000 : random() % 100);
        const auto segments = random() % 3 == 0 ? random() % 5 : 0;
        for (std::size_t s = 0; s < segments; ++s) {
            const auto size = random() % 2 == 0 ? random() % 300'000 : random() % 5000;
            message.segments.push_back(Bytes::copy_of(random_text(random, size)));
        }
        messages.push_back(std::move(message));
    }
    return messages;
}

void check_same(const std::vector<Received>& found, const std::vector<Received>& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].body == expected[i].body);
        CHECK(found[i].segments == expected[i].segments);
    }
}

std::string refusal_of(std::string_view stream, const FrameLimits& limits = {}) {
    FrameReader reader(limits);
    try {
        (void)read_all(reader, stream, SIZE_MAX);
    } catch (const ProtocolError& error) {
        return error.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("messages arrive as they were sent, however the stream is cut") {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096},
                                   std::size_t{65536}, std::size_t{1} << 30}) {
        CAPTURE(step);
        // A byte at a time, a short stream is enough.
        auto messages = random_messages(static_cast<unsigned>(step));
        if (step < 4096) messages.resize(6);
        FrameWriter writer({});
        for (const auto& message : messages) {
            writer.add(FrameType::message, bytes_of(message.body), message.segments);
        }
        FrameReader reader({});
        check_same(read_all(reader, stream_of(writer, step), step), messages);
    }
}

TEST_CASE("many small messages are one piece to write") {
    FrameWriter writer({});
    for (int i = 0; i < 1000; ++i) writer.add(FrameType::message, bytes_of("0123456789"), {});
    CHECK(writer.pieces().size() == 1);
    CHECK(writer.queued() == 18'000);
}

TEST_CASE("a large segment is neither copied nor joined with another") {
    const auto large = Bytes(std::string(1 << 20, 'x'));
    FrameWriter writer({});
    for (int i = 0; i < 100; ++i) writer.add(FrameType::message, {}, {large, large});
    const auto pieces = writer.pieces();
    REQUIRE(pieces.size() <= FrameWriter::max_pieces);
    REQUIRE(pieces.size() > 3);
    CHECK(pieces[1].data() == large.data());
    CHECK(pieces[2].data() == large.data());
    CHECK(text_of(pieces[3]).size() == 8 + 2 * 8);
    CHECK(stream_of(writer, SIZE_MAX).size() == 100 * (8 + 16 + (2 << 20)));
}

TEST_CASE("a segment is read to where it stays") {
    FrameWriter writer({});
    writer.add(FrameType::message, bytes_of("b"), {Bytes(std::string(1 << 20, 'x'))});
    const auto stream = stream_of(writer, SIZE_MAX);
    FrameReader reader({});
    CHECK(read_all(reader, std::string_view(stream).substr(0, 1000), 1000).empty());
    const auto area = reader.areas()[0];
    CHECK(area.size() == stream.size() - 1000);
    const auto frames = read_all(reader, std::string_view(stream).substr(1000), SIZE_MAX);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].segments[0].data() + (1 << 20) == area.data() + area.size());
}

TEST_CASE("a reader keeps nothing between messages") {
    FrameReader reader({});
    CHECK(reader.areas()[1].size() >= 65536);
    reader.release_unused();
    FrameWriter writer({});
    writer.add(FrameType::message, bytes_of("abc"), {});
    const auto stream = stream_of(writer, SIZE_MAX);
    for (int i = 0; i < 3; ++i) CHECK(read_all(reader, stream, 1).size() == 1);
}

TEST_CASE("what is no frame is refused") {
    using namespace std::string_literals;
    CHECK(refusal_of("\xff\xff\xff\xff\x01\0\0\0"s) ==
          "a message of 4294967295 bytes without its segments, of at most 16777216");
    CHECK(refusal_of("\0\0\0\0\x03\0\0\0"s) == "a frame of the unknown type 3");
    CHECK(refusal_of("\0\0\0\0\0\0\0\0"s) == "a frame of the unknown type 0");
    CHECK(refusal_of("\0\0\0\0\x01\x01\0\0"s) == "bytes that are no frame");
    CHECK(refusal_of("\0\0\0\0\x01\0\xff\xff"s) == "a message of 65535 segments, of at most 4096");
    CHECK(refusal_of("\0\0\0\0\x02\0\x01\0"s) == "a message of 1 segments, of at most 0");
    CHECK(refusal_of("\x01\x04\0\0\x02\0\0\0"s) ==
          "a message of 1025 bytes without its segments, of at most 1024");
    CHECK(refusal_of("\0\0\0\0\x01\0\x01\0"s + std::string(8, '\xff')) ==
          "a message with 18446744073709551615 bytes in segments, of at most 68719476736");
    // Two sizes whose sum overflows, and two that exceed the limit only together.
    CHECK(refusal_of("\0\0\0\0\x01\0\x02\0"s + "\x01\0\0\0\0\0\0\0"s + std::string(8, '\xff')) ==
          "a message with 18446744073709551615 bytes in segments, of at most 68719476736");
    CHECK(refusal_of("\0\0\0\0\x01\0\x02\0\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0"s,
                     {.payload = 10}) == "a message with 11 bytes in segments, of at most 10");
}

TEST_CASE("what the other side would refuse is not sent") {
    FrameWriter writer({.body = 10, .payload = 20});
    CHECK_THROWS_AS(writer.add(FrameType::message, bytes_of("01234567890"), {}), ProtocolError);
    CHECK_THROWS_AS(writer.add(FrameType::message, {}, {Bytes(std::string(21, 'x'))}),
                    ProtocolError);
    CHECK_THROWS_AS(writer.add(FrameType::message, {}, std::vector<Bytes>(5000)), ProtocolError);
    CHECK(writer.queued() == 0);
    writer.add(FrameType::message, bytes_of("0123456789"), {Bytes(std::string(20, 'x'))});
    CHECK(writer.queued() == 8 + 8 + 10 + 20);
}

TEST_CASE("an announced size costs no memory before its bytes arrive") {
    using namespace std::string_literals;
    // 4096 segments of 16 MiB each: only the first one is asked for.
    std::string stream = "\0\0\0\0\x01\0\0\x10"s;
    for (int i = 0; i < 4096; ++i) stream += "\0\0\0\x01\0\0\0\0"s;
    FrameReader reader({});
    CHECK(read_all(reader, stream, SIZE_MAX).empty());
    CHECK(reader.areas()[0].size() == 16 << 20);
}
