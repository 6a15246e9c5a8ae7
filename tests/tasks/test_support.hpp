// What the tests of codecs share: data of several kinds, the standard tools as counterparts, and
// decoding in pieces of any size.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/decompress.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace satchel::testing {

/// Incompressible, compressible, and extremely compressible bytes; equal arguments, equal bytes.
Bytes random_bytes(std::size_t size, std::uint64_t seed = 1);
Bytes text(std::size_t size, std::uint64_t seed = 1);
Bytes runs(std::size_t size, std::uint64_t seed = 1);
Bytes zeros(std::size_t size);

/// Named inputs of all these kinds, of sizes around multiples of `chunk_size`.
struct Sample {
    std::string name;
    Bytes data;
};
std::vector<Sample> samples(std::size_t chunk_size);

/// Sizes to loop over.
std::vector<std::size_t> sizes(std::initializer_list<std::size_t> values);

/// One after the other.
Bytes concatenated(std::initializer_list<Bytes> pieces);

/// Bytes from "1f 8b 08".
Bytes from_hex(std::string_view hex);

/// Whether satchel was built with the codec; libzstd is optional.
bool has_codec(std::string_view name);

/// Whether there is a codec for what the tool `command` begins with writes, if it says.
bool is_readable(std::string_view command);

/// Whether the program that `command` begins with is installed.
bool is_installed(const std::string& command);

/// What `command`, run by the shell, writes when it reads `input`. Fails the test if it fails.
Bytes piped(std::span<const std::byte> input, const std::string& command);

/// The file that `chunks` give, compressed one by one and joined.
Bytes join_chunks(const Codec& codec, const CompressOptions& options,
                  std::span<const Bytes> chunks);

/// `file` as decoded by a Decompressor that gets it in blocks of `block_size`; checks that it is
/// the same in parallel.
struct Decoded {
    Bytes data;
    std::string warning;
};
Decoded decode_file(const Bytes& file, const DecompressOptions& options = {},
                    std::size_t block_size = std::size_t{1} << 16);

/// A reader for Decompressor that gives `file` in blocks of `block_size`. The file must outlive it.
std::function<Bytes()> reader(const Bytes& file, std::size_t block_size);

}  // namespace satchel::testing
