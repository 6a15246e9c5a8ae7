// gzip (RFC 1952): one member of deflate chunks.
//
//     member := 1F 8B 08 flags mtime(4) xfl os [extra] [name] [comment] [header crc]
//               deflate stream | CRC-32(4) | size mod 2^32 (4)               (little-endian)
//
// Between the chunks of a longer file stand notes, see deflate_note.hpp.
//
// What is written has no name and no time unless the options tell them, so that equal input gives
// equal output. Headers are parsed here and not by zlib, whose parser has been overrun by long
// fields (CVE-2022-37434): the decoder skips their contents as they come, and keeps none.
#include <satchel/tasks/codec.hpp>

#include "codec_table.hpp"
#include "deflate_body.hpp"
#include "deflate_note.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

constexpr unsigned flag_header_crc = 0x02;
constexpr unsigned flag_extra = 0x04;
constexpr unsigned flag_name = 0x08;
constexpr unsigned flag_comment = 0x10;
constexpr unsigned flags_reserved = 0xE0;

// Whether a member may begin with `data`, at least four bytes.
bool may_begin(std::span<const std::byte> data) {
    return begins(data, {0x1F, 0x8B, 8}) &&
           (std::to_integer<unsigned>(data[3]) & flags_reserved) == 0;
}

// Where a text ends that begins at `position`, zero byte included; 0 if it does not.
std::size_t end_of_text(std::span<const std::byte> data, std::size_t position) {
    if (position >= data.size()) return 0;
    const auto rest = data.subspan(position);
    const auto zero = std::ranges::find(rest, std::byte{0});
    return zero == rest.end() ? 0 : position + static_cast<std::size_t>(zero - rest.begin()) + 1;
}

// Headers with a check are rare, and left to GzipDecoder.
std::size_t header_size(std::span<const std::byte> data) {
    constexpr std::size_t fixed_size = 10;
    if (data.size() < fixed_size + 2 || !may_begin(data)) return 0;
    const auto flags = std::to_integer<unsigned>(data[3]);
    if ((flags & flag_header_crc) != 0) return 0;
    std::size_t size = fixed_size;
    if ((flags & flag_extra) != 0) size += 2 + little_endian(data.subspan(size, 2));
    for (const unsigned flag : {flag_name, flag_comment}) {
        if ((flags & flag) == 0) continue;
        size = end_of_text(data, size);
        if (size == 0) return 0;
    }
    return size <= data.size() ? size : 0;
}

void read_trailer(std::span<const std::byte> trailer, DeflateGuess::Part& part) {
    part.said_check = static_cast<std::uint32_t>(little_endian(trailer.first(4)));
    part.said_size = static_cast<std::uint32_t>(little_endian(trailer.last(4)));
}

constexpr std::size_t trailer_size = 8;

// BGZF: every member says its size in such a field. A file of them that is cut off between two of
// them is whole, but for the empty one at its end.
bool names_block(std::span<const std::byte> extra_field) { return begins(extra_field, {'B', 'C'}); }

bool is_block(std::span<const std::byte> header) {
    constexpr std::size_t contents = 12;
    return header.size() >= contents + 2 &&
           (std::to_integer<unsigned>(header[3]) & flag_extra) != 0 &&
           names_block(header.subspan(contents));
}

constexpr DeflateWrapper wrapper{crc32_kind, trailer_size, header_size,
                                 may_begin,  read_trailer, is_block};

class GzipJoiner : public Joiner {
  public:
    explicit GzipJoiner(CompressOptions options) : options_(std::move(options)) {}

    Bytes begin() override {
        // Most and fastest compression.
        const unsigned hint = options_.level == 9 ? 2 : options_.level == 1 ? 4 : 0;
        const std::string& name = options_.name;
        const bool named = !name.empty() && name.find('\0') == std::string::npos;
        const bool dated = options_.modified > 0 && options_.modified <= 0xFFFF'FFFF;
        const auto time = dated ? static_cast<std::uint32_t>(options_.modified) : 0;
        constexpr unsigned system = 3;  // Unix
        Buffer out;
        out.append(bytes_of({0x1F, 0x8B, 8, named ? flag_name : 0, byte_of(time, 0),
                             byte_of(time, 1), byte_of(time, 2), byte_of(time, 3), hint, system}));
        if (named) out.append(Bytes::copy_of(std::string_view(name.c_str(), name.size() + 1)));
        return std::move(out).freeze();
    }

    Bytes append(const CompressedChunk& chunk) override { return chunks_.append(chunk); }

    Bytes finish() override {
        const auto crc = chunks_.check();
        const auto size = static_cast<std::uint32_t>(chunks_.size());  // modulo 2^32
        return chunks_.finish(
            bytes_of({byte_of(crc, 0), byte_of(crc, 1), byte_of(crc, 2), byte_of(crc, 3),
                      byte_of(size, 0), byte_of(size, 1), byte_of(size, 2), byte_of(size, 3)}));
    }

