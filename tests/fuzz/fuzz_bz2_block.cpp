// Fuzzes the decoder of bzip2 blocks: what it decodes, libbz2 must decode to the same, and it must
// not matter how the input is cut. The same input, as data, is encoded and must come back.
//
//     mkdir corpus && build-fuzz/tests/fuzz/fuzz_bz2_block -max_len=20000 corpus
//
// The input is a block behind its CRC, which is added as it must be.
#include "bit_writer.hpp"
#include "bz2_block_decoder.hpp"
#include "bz2_block_encoder.hpp"
#include "bz2_guess.hpp"
#include "codec_seeds.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include <bzlib.h>

namespace {

using namespace satchel::detail;
using satchel::Buffer;
using satchel::Bytes;

// Bombs are not what is looked for.
constexpr std::size_t output_max = std::size_t{4} << 20;

struct Block {
    ExpandedBlock text;
    std::uint64_t size = 0;  // bits
};

// The block that `data` begins with, read `step` bytes at once.
std::optional<Block> decode(std::span<const std::byte> data, std::size_t step) {
    Bz2BlockDecoder decoder;
    decoder.begin(bz2_block_size_max);
    std::uint64_t position = 0;
    for (std::size_t size = std::min(step, data.size());;) {
        BitReader bits(data.first(size), position);
        const auto status = decoder.read(bits);
        position = bits.position();
        if (status == Bz2BlockDecoder::Status::complete) {
            return Block{expand_bz2_block(decoder.decode_and_release()), position};
        }
        if (status == Bz2BlockDecoder::Status::damaged || size == data.size()) return std::nullopt;
        size = std::min(size + step, data.size());
    }
}

Bytes stream_of(std::span<const std::byte> data, const Block& block) {
    Buffer out(data.size() + 100);
    BitWriter bits(out.data());
    const auto put = [&](std::uint64_t value, unsigned count) {
        for (unsigned i = count; i-- > 0;) bits.put(value >> i & 1, 1);
    };
    put(0x425A'6839, 32);
    put(bz2_block_magic, bz2_magic_bits);
    put(block.text.crc, bz2_crc_bits);
    for (std::uint64_t i = 0; i < block.size; ++i) put(read_bits(data, i, 1), 1);
    put(bz2_end_magic, bz2_magic_bits);
    put(block.text.crc, bz2_crc_bits);
    bits.finish();
    out.resize(static_cast<std::size_t>((bits.size() + 7) / 8));
    return std::move(out).freeze();
}

void check_round_trip(std::span<const std::byte> data) {
    const Bz2Block encoded = encode_bz2_block(data, 1);
    // Its magic number and its CRC come first; what follows a block is longer than this.
    constexpr unsigned head = (bz2_magic_bits + bz2_crc_bits) / 8;
    Buffer bits;
    bits.append(encoded.data.slice(head));
    bits.append(std::array<std::byte, Bz2BlockDecoder::lookahead_bits / 8>{});
    const auto block = decode(bits, bits.size());
    if (!block || block->text.crc != encoded.crc || encoded.used != data.size() ||
        !std::ranges::equal(block->text.data, data)) {
        std::abort();
    }
}

}  // namespace

std::vector<std::string> satchel::fuzz::seeds() {
    std::vector<std::string> all;
    for (const auto& text : {short_text(), long_text(), std::string(1000, 'a'), std::string("a")}) {
        const auto block = encode_bz2_block(std::as_bytes(std::span(text)), 1);
        all.emplace_back(block.data.slice((bz2_magic_bits + bz2_crc_bits) / 8).text());
        all.push_back(text.substr(0, 10'000));
    }
    return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t input_size) {
    const auto data = std::as_bytes(std::span(input, input_size));
    if (!data.empty()) check_round_trip(data);
    const auto block = decode(data, std::max<std::size_t>(data.size(), 1));
    const auto in_pieces = decode(data, 5);
    if (block.has_value() != in_pieces.has_value()) std::abort();
    if (!block || block->text.is_damaged) return 0;
    if (block->size != in_pieces->size || block->text.crc != in_pieces->text.crc) std::abort();
    if (!block->text.is_complete()) return 0;

    const Bytes stream = stream_of(data, *block);
    Buffer out(output_max);
    auto size = static_cast<unsigned>(out.size());
    const int result =
        BZ2_bzBuffToBuffDecompress(reinterpret_cast<char*>(out.data()), &size,
                                   reinterpret_cast<char*>(const_cast<std::byte*>(stream.data())),
                                   static_cast<unsigned>(stream.size()), 0, 0);
    if (result == BZ_OUTBUFF_FULL) return 0;
    out.resize(size);
    if (result != BZ_OK || std::move(out).freeze() != block->text.data) std::abort();
    return 0;
}
