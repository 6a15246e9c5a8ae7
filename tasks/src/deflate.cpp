// Deflate by zlib, and by libdeflate where it is there and faster.
#include "deflate.hpp"

#include "codec_table.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include <fmt/format.h>
#include <zlib.h>

#ifdef SATCHEL_LIBDEFLATE
#include "deflate_libdeflate.hpp"

#include <libdeflate.h>
#endif
#ifdef SATCHEL_ISAL
#include "deflate_isal.hpp"
#endif

namespace satchel::detail {
namespace {

// Negative: without zlib's own header and trailer. 15: the full window of 32 KiB.
constexpr int raw_window_bits = -15;
constexpr int memory_level = 8;

uInt clamped(std::size_t size) {
    return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

Bytef* pointer(const std::byte* data) {
    return reinterpret_cast<Bytef*>(const_cast<std::byte*>(data));
}

// zlib's state for compressing, kept by each thread from chunk to chunk: making one costs an
// allocation of 268 kB, resetting it only the clearing of a hash table.
class ThreadDeflater {
  public:
    ThreadDeflater() = default;
    ThreadDeflater(const ThreadDeflater&) = delete;
    ThreadDeflater& operator=(const ThreadDeflater&) = delete;
    ~ThreadDeflater() { end(); }

    z_stream& prepare(int level) {
        if (level_ == level) {
            deflateReset(&stream_);
            return stream_;
        }
        end();
        stream_ = {};
        if (deflateInit2(&stream_, level, Z_DEFLATED, raw_window_bits, memory_level,
                         Z_DEFAULT_STRATEGY) != Z_OK) {
            throw std::bad_alloc();
        }
        level_ = level;
        return stream_;
    }

  private:
    void end() {
        if (level_ != 0) deflateEnd(&stream_);
        level_ = 0;
    }

    z_stream stream_{};
    int level_ = 0;
};

}  // namespace

Bytes zlib_chunk(std::span<const std::byte> chunk, int level) {
    thread_local ThreadDeflater deflater;
    z_stream& stream = deflater.prepare(level);
    stream.next_in = pointer(chunk.data());
    stream.avail_in = clamped(chunk.size());
    // zlib's bound is for one call that ends the stream; the flush needs a few bytes more.
    Buffer out(deflateBound(&stream, static_cast<uLong>(chunk.size())) + 16 + second_border.size());
    std::size_t size = 0;
    do {
        if (size + second_border.size() >= out.size()) out.resize(2 * out.size());
        stream.next_out = pointer(out.data() + size);
        stream.avail_out = clamped(out.size() - second_border.size() - size);
        const auto room = stream.avail_out;
        deflate(&stream, Z_SYNC_FLUSH);
        size += room - stream.avail_out;
    } while (stream.avail_out == 0);
    std::ranges::copy(second_border, out.data() + size);
    out.resize(size + second_border.size());
    return std::move(out).freeze();
}

std::size_t zlib_size(std::span<const std::byte> data, int level, std::span<std::byte> out) {
    thread_local ThreadDeflater deflater;
    z_stream& stream = deflater.prepare(level);
    stream.next_in = pointer(data.data());
    stream.avail_in = clamped(data.size());
    stream.next_out = pointer(out.data());
    stream.avail_out = clamped(out.size());
    deflate(&stream, Z_FINISH);
    return out.size() - stream.avail_out;
}

Bytes deflate_chunk(std::span<const std::byte> chunk, int level) {
#ifdef SATCHEL_ISAL
    if (level == 1) return isal_chunk(chunk);
#endif
#ifdef SATCHEL_LIBDEFLATE
    if (auto data = libdeflate_chunk(chunk, level)) return *std::move(data);
#endif
    return zlib_chunk(chunk, level);
}

std::uint64_t deflate_memory([[maybe_unused]] std::int64_t level) {
#ifdef SATCHEL_LIBDEFLATE
    // Measured: 668 kB from level 2 on. Level 6 chooses between three levels, with zlib's help.
    return level == 6 ? 2'300'000 : 700'000;
#else
    // zconf.h: (1 << (windowBits + 2)) + (1 << (memLevel + 9)), and a few kilobytes for small
    // objects.
    return (1U << 17) + (1U << (memory_level + 9)) + 8192;
#endif
}

// Both libraries take a null pointer for a question about the initial value.
std::uint32_t crc32_append(std::uint32_t check, std::span<const std::byte> data) {
    if (data.empty()) return check;
#ifdef SATCHEL_LIBDEFLATE
    return libdeflate_crc32(check, data.data(), data.size());
#else
    return static_cast<std::uint32_t>(::crc32_z(check, pointer(data.data()), data.size()));
#endif
}

std::uint32_t adler32_append(std::uint32_t check, std::span<const std::byte> data) {
    if (data.empty()) return check;
#ifdef SATCHEL_LIBDEFLATE
    return libdeflate_adler32(check, data.data(), data.size());
#else
    return static_cast<std::uint32_t>(::adler32_z(check, pointer(data.data()), data.size()));
#endif
}

std::uint32_t crc32_join(std::uint32_t first, std::uint32_t second, std::uint64_t second_size) {
    return static_cast<std::uint32_t>(
        ::crc32_combine(first, second, static_cast<z_off_t>(second_size)));
}

std::uint32_t adler32_join(std::uint32_t first, std::uint32_t second, std::uint64_t second_size) {
    return static_cast<std::uint32_t>(
        ::adler32_combine(first, second, static_cast<z_off_t>(second_size)));
}

namespace {

class ZlibInflater : public Inflater {
  public:
    ZlibInflater() {
        if (inflateInit2(&stream_, raw_window_bits) != Z_OK) throw std::bad_alloc();
    }
    ZlibInflater(const ZlibInflater&) = delete;
    ZlibInflater& operator=(const ZlibInflater&) = delete;
    ~ZlibInflater() override { inflateEnd(&stream_); }