  private:
    CompressOptions options_;
    NotedChunks chunks_{crc32_kind};
};

class GzipDecoder : public Decoder {
  public:
    Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) override {
        while (part_ != Part::done) {
            if (part_ == Part::body) {
                const auto status = decode_body(input, output);
                if (status != Status::finished) return status;
                begin_trailer();
            } else if (!read_field(input)) {
                return Status::needs_input;
            }
        }
        return Status::finished;
    }

    void reset(std::uint64_t offset) override {
        part_ = Part::fixed;
        offset_ = offset;
        field_size_ = 0;
        header_crc_ = crc32_initial;
        is_block_ = false;
    }

    std::string_view doubt_at_end() const override {
        return is_block_ && body_.size() != 0 ? "the empty block that ends BGZF files is missing"
                                              : "";
    }

    bool stands_before(const Guess& guess) const override {
        return !guess.from_start && part_ == Part::body && body_.at_border();
    }

    Status take_over(const Guess& guess) override {
        const auto& parts = static_cast<const DeflateGuess&>(guess).parts;
        std::span<const std::byte> data(guess.data);
        const auto start = offset_;
        if (guess.from_start) body_.reset(offset_);
        for (const DeflateGuess::Part& part : parts) {
            if (part_ == Part::done) body_.reset(offset_);
            if (part_ != Part::body) is_block_ = part.is_block;
            offset_ = start + part.end;
            body_.append(data.first(part.size), part.check, offset_);
            data = data.subspan(part.size);
            if (part.ends_stream) {
                compare_trailer(part.said_check, part.said_size, offset_ - trailer_size);
            }
            part_ = part.ends_stream ? Part::done : Part::body;
        }
        return part_ == Part::done ? Status::finished : Status::needs_input;
    }

  private:
    // In the order of the file. `extra` is the field's contents.
    enum class Part { fixed, extra_size, extra, name, comment, header_crc, body, trailer, done };

    // Reads what there is of the current part; true if it is complete, then the next one is
    // current.
    bool read_field(std::span<const std::byte>& input) {
        switch (part_) {
            case Part::fixed:
                if (!gather(input, 10)) return false;
                check_fixed();
                return next_part();
            case Part::extra_size:
                if ((flags_ & flag_extra) == 0) return go_to(Part::name);
                if (field_size_ < 2 && !gather(input, 2)) return false;
                extra_left_ = little_endian(field().first(2));
                return (extra_left_ < 2 || look_into_extra(input)) && next_part();
            case Part::extra:
                return skip_extra(input) && next_part();
            case Part::name:
                return skip_text(input, flag_name) && next_part();
            case Part::comment:
                return skip_text(input, flag_comment) && next_part();
            case Part::header_crc:
                return check_header_crc(input) && begin_body();
            default:
                return check_trailer(input) && next_part();
        }
    }

    bool next_part() { return go_to(Part(static_cast<int>(part_) + 1)); }

    bool go_to(Part part) {
        part_ = part;
        field_size_ = 0;
        return true;
    }

    bool begin_body() {
        body_.reset(offset_);
        return next_part();
    }

    std::span<const std::byte> take(std::span<const std::byte>& input, std::size_t size) {
        const auto taken = input.first(std::min(size, input.size()));
        input = input.subspan(taken.size());
        offset_ += taken.size();
        return taken;
    }

    // Collects a field of `size` bytes, which may come in several pieces.
    bool gather(std::span<const std::byte>& input, std::size_t size) {
        const auto taken = take(input, size - field_size_);
        std::ranges::copy(taken, field_.begin() + static_cast<std::ptrdiff_t>(field_size_));
        field_size_ += taken.size();
        // The two fields that are not part of the header come when this value is no longer needed.
        if (part_ < Part::header_crc) header_crc_ = crc32_append(header_crc_, taken);
        return field_size_ == size;
    }

    [[nodiscard]] std::span<const std::byte> field() const {
        return std::span(field_).first(field_size_);
    }

    void check_fixed() {
        const auto start = offset_ - field_size_;
        if (!begins(field(), {0x1F, 0x8B})) {
            throw CorruptData("not gzip data: it does not begin with 1F 8B", start);
        }
        if (const auto method = std::to_integer<unsigned>(field_[2]); method != 8) {
            throw CorruptData(
                fmt::format("damaged gzip header: compression method {}, only 8 is known", method),
                start + 2);
        }
        flags_ = std::to_integer<unsigned>(field_[3]);
        if ((flags_ & flags_reserved) != 0) {
            throw CorruptData(fmt::format("damaged gzip header: reserved flags in {:#04x}", flags_),
                              start + 3);
        }
    }

    // Which kind of field it begins with, behind the size.
    bool look_into_extra(std::span<const std::byte>& input) {
        if (!gather(input, 4)) return false;
        extra_left_ -= 2;
        is_block_ = names_block(field().subspan(2));
        return true;
    }

    bool skip_extra(std::span<const std::byte>& input) {
        const auto taken = take(input, extra_left_);
        header_crc_ = crc32_append(header_crc_, taken);
        extra_left_ -= taken.size();
        return extra_left_ == 0;
    }

    // Skips a text that ends with a zero byte, if the flags say that it is there.
    bool skip_text(std::span<const std::byte>& input, unsigned flag) {
        if ((flags_ & flag) == 0) return true;
        const auto zero = std::ranges::find(input, std::byte{0});
        const bool ends = zero != input.end();
        const auto length = static_cast<std::size_t>(zero - input.begin()) + (ends ? 1 : 0);
        header_crc_ = crc32_append(header_crc_, take(input, length));
        return ends;
    }

    bool check_header_crc(std::span<const std::byte>& input) {
        if ((flags_ & flag_header_crc) == 0) return true;
        if (!gather(input, 2)) return false;
        if (little_endian(field()) != (header_crc_ & 0xFFFF)) {
            throw CorruptData("damaged gzip header: its CRC does not match", offset_ - 2);
        }
        return true;
    }

    Status decode_body(std::span<const std::byte>& input, std::span<std::byte>& output) {
        const auto* const first_in = input.data();
        const auto status = body_.decode(input, output);
        offset_ += static_cast<std::uint64_t>(input.data() - first_in);
        return status;
    }

    // Its first bytes may have been read already.
    void begin_trailer() {
        part_ = Part::trailer;
        const auto unread = body_.unread();
        std::ranges::copy(unread, field_.begin());
        field_size_ = unread.size();
    }

    bool check_trailer(std::span<const std::byte>& input) {
        if (!gather(input, trailer_size)) return false;
        compare_trailer(little_endian(field().first(4)), little_endian(field().last(4)),
                        offset_ - trailer_size);
        return true;
    }

    // `offset` is that of the trailer.
    void compare_trailer(std::uint64_t crc, std::uint64_t size, std::uint64_t offset) const {
        if (crc != body_.check()) {
            throw CorruptData(
                fmt::format(
                    "damaged data: the gzip member says CRC-32 {:08x}, its contents have {:08x}",
                    crc, body_.check()),
                offset);
        }
        if (size != (body_.size() & 0xFFFFFFFF)) {
            throw CorruptData(
                fmt::format("damaged data: the gzip member says {} bytes (modulo 2^32), it has {}",
                            size, body_.size()),
                offset + 4);
        }
    }

    Part part_ = Part::fixed;
    std::uint64_t offset_ = 0;
    unsigned flags_ = 0;
    std::array<std::byte, 10> field_{};
    std::size_t field_size_ = 0;
    std::uint64_t extra_left_ = 0;
    bool is_block_ = false;
    std::uint32_t header_crc_ = crc32_initial;
    DeflateBody body_{crc32_kind, trailer_size};
};

