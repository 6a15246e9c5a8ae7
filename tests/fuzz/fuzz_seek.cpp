// Fuzzes what reads ranges: the tables in compressed files, and indexes.
//
//     mkdir corpus && build-fuzz/tests/fuzz/fuzz_seek corpus
//
// The first byte of the input chooses: its lowest bit, whether the rest is a compressed file or the
// inside of an index, whose outside is made to fit; the next ones, the format; the higher ones,
// which range is read.
#include <satchel/executor.hpp>
#include <satchel/tasks/seek.hpp>

#include "codec_seeds.hpp"
#include "deflate.hpp"
#include "fuzz.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using satchel::Buffer;
using satchel::Bytes;

// Bombs are not what is looked for.
constexpr std::size_t output_max = std::size_t{4} << 20;

satchel::RandomAccess access(const Bytes& data) {
    return {data.size(), [data](std::uint64_t offset, std::uint64_t size) {
                if (offset > data.size()) std::abort();
                return data.slice(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
            }};
}

void read(const satchel::Codec& codec, const Bytes& file, const satchel::SeekTable& table,
          const satchel::OutputRange& range) {
    static const satchel::ThreadPoolExecutor pool(1);
    std::uint64_t size = 0;
    const auto write = [&](const Bytes& data) {
        size += data.size();
        return size < output_max;
    };
    const auto given = satchel::read_range(codec, access(file), table, range, write, pool);
    if (given != size || size > range.length) std::abort();
}

// A file of several pieces, compressed once.
const Bytes& sample(const satchel::Codec& codec) {
    static std::vector<Bytes> samples(8);
    const auto codecs = satchel::codecs();
    std::size_t i = 0;
    while (codecs[i] != &codec) ++i;
    if (samples[i].empty()) {
        Buffer data(200'000);
        for (std::size_t j = 0; j < data.size(); ++j) data.data()[j] = std::byte(j * j >> 7);
        samples[i] = satchel::compress(data, codec.info().name, {.chunk_size = 65'536});
    }
    return samples[i];
}

// An index of `file` as far as its codec and the CRC-32 of the file are concerned, with `inside` as
// its number of pieces and its pieces.
Bytes index_with(const satchel::Codec& codec, const Bytes& file,
                 std::span<const std::byte> inside) {
    const Bytes empty = satchel::encode_index({.output_size = 200'000}, codec, access(file));
    Buffer index;
    index.append(std::span(empty).first(empty.size() - 16));
    index.append(inside);
    const auto check = satchel::detail::crc32_append(satchel::detail::crc32_initial, index);
    std::array<std::byte, 8> end{};
    for (unsigned i = 0; i < 4; ++i) end[i] = std::byte(check >> (8 * i));
    index.append(end);
    return std::move(index).freeze();
}

// The parts of an index that `index_with` is given.
std::string inside_of(const Bytes& index, const satchel::Codec& codec, const Bytes& file) {
    const auto head = satchel::encode_index({}, codec, access(file)).size() - 16;
    return std::string(index.slice(head, index.size() - head - 8).text());
}

// First bytes that choose the codec, for the beginning of the data and for a later part.
std::string choices(std::size_t codec, unsigned is_index) {
    std::string all;
    for (const unsigned range : {0U, 9U}) {
        for (unsigned choice = range << 4U; choice < 256; ++choice) {
            if ((choice & 1U) == is_index && (choice >> 1U) % satchel::codecs().size() == codec) {
                all += static_cast<char>(choice);
                break;
            }
        }
    }
    return all;
}

}  // namespace

std::vector<std::string> satchel::fuzz::seeds() {
    std::vector<std::string> all;
    for (const auto& file : compressed_files()) {
        for (const char choice : choices(codec_index(file.format), 0)) {
            all.push_back(choice + file.data);
        }
    }
    for (std::size_t i = 0; i < codecs().size(); ++i) {
        const Codec& codec = *codecs()[i];
        const Bytes& file = sample(codec);
        const auto table = codec.seek_table(access(file));
        if (!table) continue;
        const auto inside = inside_of(encode_index(*table, codec, access(file)), codec, file);
        for (const char choice : choices(i, 1)) all.push_back(choice + inside);
    }
    return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const unsigned choice = data[0];
    const Bytes input(nullptr, reinterpret_cast<const std::byte*>(data + 1), size - 1);
    const auto codecs = satchel::codecs();
    const satchel::Codec& codec = *codecs[(choice >> 1U) % codecs.size()];
    const satchel::OutputRange range{std::uint64_t{choice >> 4U} * 10'000, 50'000};
    if ((choice & 1U) == 0) {
        if (const auto table = codec.seek_table(access(input))) read(codec, input, *table, range);
        return 0;
    }
    const Bytes& file = sample(codec);
    try {
        read(codec, file, decode_index(index_with(codec, file, input), codec, access(file)), range);
    } catch (const satchel::CorruptData&) {
    }
    return 0;
}
