// zstd (RFC 8878): a frame for each chunk, and a table of them at the end.
//
//     file     := announcement | frame … | table
//     announcement := 5B 2A 4D 18 | 08 00 00 00 | "satchel" 01
//     table    := 5E 2A 4D 18 | size(4) | entry … | number of frames(4) | 00 | B1 EA 92 8F
//     entry    := compressed size(4) | size(4)                        (all little-endian)
//
// Every frame says how large its contents are and ends with a check of them. The format defines
// that frames which follow each other are one file, so frames need no joining. The table, which the
// zstd project calls the seekable format, and the announcement are skippable frames, which all
// decoders skip. What is announced is the table: without it, nobody would notice that a file was
// cut off between two frames. A skippable frame announces it if it begins with that text, whatever
// its kind and size: a damaged size would else swallow the first frames, and nobody would miss
// them. All others are anybody's and are skipped. A file without chunks has one empty frame.
#include <satchel/tasks/codec.hpp>

#include "codec_table.hpp"
#include "zstd_decoder.hpp"
#include "zstd_format.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace satchel::detail {
namespace {

std::size_t check_encoded(std::size_t result) {
    if (ZSTD_isError(result) == 0) return result;
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) throw std::bad_alloc();
    throw Error(fmt::format("cannot compress to zstd: {}", ZSTD_getErrorName(result)));
}

Bytes compressed_frame(std::span<const std::byte> chunk, std::int64_t level) {
    thread_local const auto context = checked_zstd(ZstdCompressContext(ZSTD_createCCtx()));
    check_encoded(ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_and_parameters));
    check_encoded(
        ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, static_cast<int>(level)));
    check_encoded(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1));
    Buffer out(ZSTD_compressBound(chunk.size()));
    out.resize(check_encoded(
        ZSTD_compress2(context.get(), out.data(), out.size(), chunk.data(), chunk.size())));
    return std::move(out).freeze();
}

void append_number(Buffer& out, std::uint64_t value) {
    out.append(
        bytes_of({byte_of(value, 0), byte_of(value, 1), byte_of(value, 2), byte_of(value, 3)}));
}

class ZstdJoiner : public Joiner {
  public:
    explicit ZstdJoiner(std::int64_t level) : level_(level) {}

    Bytes begin() override {
        Buffer out;
        append_number(out, announcement_magic);
        append_number(out, announcement_text.size());
        out.append(announcement_text);
        return std::move(out).freeze();
    }

    Bytes append(const CompressedChunk& chunk) override {
        entries_.push_back({chunk.data.size(), chunk.input_size});
        return chunk.data;
    }

    Bytes finish() override {
        Buffer out;
        if (entries_.empty()) {
            const Bytes frame = compressed_frame({}, level_);
            out.append(frame);
            entries_.push_back({frame.size(), 0});
        }
        append_number(out, table_magic);
        append_number(out, entries_.size() * table_entry_size + table_footer_size);
        for (const ZstdEntry& entry : entries_) {
            append_number(out, entry.compressed_size);
            append_number(out, entry.size);
        }
        append_number(out, entries_.size());
        out.append(bytes_of({0}));
        append_number(out, seekable_magic);
        return std::move(out).freeze();
    }

  private:
    std::int64_t level_;
    std::vector<ZstdEntry> entries_;
};

class ZstdCodec : public Codec {
  public:
    const CodecInfo& info() const override {
        static constexpr std::array suffixes{Suffix{".zst", ""}, Suffix{".tzst", ".tar"}};
        static constexpr CodecInfo info{.name = "zstd",
                                        .suffix = ".zst",
                                        .suffixes = suffixes,
                                        .level_max = 19,
                                        .level_default = 3,
                                        .head_size = 4};
        return info;
    }

    bool recognises(std::span<const std::byte> head) const override {
        return begins(head, frame_magic) || is_skippable(head);
    }

    bool continues(std::span<const std::byte> head) const override {
        return recognises(head) || (head.size() == 1 && is_first_of_skippable(head[0]));
    }

    // A flag behind the magic number of the first frame with data tells.
    std::string_view check(std::span<const std::byte> data) const override {
        constexpr std::size_t head_size = 8;  // of a skippable frame: magic number, size
        constexpr std::byte has_checksum{0x04};
        while (is_skippable(data) && data.size() >= head_size) {
            const auto size = little_endian(data.subspan(4, 4));
            if (size > data.size() - head_size) return {};
            data = data.subspan(head_size + size);
        }
        if (!begins(data, frame_magic) || data.size() <= 4) return {};
        return (data[4] & has_checksum) == std::byte{0} ? "None" : "XXH64";
    }

    // Frames start without history. A chunk of one window or more costs little.
    std::int64_t default_chunk_size(std::int64_t level) const override {
        return std::int64_t{level < 10 ? 2 : 8} << 20;
    }

    std::uint64_t compress_memory(const CompressOptions& options) const override {
        const auto resolved = resolve(options);
        const auto level = static_cast<int>(resolved.level);
        // Windows of up to 8 MiB, and tables of up to eight times that; of a smaller chunk, less.
        constexpr std::uint64_t tables = 10;
        const auto window =
            std::min<std::uint64_t>(std::uint64_t{1} << (level < 10 ? 21 : 23),
                                    static_cast<std::uint64_t>(resolved.chunk_size));
        return tables * window + (std::uint64_t{1} << 20);
    }

    CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                   const CompressOptions& options) const override {
        const int level = checked_level(*this, chunk, options);
        return {.data = compressed_frame(chunk, level), .input_size = chunk.size()};
    }

    std::unique_ptr<Joiner> joiner(const CompressOptions& options) const override {
        return std::make_unique<ZstdJoiner>(resolve(options).level);
    }

    std::unique_ptr<Decoder> decoder() const override { return make_zstd_decoder(); }

    std::unique_ptr<Splitter> splitter() const override { return make_zstd_splitter(); }

    std::optional<SeekTable> seek_table(const RandomAccess& file) const override {
        return table_of_zstd_frames(file);
    }
};

}  // namespace

const Codec& zstd_codec() {
    static const ZstdCodec codec;
    return codec;
}

}  // namespace satchel::detail