class GzipCodec : public Codec {
  public:
    const CodecInfo& info() const override {
        // As gzip knows them: names were short once.
        static constexpr std::array suffixes{
            Suffix{".gz", ""}, Suffix{".tgz", ".tar"}, Suffix{".taz", ".tar"}, Suffix{".z", ""},
            Suffix{"-gz", ""}, Suffix{"-z", ""},       Suffix{"_z", ""}};
        static constexpr CodecInfo info{
            .name = "gzip", .suffix = ".gz", .suffixes = suffixes, .head_size = 2, .padding = 1};
        return info;
    }

    bool recognises(std::span<const std::byte> head) const override {
        return begins(head, {0x1F, 0x8B});
    }

    std::string_view check(std::span<const std::byte> /*data*/) const override { return "CRC32"; }

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
                .check = crc32_append(crc32_initial, chunk)};
    }

    std::unique_ptr<Joiner> joiner(const CompressOptions& options) const override {
        return std::make_unique<GzipJoiner>(resolve(options));
    }

    std::unique_ptr<Decoder> decoder() const override { return std::make_unique<GzipDecoder>(); }

    std::unique_ptr<Splitter> splitter() const override { return make_deflate_splitter(wrapper); }

    std::optional<SeekTable> seek_table(const RandomAccess& file) const override {
        return table_of_notes(file, wrapper);
    }
};

}  // namespace

const Codec& gzip_codec() {
    static const GzipCodec codec;
    return codec;
}

}  // namespace satchel::detail

namespace satchel {

GzipOriginal gzip_original(std::span<const std::byte> data) {
    const auto size = detail::header_size(data);
    if (size == 0) return {};
    GzipOriginal original;
    original.modified = static_cast<std::int64_t>(detail::little_endian(data.subspan(4, 4)));
    const auto flags = std::to_integer<unsigned>(data[3]);
    if ((flags & detail::flag_name) == 0) return original;
    const bool has_extra = (flags & detail::flag_extra) != 0;
    const auto begin = 10 + (has_extra ? 2 + detail::little_endian(data.subspan(10, 2)) : 0);
    const auto end = detail::end_of_text(data, begin);
    const auto name = data.subspan(begin, end - begin - 1);
    original.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
    return original;
}

}  // namespace satchel
