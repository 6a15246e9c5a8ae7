// Data to try the compressor on: as much as is asked for, and the same every time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace satchel {

enum class TestData {
    guide,   ///< lines that say ten times "Línea de prueba 17 ", each with its own number
    json,    ///< one record a line, as an application logs them; the last one is whole, too
    random,  ///< nothing that could be compressed
};

/// Gives exactly `size` bytes to `sink`, in blocks. The same kind, size and seed give the same
/// bytes; `guide` needs no seed.
void generate_test_data(TestData kind, std::int64_t size, std::uint64_t seed,
                        const std::function<void(std::span<const std::byte>)>& sink);

}  // namespace satchel
