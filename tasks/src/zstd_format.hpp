// The numbers of zstd files (RFC 8878) and of the frames that codec_zstd.cpp puts around the data.
#pragma once

#include "codec_table.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>

#include <zstd.h>

namespace satchel::detail {

inline constexpr std::uint64_t skippable_magic = 0x184D'2A50;  // the lowest four bits are free
inline constexpr std::uint64_t table_magic = skippable_magic | 0xE;
inline constexpr std::uint64_t announcement_magic = skippable_magic | 0xB;
inline constexpr std::array announcement_text{std::byte{'s'}, std::byte{'a'}, std::byte{'t'},
                                              std::byte{'c'}, std::byte{'h'}, std::byte{'e'},
                                              std::byte{'l'}, std::byte{1}};
inline constexpr std::uint64_t seekable_magic = 0x8F92'EAB1;
inline constexpr std::size_t skippable_header_size = 8;
inline constexpr std::size_t table_entry_size = 8;
inline constexpr std::size_t table_footer_size = 9;

inline constexpr std::initializer_list<unsigned> frame_magic{0x28, 0xB5, 0x2F, 0xFD};

// The first byte of a skippable frame, whatever its kind is.
inline bool is_first_of_skippable(std::byte byte) {
    constexpr std::byte kind_mask{0xF0};
    return (byte & kind_mask) == std::byte{0x50};
}

// Whether `data` begins a skippable frame, or may do so from its second byte on.
inline bool is_skippable(std::span<const std::byte> data) {
    return data.size() >= 2 && is_first_of_skippable(data[0]) &&
           begins(data.subspan(1), {0x2A, 0x4D, 0x18});
}

// Sizes of a frame: an entry of the table.
struct ZstdEntry {
    std::uint64_t compressed_size = 0;
    std::uint64_t size = 0;

    friend bool operator==(const ZstdEntry&, const ZstdEntry&) = default;
};

struct FreeZstdContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using ZstdCompressContext = std::unique_ptr<ZSTD_CCtx, FreeZstdContext>;
using ZstdDecompressContext = std::unique_ptr<ZSTD_DCtx, FreeZstdContext>;

template <class Context>
Context checked_zstd(Context context) {
    if (!context) throw std::bad_alloc();
    return context;
}

}  // namespace satchel::detail
