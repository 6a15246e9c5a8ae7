// bzip2 blocks are found by the magic number before each, and decoded one by one.
//
// Nothing tells where a block ends but its Huffman codes and the magic number of what follows it.
// That number may also occur inside of a block. So the bits up to it are given to libbz2 as a
// stream of one block, with an end put behind them: it comes to that end if, and only if, the block
// really ends there. If it does not, the block goes on to one of the next occurrences. The blocks
// that are decoded elsewhere are those between occurrences; most of them are right.
//
// In a Piece, `begin` and `end` are bits of the file; 0: no block begins, or ends, there.
#include "bz2_decoder.hpp"

#include "bits.hpp"
#include "bz2_format.hpp"
#include "codec_table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <bzlib.h>
#include <fmt/format.h>

namespace satchel::detail {
namespace {

constexpr std::size_t header_size = 4;
constexpr unsigned magic_bits = bz2_magic_bits;
constexpr unsigned crc_bits = bz2_crc_bits;

// 900 001 codes of 20 bits, the longest there are, and the tables before them, generously.
constexpr std::size_t block_size_max = std::size_t{3} << 20;

// A block may hold 46 MB, if it is one long run. More than this is not kept, but decoded twice.
constexpr std::size_t kept_output_max = std::size_t{8} << 20;
constexpr std::size_t usual_output = std::size_t{900'000};

// For two bytes that lie inside of a magic number: the bits of the byte before at which it may
// begin.
class MagicTable {
  public:
    MagicTable() {
        for (const auto magic : {bz2_block_magic, bz2_end_magic}) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                const auto inner = magic >> (magic_bits - 16 - (8 - bit)) & 0xFFFF;
                starts_[inner] |= static_cast<std::uint8_t>(1U << bit);
            }
        }
    }

    [[nodiscard]] unsigned starts(std::byte first, std::byte second) const {
        return starts_[std::to_integer<std::size_t>(first) << 8 |
                       std::to_integer<std::size_t>(second)];
    }

  private:
    std::array<std::uint8_t, 65'536> starts_{};
};

// The bit at which the next magic number begins that is whole, from bit `from` on; nothing if there
// is none.
std::optional<std::uint64_t> find_magic(std::span<const std::byte> data, std::uint64_t from) {
    static const MagicTable table;
    for (auto i = static_cast<std::size_t>(from / 8); i + 2 < data.size(); ++i) {
        const unsigned starts = table.starts(data[i + 1], data[i + 2]);
        if (starts == 0) [[likely]]
            continue;
        for (unsigned bit = 0; bit < 8; ++bit) {
            const auto position = i * 8 + bit;
            if ((starts >> bit & 1) == 0 || position < from) continue;
            if (position + magic_bits > data.size() * 8) return std::nullopt;
            const auto magic = read_bits(data, position, magic_bits);
            if (magic == bz2_block_magic || magic == bz2_end_magic) return position;
        }
    }
    return std::nullopt;
}

// The bits from `begin` to `end` of `data`, a block, as a stream.
Bytes stream_of(std::span<const std::byte> data, std::uint64_t begin, std::uint64_t end) {
    const auto size = end - begin;
    const auto bytes = static_cast<std::size_t>(size / 8);
    Buffer out(header_size + bytes + 11);
    auto* to =
        std::ranges::copy(
            std::array{std::byte{'B'}, std::byte{'Z'}, std::byte{'h'}, std::byte{'9'}}, out.data())
            .out;
    const auto first = data.subspan(static_cast<std::size_t>(begin / 8));
    const auto left = static_cast<int>(begin % 8);
    if (left == 0) {
        to = std::ranges::copy(first.first(bytes), to).out;
    } else {
        for (std::size_t i = 0; i < bytes; ++i) {
            *to++ = first[i] << left | first[i + 1] >> (8 - left);
        }
    }
    // What is left of the block, fewer than eight bits; then the end and, for the only block, its
    // own CRC once more.
    const auto rest = static_cast<unsigned>(size % 8);
    const auto crc = read_bits(data, begin + magic_bits, crc_bits);
    const auto tail = rest == 0 ? 0 : read_bits(data, end - rest, rest);
    auto put = [&to, pending = tail, count = rest](std::uint64_t value, unsigned bits) mutable {
        for (unsigned i = bits; i-- > 0;) {
            pending = pending << 1 | (value >> i & 1);
            if (++count == 8) *to++ = std::byte(pending & 0xFF), count = 0, pending = 0;
        }
    };
    put(bz2_end_magic, magic_bits);
    put(crc, crc_bits);
    if (rest != 0) put(0, 8 - rest);
    out.resize(static_cast<std::size_t>(to - out.data()));
    return std::move(out).freeze();
}

// libbz2 at work on a stream of one block.
class BlockStream {
  public:
    enum class Result { ended, needs_output, damaged, too_short };

