// read_binary: a file as a bag of blocks.
#include <satchel/tasks/file.hpp>

namespace satchel {

Bag<Bytes> read_binary(const std::filesystem::path& path, ReadBinaryOptions options) {
    return from_sequence(file_chunks(path, options.blocksize), {.partition_size = 1})
        .map(read_chunk);
}

}  // namespace satchel