    void reset(std::uint64_t offset, std::span<const std::byte> history) override {
        inflateReset(&stream_);
        if (!history.empty()) {
            inflateSetDictionary(&stream_, pointer(history.data()), clamped(history.size()));
        }
        offset_ = offset;
        at_border_ = !history.empty();
    }

    bool at_border() const override { return at_border_; }

    Decoder::Status decode(std::span<const std::byte>& input,
                           std::span<std::byte>& output) override {
        while (true) {
            if (output.empty()) return Decoder::Status::needs_output;
            const auto in_size = clamped(input.size());
            const auto out_size = clamped(output.size());
            stream_.next_in = pointer(input.data());
            stream_.avail_in = in_size;
            stream_.next_out = pointer(output.data());
            stream_.avail_out = out_size;
            const int result = inflate(&stream_, Z_NO_FLUSH);
            input = input.subspan(in_size - stream_.avail_in);
            output = output.subspan(out_size - stream_.avail_out);
            offset_ += in_size - stream_.avail_in;
            // Between two blocks, of which the first was not the last one, with no bits left over.
            at_border_ = (stream_.data_type & (128 | 64 | 7)) == 128;
            if (result == Z_STREAM_END) return Decoder::Status::finished;
            check(result);
            if (input.empty() && !output.empty()) return Decoder::Status::needs_input;
        }
    }

  private:
    void check(int result) const {
        if (result == Z_OK || result == Z_BUF_ERROR) return;
        if (result == Z_MEM_ERROR) throw std::bad_alloc();
        throw CorruptData(fmt::format("damaged data: {}", stream_.msg), offset_);
    }

    z_stream stream_{};
    std::uint64_t offset_ = 0;
    bool at_border_ = false;
};

}  // namespace

std::unique_ptr<Inflater> make_inflater([[maybe_unused]] std::size_t follows) {
#ifdef SATCHEL_ISAL
    if (follows >= 8) return make_isal_inflater();
#endif
    return std::make_unique<ZlibInflater>();
}

InflatedWhole inflate_whole(std::span<const std::byte> data, std::span<std::byte> output) {
#ifdef SATCHEL_LIBDEFLATE
    return libdeflate_inflate_whole(data, output);
#else
    thread_local ZlibInflater inflater;
    inflater.reset(0, {});
    auto input = data;
    auto room = output;
    try {
        const auto status = inflater.decode(input, room);
        using enum InflatedWhole::Result;
        const auto result = status == Decoder::Status::finished       ? ended
                            : status == Decoder::Status::needs_output ? no_room
                                                                      : damaged;
        return {result, data.size() - input.size(), output.size() - room.size()};
    } catch (const CorruptData&) {
        return {};
    }
#endif
}

}  // namespace satchel::detail