    explicit BlockStream(Bytes data) : data_(std::move(data)) {
        if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
        stream_.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(data_.data()));
        stream_.avail_in = static_cast<unsigned>(data_.size());
    }
    BlockStream(const BlockStream&) = delete;
    BlockStream& operator=(const BlockStream&) = delete;
    ~BlockStream() { BZ2_bzDecompressEnd(&stream_); }

    Result decode(std::span<std::byte>& output) {
        constexpr std::size_t output_max = std::numeric_limits<unsigned>::max();
        const auto room = static_cast<unsigned>(std::min(output.size(), output_max));
        stream_.next_out = reinterpret_cast<char*>(output.data());
        stream_.avail_out = room;
        const int result = BZ2_bzDecompress(&stream_);
        output = output.subspan(room - stream_.avail_out);
        switch (result) {
            case BZ_STREAM_END:
                return stream_.avail_in == 0 ? Result::ended : Result::damaged;
            case BZ_MEM_ERROR:
                throw std::bad_alloc();
            case BZ_OK:
                return stream_.avail_out == 0 ? Result::needs_output : Result::too_short;
            default:
                // An error inside of the end that was put there says that the block goes on.
                constexpr unsigned end_size = (magic_bits + crc_bits) / 8;
                return stream_.avail_in >= end_size ? Result::damaged : Result::too_short;
        }
    }

  private:
    Bytes data_;
    bz_stream stream_{};
};

struct DecodedBlock {
    BlockStream::Result result = BlockStream::Result::damaged;
    Bytes data{};
    bool complete = true;  // else there is more than is kept
};

DecodedBlock decode_block(const Bytes& stream) {
    BlockStream block(stream);
    Buffer out(usual_output);
    std::span<std::byte> room(out.data(), out.size());
    DecodedBlock decoded;
    while ((decoded.result = block.decode(room)) == BlockStream::Result::needs_output) {
        if (out.size() < kept_output_max) {
            const auto filled = out.size();
            out.resize(std::min(4 * filled, kept_output_max));
            room = std::span<std::byte>(out.data(), out.size()).subspan(filled);
        } else {
            decoded.complete = false;
            room = {out.data(), out.size()};
        }
    }
    out.resize(out.size() - room.size());
    decoded.data = std::move(out).freeze();
    return decoded;
}

class Bz2Guess : public Guess {
  public:
    std::uint64_t begin = 0;  // in bits of the file
    std::uint64_t end = 0;
    std::uint32_t crc = 0;
};

class Bz2Splitter : public Splitter {
  public:
    std::size_t cut(std::span<const std::byte> data, std::uint64_t offset, bool at_end) override {
        const auto start = offset * 8;
        // The magic number that this piece begins with is not its end.
        const auto from = std::max(searched_, next_ == 0 ? 0 : next_ - start + 1);
        if (const auto hit = find_magic(data, from); hit && *hit >= 8) {
            return begin_at(static_cast<std::size_t>(*hit / 8), start + *hit);
        }
        if (at_end || data.size() > block_size_max) return begin_at(data.size(), 0);
        searched_ = data.size() < 8 ? 0 : data.size() * 8 - 64;
        return 0;
    }

    void describe(Piece& piece) override {
        piece.begin = last_;
        piece.end = next_;
    }

