// Decoding bzip2 streams block by block.
#include "bz2_decoder.hpp"

#include "bit_reader.hpp"
#include "bz2_block_decoder.hpp"
#include "bz2_guess.hpp"
#include "codec_table.hpp"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

constexpr std::size_t header_size = 4;
constexpr unsigned magic_bits = bz2_magic_bits;
constexpr unsigned crc_bits = bz2_crc_bits;

// Input that is copied at once. What belongs to the next block is copied again.
constexpr std::size_t portion = std::size_t{32} << 10;

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
                    if (!read_block(input)) return Status::needs_input;
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
        runs_ = {};
    }

    bool stands_before(const Guess& guess) const override {
        const auto* const block = dynamic_cast<const Bz2Guess*>(&guess);
        return block != nullptr && part_ == Part::between && buffer_.empty() && waiting_.empty() &&
               runs_.is_done() && offset_ * 8 + position_ == block->begin &&
               block->block.shortened_size <= capacity_;
    }

    Status take_over(const Guess& guess) override {
        const auto& block = static_cast<const Bz2Guess&>(guess);
        offset_ += block.used;
        position_ = block.end % 8;
        count_block(block.crc);
        if (block.block.is_complete()) return Status::needs_input;
        expanded_ = block.block;
        runs_ = RunExpander(expanded_.text());
        return Status::needs_output;
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
        capacity_ = bz2_block_size(std::to_integer<std::int64_t>(buffer_[3]) - '0');
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
            position_ += magic_bits + crc_bits;
            block_.begin(capacity_);
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

    // Nothing behind the block is taken from the input.
    bool read_block(std::span<const std::byte>& input) {
        do {
            const auto carried = buffer_.size();
            gather(input, carried + std::min(portion, input.size()));
            BitReader bits(buffer_, position_);
            const auto status = block_.read(bits);
            position_ = bits.position();
            if (status == Bz2BlockDecoder::Status::damaged) damaged();
            if (status == Bz2BlockDecoder::Status::complete) {
                give_back(input, carried);
                finish_block();
                return true;
            }
            drop_what_was_read();
        } while (!input.empty());
        return false;
    }

    // Returns to the input what was gathered, but is not needed. Of what was there before,
    // `carried` bytes, all is needed at the end of the stream: it is longer than what the block
    // had to see.
    void give_back(std::span<const std::byte>& input, std::size_t carried) {
        const auto needed = static_cast<std::size_t>((position_ + 7) / 8);
        const auto size = buffer_.size() - std::max(needed, carried);
        input = {input.data() - size, input.size() + size};
        offset_ -= size;
        buffer_.resize(buffer_.size() - size);
    }

    void finish_block() {
        expanded_ = expand_bz2_block(block_.decode_and_release());
        if (!expanded_.is_right(block_crc_)) damaged();
        if (expanded_.is_complete()) {
            waiting_ = std::move(expanded_.data);
        } else {
            runs_ = RunExpander(expanded_.text());
        }
        count_block(block_crc_);
        drop_what_was_read();
        part_ = Part::between;
    }

    void drop_what_was_read() {
        const auto whole = static_cast<std::ptrdiff_t>(position_ / 8);
        buffer_.erase(buffer_.begin(), buffer_.begin() + whole);
        position_ %= 8;
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
        runs_.expand(output);
        return runs_.is_done();
    }

    Part part_ = Part::header;
    std::vector<std::byte> buffer_;  // taken from the input and still needed
    std::uint64_t position_ = 0;     // in bits of the buffer, or of what will be there
    std::uint64_t offset_ = 0;       // of the file, behind the buffer
    std::uint32_t block_crc_ = 0;
    std::uint32_t crc_ = 0;
    std::size_t capacity_ = 0;
    Bz2BlockDecoder block_;
    Bytes waiting_;           // decoded and not yet given
    ExpandedBlock expanded_;  // a block that is too large to be kept, and what is left of it
    RunExpander runs_;
};

}  // namespace

std::unique_ptr<Decoder> make_bz2_decoder() { return std::make_unique<Bz2Decoder>(); }

}  // namespace satchel::detail
