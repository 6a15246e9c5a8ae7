// Fuzzes the walker along deflate streams: it must agree with zlib about where a stream ends.
//
//     mkdir corpus && build-fuzz/tests/fuzz/fuzz_deflate_walk corpus
#include "codec_seeds.hpp"
#include "deflate_walk.hpp"
#include "fuzz.hpp"

#include <cstdint>
#include <cstdlib>
#include <vector>

#include <zlib.h>

namespace {

// A raw stream of several blocks.
std::string deflated(std::string text, int level, int strategy) {
    z_stream stream{};
    if (deflateInit2(&stream, level, Z_DEFLATED, -15, 8, strategy) != Z_OK) std::abort();
    std::string out(2 * text.size() + 100, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    stream.next_in = reinterpret_cast<Bytef*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size() / 2);
    if (deflate(&stream, Z_FULL_FLUSH) != Z_OK) std::abort();
    stream.avail_in = static_cast<uInt>(text.size() - text.size() / 2);
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

}  // namespace

std::vector<std::string> satchel::fuzz::seeds() {
    std::vector<std::string> all;
    for (const auto& text : {short_text(), long_text().substr(0, 10'000), std::string()}) {
        for (const int level : {0, 1, 6, 9}) {
            all.push_back(deflated(text, level, Z_DEFAULT_STRATEGY));
        }
        all.push_back(deflated(text, 6, Z_FIXED));
        all.push_back(deflated(text, 6, Z_HUFFMAN_ONLY));
    }
    return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto found = satchel::detail::find_last_block(std::as_bytes(std::span(data, size)));
    if (found && (found->begin >= found->end || found->end > size * 8)) std::abort();

    z_stream stream{};
    if (inflateInit2(&stream, -15) != Z_OK) std::abort();
    // Zeros far before the data, so that no distance goes too far, which the walker does not check.
    const std::vector<Bytef> history(32768);
    inflateSetDictionary(&stream, history.data(), static_cast<uInt>(history.size()));
    stream.next_in = const_cast<Bytef*>(data);
    stream.avail_in = static_cast<uInt>(size);
    std::vector<Bytef> out(std::size_t{1} << 16);
    int result = Z_OK;
    while (result == Z_OK) {
        stream.next_out = out.data();
        stream.avail_out = static_cast<uInt>(out.size());
        result = inflate(&stream, Z_NO_FLUSH);
    }
    inflateEnd(&stream);
    // What zlib reads, the walker follows to the same byte; it may follow what zlib refuses.
    if (result == Z_STREAM_END && (!found || (found->end + 7) / 8 != stream.total_in)) std::abort();
    return 0;
}