    std::unique_ptr<Guess> guess(const Piece& piece) const override {
        if (piece.begin == 0 || piece.end == 0 || piece.following.empty()) return nullptr;
        const auto begin = piece.begin - piece.offset * 8;
        const auto end = piece.end - piece.offset * 8;
        if (read_bits(piece.data, begin, magic_bits) != bz2_block_magic) return nullptr;
        Buffer data(piece.data.size() + 1);
        *std::ranges::copy(piece.data, data.data()).out = piece.following[0];
        auto decoded = decode_block(stream_of(data, begin, end));
        if (decoded.result != BlockStream::Result::ended || !decoded.complete) return nullptr;
        auto guess = std::make_unique<Bz2Guess>();
        guess->data = std::move(decoded.data);
        guess->used = piece.data.size();
        guess->begin = piece.begin;
        guess->end = piece.end;
        guess->crc =
            static_cast<std::uint32_t>(read_bits(piece.data, begin + magic_bits, crc_bits));
        return guess;
    }

    void learn(std::size_t /*used*/, std::size_t /*size*/) override {}

    std::size_t lookahead() const override { return 1; }

  private:
    std::size_t begin_at(std::size_t size, std::uint64_t next) {
        last_ = next_;
        next_ = next;
        searched_ = 0;
        return size;
    }

    std::uint64_t last_ = 0;
    std::uint64_t next_ = 0;  // where the piece begins that is cut next
    std::uint64_t searched_ = 0;
};

