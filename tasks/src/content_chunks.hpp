// Chunks that end where the content says so: what is inserted or removed somewhere moves the ends
// of a chunk or two, and the others stay what they were. So a compressed file changes little when
// the file does, which rsync and stores that keep equal pieces once are grateful for.
#pragma once

#include <satchel/bytes.hpp>
#include <satchel/tasks/file.hpp>

#include <cstdint>
#include <optional>

namespace satchel {

/// Reads a file chunk by chunk. A chunk has a quarter of `size_max` at least, but for the last.
class ContentChunks {
  public:
    ContentChunks(InputFile& input, std::int64_t size_max);

    /// The next chunk; nothing at the end.
    std::optional<Bytes> operator()();

  private:
    InputFile& input_;
    std::size_t size_max_;
    std::uint64_t mask_;
    Bytes rest_{};  // read and not yet given
};

}  // namespace satchel
