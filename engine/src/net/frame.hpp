// Frames: how messages are cut out of a stream of bytes.
//
//     frame = body size (4 bytes), type (1), zero (1), number of segments (2),
//             size of each segment (8 bytes each), body, segments
//
// The body is the small part of a message; a segment is a large value that is neither copied when
// it is sent nor moved when it arrives: `FrameReader` has it read to where it stays. Every size is
// checked against its limit before memory is asked for, and memory is asked for one part at a time.
//
// No I/O is done here. `FrameWriter` says which memory to write next, `FrameReader` where to read
// to.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace satchel::net {

enum class FrameType : std::uint8_t {
    message = 1,  ///< a body of the user's, and segments
    goodbye = 2,  ///< the last frame: the peer closes on purpose; the body says why, as text
};

/// The most that is accepted, and so the most that can be sent.
struct FrameLimits {
    std::size_t body = std::size_t{16} << 20;
    std::uint64_t payload = std::uint64_t{64} << 30;  ///< all segments of a message together
    std::size_t goodbye = 1024;
};

/// How many segments a message may have: their sizes fit into one read.
inline constexpr std::size_t max_segments = 4096;

/// What arrived is no frame within the limits: nothing after it can be understood.
class ProtocolError : public Error {
  public:
    using Error::Error;
};

/// Throws ProtocolError, saying which limit would be exceeded.
void check_frame(FrameType type, std::size_t body, std::size_t segments, const FrameLimits& limits);
void check_payload(std::uint64_t payload, const FrameLimits& limits);

struct Frame {
    FrameType type{};
    std::span<const std::byte> body;  ///< valid until the reader is used again
    std::vector<Bytes> segments;
};

/// Turns what arrives into frames.
///
///     auto areas = reader.areas();            // read some bytes to them, in order
///     reader.received(count);
///     while (auto frame = reader.next()) ...
class FrameReader {
  public:
    explicit FrameReader(const FrameLimits& limits) : limits_(limits) {}

    /// Where the next bytes belong: the second area follows when the first one is full.
    [[nodiscard]] std::array<std::span<std::byte>, 2> areas();

    /// So many bytes were put into the areas last given.
    void received(std::size_t count);

    /// The next complete frame. Throws ProtocolError, std::bad_alloc.
    [[nodiscard]] std::optional<Frame> next();

    /// Gives back the memory that nothing is kept in, as between two messages.
    void release_unused();

  private:
    // A frame that arrives in several reads: its body and segments, filled one after another.
    struct Parts {
        FrameType type{};
        std::vector<std::uint64_t> sizes;
        std::size_t index = 0;  // of the part that is being filled; that of the body is 0
        Buffer current;
        std::size_t filled = 0;  // of `current`
        std::vector<Bytes> complete;
    };

    [[nodiscard]] std::span<std::byte> unread_of_part();
    [[nodiscard]] std::optional<Frame> begin_frame();
    [[nodiscard]] bool fill_parts();

    FrameLimits limits_;
    Buffer staging_;
    std::size_t begin_ = 0;  // what of `staging_` is not parsed
    std::size_t end_ = 0;
    std::optional<Parts> parts_;
    Bytes last_body_;
};

/// Turns frames into what is to be written.
///
///     writer.add(FrameType::message, body, {});
///     auto pieces = writer.pieces();          // write some bytes of them, in order
///     writer.sent(count);
class FrameWriter {
  public:
    static constexpr std::size_t max_pieces = 64;

    explicit FrameWriter(const FrameLimits& limits) : limits_(limits) {}

    /// Copies the body, and keeps the segments without copying. Throws ProtocolError for what the
    /// other side would refuse.
    void add(FrameType type, std::span<const std::byte> body, std::vector<Bytes> segments);

    /// What is to be written next; valid until the writer is used again.
    [[nodiscard]] std::span<const std::span<const std::byte>> pieces();

    /// So many bytes of the pieces last given were written.
    void sent(std::size_t count);

    /// Bytes that were added and not yet sent.
    [[nodiscard]] std::size_t queued() const { return queued_; }

  private:
    // A segment, which comes after so many bytes of text.
    struct Segment {
        std::size_t after;
        Bytes bytes;
    };

    void append(std::span<const std::byte> bytes);
    void drop_sent_text();

    FrameLimits limits_;
    std::vector<std::byte> text_;  // headers, bodies and small segments
    std::size_t text_sent_ = 0;
    std::deque<Segment> segments_;
    std::size_t queued_ = 0;
    std::array<std::span<const std::byte>, max_pieces> pieces_;
};

}  // namespace satchel::net
