// Fuzzes the decoders of all formats through Decompressor, and compression against them.
//
//     mkdir corpus && build-fuzz/tests/fuzz/fuzz_decompress -rss_limit_mb=0 corpus
//
// The first byte of the input chooses what is done with the rest: its low bits the format (0: told
// by the content), bit 3 strict mode, bit 4 the round trip instead of decoding. The limit is lifted
// because .lzma headers may ask for windows of 4 GiB, which are reserved and not used.
//
// fuzz_gzip, fuzz_zlib, fuzz_bz2, fuzz_xz and fuzz_zstd are the same for one format alone; they
// leave the round trip out.
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/decompress.hpp>

#include "codec_seeds.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>

namespace {

using satchel::Bytes;

// Bombs are not what is looked for.
constexpr std::size_t output_max = std::size_t{4} << 20;

// What `file` gives when it is read in blocks of `block_size`: its contents as far as `output_max`,
// or as far as the error.
struct Outcome {
    std::string data;
    bool failed = false;
    std::string warning;
    const satchel::Codec* codec = nullptr;
};

Outcome decode(const Bytes& file, const satchel::DecompressOptions& options,
               std::size_t block_size) {
    Outcome outcome;
    std::size_t offset = 0;
    const auto read = [&] {
        const Bytes block = file.slice(offset, block_size);
        offset += block.size();
        return block;
    };
    satchel::Decompressor decompressor(read, options);
    try {
        Bytes block;
        do {
            block = decompressor.next();
            outcome.data += block.text();
        } while (!block.empty() && outcome.data.size() < output_max);
        outcome.warning = decompressor.warning();
    } catch (const satchel::CorruptData& error) {
        outcome.failed = true;
        if (error.offset() > file.size()) std::abort();
    } catch (const std::bad_alloc&) {
        outcome.failed = true;
    }
    outcome.codec = decompressor.codec();
    return outcome;
}

Outcome decode_parallel(const Bytes& file, const satchel::DecompressOptions& options) {
    static const satchel::ThreadPoolExecutor pool(1);
    Outcome outcome;
    bool given = false;
    const auto read = [&] { return std::exchange(given, true) ? Bytes() : file; };
    const auto write = [&](const Bytes& block) {
        outcome.data += block.text();
        return outcome.data.size() < output_max;
    };
    try {
        const auto result =
            satchel::decompress_parallel(read, write, {.decompress = options, .executor = pool});
        outcome.warning = result.warning;
        outcome.codec = result.codec;
    } catch (const satchel::CorruptData& error) {
        outcome.failed = true;
        if (error.offset() > file.size()) std::abort();
    } catch (const std::bad_alloc&) {
        outcome.failed = true;
    }
    return outcome;
}

// Whether two ways of reading the same file agree. How much is given before an error is up to the
// libraries; it must be right, and with it the error must come.
bool agree(const Outcome& a, const Outcome& b) {
    if (std::max(a.data.size(), b.data.size()) >= output_max) return true;
    if (a.failed || b.failed) {
        return a.failed && b.failed && (a.data.starts_with(b.data) || b.data.starts_with(a.data));
    }
    return a.data == b.data && a.warning == b.warning;
}

}  // namespace

std::vector<std::string> satchel::fuzz::seeds() {
    std::vector<std::string> all;
    for (const auto& file : compressed_files()) {
#ifdef SATCHEL_FUZZ_FORMAT
        if (file.format != SATCHEL_FUZZ_FORMAT) continue;
#endif
        const auto index = codec_index(file.format);
        const auto format = index == 0 ? codecs().size() : index;
        for (const auto choice : {std::size_t{0}, std::size_t{8}, format, format + 8}) {
            all.push_back(byte(choice) + file.data);
        }
    }
#ifndef SATCHEL_FUZZ_FORMAT
    for (std::size_t format = 0; format < codecs().size(); ++format) {
        all.push_back(byte(16 + format) + short_text());
        all.push_back(byte(16 + 32 + format) + long_text().substr(0, 10'000));
    }
#endif
    return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
#ifdef SATCHEL_FUZZ_FORMAT
    const unsigned choice = data[0] & 8U;
#else
    const unsigned choice = data[0];
#endif
    const Bytes input(nullptr, reinterpret_cast<const std::byte*>(data + 1), size - 1);
    const auto codecs = satchel::codecs();
    const std::size_t format = choice & 7U;
    if ((choice & 16U) != 0) {
        const auto name = codecs[format % codecs.size()]->info().name;
        const auto level = static_cast<std::int64_t>(1 + (choice >> 5));
        const Bytes file = satchel::compress(input, name, {.level = level, .chunk_size = 65'536});
        if (satchel::decompress(file) != input) std::abort();
        return 0;
    }
    satchel::DecompressOptions options{.strict = (choice & 8U) != 0};
    if (input.empty()) return 0;
    if (format != 0) options.format = codecs[format % codecs.size()]->info().name;
#ifdef SATCHEL_FUZZ_FORMAT
    options.format = SATCHEL_FUZZ_FORMAT;
#endif
    // However the input is cut, the result is the same; but liblzma does not promise that for
    // damaged .lzma files, which have no check.
    const Outcome whole = decode(input, options, std::max<std::size_t>(input.size(), 1));
    const Outcome pieces = decode(input, options, 7);
    const bool is_lzma = whole.codec == &satchel::codec("xz") && input[0] != std::byte{0xFD};
    if (!is_lzma && !agree(pieces, whole)) std::abort();
    if (!is_lzma && !agree(decode_parallel(input, options), whole)) std::abort();
    return 0;
}
