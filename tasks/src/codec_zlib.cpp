// zlib (RFC 1950): one stream of deflate chunks.
//
//     stream := 78 flags | deflate stream | Adler-32(4, big-endian)
//
// The format knows no concatenation: most readers stop after the first stream and say nothing. So
// one stream is written, whatever the number of chunks; files of several are read to their end.
// Between the chunks of a longer file stand notes, see deflate_note.hpp.
#include <satchel/tasks/codec.hpp>

#include "codec_table.hpp"
#include "deflate_body.hpp"
#include "deflate_note.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

constexpr unsigned method = 0x78;  // deflate with a window of 32 KiB

// The second byte: two bits that tell how hard the compressor tried, and a remainder that makes the
// two bytes, as a big-endian number, a multiple of 31.
constexpr unsigned flags(std::int64_t level) {
    const unsigned effort = level < 2 ? 0 : level < 6 ? 1 : level == 6 ? 2 : 3;
    const unsigned flags = effort << 6;
    return flags + (31 - (method << 8 | flags) % 31);
}

constexpr std::size_t header_bytes = 2;
constexpr std::size_t trailer_size = 4;
constexpr std::byte preset_dictionary{0x20};  // a flag in the second byte

bool is_first_of_header(std::byte byte) {
    const auto first = std::to_integer<unsigned>(byte);
    return (first & 0x0F) == 8 && first >> 4 <= 7;
}

bool is_header(std::span<const std::byte> data) {
    const auto first = std::to_integer<unsigned>(data[0]);
    const auto second = std::to_integer<unsigned>(data[1]);
    return is_first_of_header(data[0]) && (first << 8 | second) % 31 == 0;
}

std::size_t header_size(std::span<const std::byte> data) {
    if (data.size() < header_bytes || !is_header(data)) return 0;
    return (data[1] & preset_dictionary) == std::byte{0} ? header_bytes : 0;
}

std::uint32_t big_endian(std::span<const std::byte> data) {
    std::uint32_t value = 0;
    for (const std::byte byte : data) value = value << 8 | std::to_integer<std::uint32_t>(byte);
    return value;
}

void read_trailer(std::span<const std::byte> trailer, DeflateGuess::Part& part) {
    part.said_check = big_endian(trailer);
}

// Headers are too short to be searched: of streams that follow each other, only the first is cut.
constexpr DeflateWrapper wrapper{adler32_kind, trailer_size, header_size, nullptr, read_trailer};

class ZlibJoiner : public Joiner {
  public:
    explicit ZlibJoiner(std::int64_t level) : level_(level) {}

    Bytes begin() override { return bytes_of({method, flags(level_)}); }

    Bytes append(const CompressedChunk& chunk) override { return chunks_.append(chunk); }

    Bytes finish() override {
        const auto adler = chunks_.check();
        return chunks_.finish(
            bytes_of({byte_of(adler, 3), byte_of(adler, 2), byte_of(adler, 1), byte_of(adler, 0)}));
    }

  private:
    std::int64_t level_;
    NotedChunks chunks_{adler32_kind};
};

class ZlibDecoder : public Decoder {
  public:
    Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) override {
        if (part_ == Part::header) {
            if (!gather(input, header_bytes)) return Status::needs_input;
            check_header();
            begin_body();
        }
        if (part_ == Part::body) {
            const auto* const first_in = input.data();
            const auto status = body_.decode(input, output);
            offset_ += static_cast<std::uint64_t>(input.data() - first_in);
            if (status != Status::finished) return status;
            part_ = Part::trailer;
            field_size_ = 0;
        }
        if (part_ == Part::trailer) {
            if (!gather(input, trailer_size)) return Status::needs_input;
            compare_trailer(big_endian(field_));
            part_ = Part::done;
        }
        return Status::finished;
    }

    void reset(std::uint64_t offset) override {
        part_ = Part::header;
        field_size_ = 0;
        offset_ = offset;
    }

    bool stands_before(const Guess& guess) const override {
        return !guess.from_start && part_ == Part::body && body_.at_border();
    }

    Status take_over(const Guess& guess) override {
        if (guess.from_start) begin_body();
        const auto& part = static_cast<const DeflateGuess&>(guess).parts.front();
        offset_ += part.end;
        body_.append(guess.data, part.check, offset_);
        if (!part.ends_stream) return Status::needs_input;
        compare_trailer(part.said_check);
        part_ = Part::done;
        return Status::finished;
    }

  private:
    enum class Part { header, body, trailer, done };

    void begin_body() {
        body_.reset(offset_);
        part_ = Part::body;
    }

    // Collects a field of `size` bytes, which may come in several pieces.
    bool gather(std::span<const std::byte>& input, std::size_t size) {
        offset_ += detail::gather(input, std::span(field_).first(size), field_size_);
        return field_size_ >= size;
    }

    void check_header() const {
        const auto start = offset_ - header_bytes;
        if (!is_header(field_)) {
            throw CorruptData("not zlib data: it does not begin with a zlib header", start);
        }
        if ((field_[1] & preset_dictionary) != std::byte{0}) {
            throw CorruptData("the zlib stream needs a preset dictionary, which is not there",
                              start);
        }
    }

    void compare_trailer(std::uint32_t adler) const {
        if (adler == body_.check()) return;
        throw CorruptData(
            fmt::format("damaged data: the zlib stream says Adler-32 {:08x}, its contents have "
                        "{:08x}",
                        adler, body_.check()),
            offset_ - trailer_size);
    }

    Part part_ = Part::header;
    std::array<std::byte, 4> field_{};
    std::size_t field_size_ = 0;
    std::uint64_t offset_ = 0;
    DeflateBody body_{adler32_kind, trailer_size};
};

class ZlibCodec : public Codec {
  public:
    const CodecInfo& info() const override {
        static constexpr std::array suffixes{Suffix{".zz", ""}, Suffix{".zlib", ""}};
        static constexpr CodecInfo info{.name = "zlib",
                                        .suffix = ".zz",
                                        .suffixes = suffixes,
                                        .head_size = header_bytes,
                                        .concatenates = false};
        return info;
    }

    bool recognises(std::span<const std::byte> head) const override {
        return head.size() >= header_bytes && is_header(head);
    }

    bool continues(std::span<const std::byte> head) const override {
        return head.size() == 1 ? is_first_of_header(head[0]) : recognises(head);
    }

    std::string_view check(std::span<const std::byte> /*data*/) const override { return "Adler32"; }

    std::int64_t default_chunk_size(std::int64_t /*level*/) const override {
        return deflate_chunk_size;
    }

    std::uint64_t compress_memory(const CompressOptions& options) const override {
        return deflate_memory(resolve(options).level);
    }

    CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                   const CompressOptions& options) const override {
        return {.data = deflate_chunk(chunk, checked_level(*this, chunk, options)),
                .input_size = chunk.size(),
                .check = adler32_append(adler32_initial, chunk)};
    }

    std::unique_ptr<Joiner> joiner(const CompressOptions& options) const override {
        return std::make_unique<ZlibJoiner>(resolve(options).level);
    }

    std::unique_ptr<Decoder> decoder() const override { return std::make_unique<ZlibDecoder>(); }

    std::unique_ptr<Splitter> splitter() const override { return make_deflate_splitter(wrapper); }

    std::optional<SeekTable> seek_table(const RandomAccess& file) const override {
        return table_of_notes(file, wrapper);
    }
};

}  // namespace

const Codec& zlib_codec() {
    static const ZlibCodec codec;
    return codec;
}

}  // namespace satchel::detail