class Bz2Decoder : public Decoder {
  public:
    Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) override {
        while (true) {
            if (!give_output(output)) return Status::needs_output;
            switch (part_) {
                case Part::header:
                    if (!gather(input, header_size)) return Status::needs_input;
                    begin();
                    break;
                case Part::between:
                    if (!gather(input, (position_ + magic_bits + crc_bits + 7) / 8)) {
                        return Status::needs_input;
                    }
                    if (!begin_block()) return Status::finished;
                    break;
                case Part::block:
                    if (!gather_block(input)) return Status::needs_input;
                    break;
                case Part::done:
                    return Status::finished;
            }
        }
    }

    void reset(std::uint64_t offset) override {
        part_ = Part::header;
        offset_ = offset;
        buffer_.clear();
        position_ = 0;
        crc_ = 0;
        waiting_ = {};
        repeated_.reset();
    }

    bool stands_before(const Guess& guess) const override {
        const auto* const block = dynamic_cast<const Bz2Guess*>(&guess);
        return block != nullptr && part_ == Part::between && buffer_.empty() && waiting_.empty() &&
               !repeated_ && offset_ * 8 + position_ == block->begin;
    }

    Status take_over(const Guess& guess) override {
        const auto& block = static_cast<const Bz2Guess&>(guess);
        offset_ += block.used;
        position_ = block.end % 8;
        count_block(block.crc);
        return Status::needs_input;
    }

  private:
    // `between`: before a block or the end of the stream.
    enum class Part { header, between, block, done };

    // Adds bytes of the input until there are `size`.
    bool gather(std::span<const std::byte>& input, std::size_t size) {
        const auto missing = size - std::min(size, buffer_.size());
        const auto taken = input.first(std::min(missing, input.size()));
        buffer_.insert(buffer_.end(), taken.begin(), taken.end());
        offset_ += taken.size();
        input = input.subspan(taken.size());
        return buffer_.size() >= size;
    }

    // Of the file, of the byte in which the current position lies.
    [[nodiscard]] std::uint64_t here() const { return offset_ - buffer_.size() + position_ / 8; }

    void begin() {
        const bool right = begins(buffer_, {'B', 'Z', 'h'}) && buffer_[3] >= std::byte{'1'} &&
                           buffer_[3] <= std::byte{'9'};
        if (!right) {
            throw CorruptData("not bz2 data: it does not begin with BZh1 to BZh9", here());
        }
        buffer_.clear();
        part_ = Part::between;
    }

    // False: it is the end of the stream.
    bool begin_block() {
        const auto magic = read_bits(buffer_, position_, magic_bits);
        const auto crc =
            static_cast<std::uint32_t>(read_bits(buffer_, position_ + magic_bits, crc_bits));
        if (magic == bz2_block_magic) {
            block_crc_ = crc;
            searched_ = position_ + magic_bits;
            part_ = Part::block;
            return true;
        }
        if (magic != bz2_end_magic) {
            throw CorruptData("damaged data: neither a bz2 block nor the end of the stream begins",
                              here());
        }
        if (crc != crc_) {
            throw CorruptData(
                fmt::format("damaged data: the bz2 stream says CRC {:08x}, its blocks have {:08x}",
                            crc, crc_),
                here() + magic_bits / 8);
        }
        buffer_.clear();
        part_ = Part::done;
        return false;
    }

    // Looks for the end of the block; nothing behind what follows it is taken from the input.
    bool gather_block(std::span<const std::byte>& input) {
        const auto size = buffer_.size();
        buffer_.insert(buffer_.end(), input.begin(), input.end());
        offset_ += input.size();
        while (const auto end = find_magic(buffer_, searched_)) {
            const auto needed = static_cast<std::size_t>((*end + magic_bits + 7) / 8);
            if (!decode_up_to(*end)) {
                searched_ = *end + 1;
                continue;
            }
            const auto given_back = buffer_.size() - std::max(needed, size);
            input = input.last(given_back);
            offset_ -= given_back;
            buffer_.resize(buffer_.size() - given_back);
            go_on_at(*end);
            return true;
        }
        input = input.last(0);
        const auto all = buffer_.size() * 8;
        searched_ = std::max(searched_, all - std::min<std::uint64_t>(all, magic_bits));
        if (buffer_.size() > block_size_max) damaged();
        return false;
    }

    bool decode_up_to(std::uint64_t end) {
        const Bytes stream = stream_of(buffer_, position_, end);
        auto decoded = decode_block(stream);
        if (decoded.result == BlockStream::Result::damaged) damaged();
        if (decoded.result != BlockStream::Result::ended) return false;
        if (decoded.complete) {
            waiting_ = std::move(decoded.data);
        } else {
            repeated_ = std::make_unique<BlockStream>(stream);
        }
        count_block(block_crc_);
        return true;
    }

    void go_on_at(std::uint64_t position) {
        const auto whole = static_cast<std::ptrdiff_t>(position / 8);
        buffer_.erase(buffer_.begin(), buffer_.begin() + whole);
        position_ = position % 8;
        part_ = Part::between;
    }

    void count_block(std::uint32_t crc) { crc_ = std::rotl(crc_, 1) ^ crc; }

    [[noreturn]] void damaged() const {
        throw CorruptData("damaged data: a bz2 block is malformed or its CRC is wrong", here());
    }

    // Gives what is decoded; false if the output is full.
    bool give_output(std::span<std::byte>& output) {
        const auto size = std::min(waiting_.size(), output.size());
        std::ranges::copy(waiting_.slice(0, size), output.begin());
        output = output.subspan(size);
        waiting_ = waiting_.slice(size);
        if (!waiting_.empty()) return false;
        if (!repeated_) return true;
        if (output.empty()) return false;
        if (repeated_->decode(output) == BlockStream::Result::needs_output) return false;
        repeated_.reset();
        return true;
    }

    Part part_ = Part::header;
    std::vector<std::byte> buffer_;  // taken from the input and still needed
    std::uint64_t position_ = 0;     // in bits of the buffer, or of what will be there
    std::uint64_t searched_ = 0;     // up to here there is no end of the block
    std::uint64_t offset_ = 0;       // of the file, behind the buffer
    std::uint32_t block_crc_ = 0;
    std::uint32_t crc_ = 0;
    Bytes waiting_;                          // decoded and not yet given
    std::unique_ptr<BlockStream> repeated_;  // a block that is too large to be kept
};

}  // namespace

std::unique_ptr<Decoder> make_bz2_decoder() { return std::make_unique<Bz2Decoder>(); }
std::unique_ptr<Splitter> make_bz2_splitter() { return std::make_unique<Bz2Splitter>(); }

}  // namespace satchel::detail
