// Finds the last block of a deflate stream, without decoding it: only the Huffman codes are
// followed, nothing is copied or kept.
//
// Some compressors write complete streams only, whose last block is marked as final. To put another
// stream behind such a one, that mark must be cleared, and for that its place be known: a block may
// begin at any bit, and nothing but the codes of the block before tells where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace satchel::detail {

/// Places in a deflate stream, in bits from its start; bit 0 of a byte is its lowest.
struct LastBlock {
    std::uint64_t begin =
        0;                  ///< of the final block's header, whose first bit says that it is final
    std::uint64_t end = 0;  ///< of the stream: the first bit after the final block
};

/// The final block of the stream that `data` begins with; nothing if `data` is malformed or ends
/// before it. Any input is safe. That distances stay inside the data is not checked.
[[nodiscard]] std::optional<LastBlock> find_last_block(std::span<const std::byte> data);

}  // namespace satchel::detail
