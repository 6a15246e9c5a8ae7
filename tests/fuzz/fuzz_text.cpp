// Fuzzes the reading of text in blocks, plain and compressed, against reading it as a whole.
//
//     mkdir corpus && build-fuzz/tests/fuzz/fuzz_text -rss_limit_mb=0 corpus
//
// The first byte of the input chooses the format (0: plain), the second the number of blocks and
// the delimiter; the rest is the file.
#include <satchel/error.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/file.hpp>

#include "codec_seeds.hpp"
#include "fuzz.hpp"
#include "text/line_reader.hpp"
#include "text/pieces.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using satchel::detail::LineReader;
using satchel::detail::TextPart;

// Bombs are not what is looked for.
constexpr std::size_t output_max = std::size_t{1} << 20;

// The lines of a part, each behind a mark; nothing if it cannot be read, or is too large.
std::optional<std::string> lines_of(const TextPart& part, const std::string& delimiter) {
    std::string all;
    try {
        LineReader reader(satchel::detail::open_text(part), delimiter);
        constexpr std::size_t lines_at_once = 3;
        satchel::detail::ViewList lines;
        while (reader.next(lines, lines_at_once)) {
            for (std::size_t k = 0; k < lines.size(); ++k) {
                all.append(1, '|').append(lines.data()[k]);
            }
            lines.clear();
            if (all.size() > output_max) return std::nullopt;
        }
    } catch (const satchel::Error&) {
        return std::nullopt;
    } catch (const std::bad_alloc&) {
        return std::nullopt;
    }
    return all;
}

std::optional<std::string> lines_in_blocks(TextPart part, std::int64_t blocks,
                                           const std::string& delimiter) {
    std::string all;
    part.whole = false;
    for (std::int64_t k = 0; k < blocks; ++k) {
        part.begin = part.size * k / blocks;
        part.end = part.size * (k + 1) / blocks;
        if (part.begin == part.end) continue;  // read_text() makes none of these
        const auto lines = lines_of(part, delimiter);
        if (!lines) return std::nullopt;
        all += *lines;
    }
    return all;
}

bool can_be_cut(const TextPart& part) {
    if (part.codec == nullptr) return true;
    try {
        return satchel::detail::why_not_in_pieces(satchel::InputFile(part.path), *part.codec)
            .empty();
    } catch (const satchel::Error&) {
        return false;
    }
}

}  // namespace

std::vector<std::string> satchel::fuzz::seeds() {
    std::vector<std::string> all;
    for (const char blocks : {'\0', '\21', '\72', '\xfb'}) {
        all.push_back(std::string{'\0', blocks} + short_text());
        all.push_back(std::string{'\0', blocks} + long_text().substr(0, 5000));
        for (const auto& file : compressed_files()) {
            all.push_back(std::string{byte(1 + codec_index(file.format)), blocks} + file.data);
        }
    }
    return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    static const int file = ::memfd_create("fuzz_text", MFD_CLOEXEC);
    if (::ftruncate(file, 0) != 0 ||
        ::pwrite(file, data + 2, size - 2, 0) != static_cast<ssize_t>(size - 2)) {
        std::abort();
    }
    const std::array<std::string, 4> delimiters{"\n", "\r\n", "aa", "\n\n"};
    const auto& delimiter = delimiters[data[1] % delimiters.size()];
    TextPart part{.path = fmt::format("/proc/self/fd/{}", file),
                  .size = static_cast<std::int64_t>(size - 2)};
    const auto codecs = satchel::codecs();
    const auto format = data[0] % (codecs.size() + 1);
    if (format != 0) part.codec = codecs[format - 1];
    if (!can_be_cut(part)) return 0;
    const auto whole = lines_of(part, delimiter);
    const auto in_blocks = lines_in_blocks(part, 1 + data[1] / 8, delimiter);
    if (part.codec == nullptr && whole && !in_blocks) std::abort();
    // A file whose pieces are all right may still be wrong as a whole, but not the other way round.
    if (whole && in_blocks && whole != in_blocks) std::abort();
    return 0;
}
