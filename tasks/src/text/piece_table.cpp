// Reading tables once for all blocks of a file.
#include "text/piece_table.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <utility>

namespace satchel::detail {
namespace {

std::shared_ptr<const SeekTable> read_table(const InputFile& file, const Codec& codec) {
    auto table = codec.seek_table(random_access(file));
    if (!table) return nullptr;
    // Only what is known to be empty: what a table alone says is found out by decoding.
    if (table->is_confirmed) {
        std::erase_if(table->pieces, [](const SeekPiece& piece) { return piece.output_size == 0; });
    }
    std::uint64_t size = 0;
    for (const SeekPiece& piece : table->pieces) {
        if (piece.output_offset != size) return nullptr;
        size += piece.output_size;
    }
    if (size != table->output_size) return nullptr;
    return std::make_shared<const SeekTable>(*std::move(table));
}

class TableCache {
  public:
    std::shared_ptr<const SeekTable> get(const InputFile& file, const Codec& codec) {
        const auto entry = entry_of(file.status(), codec);
        std::call_once(entry->once, [&] { entry->table = read_table(file, codec); });
        return entry->table;
    }

  private:
    struct Entry {
        const Codec* codec;
        FileStatus status;
        std::once_flag once;
        std::shared_ptr<const SeekTable> table;
    };

    static bool is_same(const FileStatus& a, const FileStatus& b) {
        return a.device == b.device && a.inode == b.inode && a.size == b.size &&
               a.modified_ns == b.modified_ns;
    }

    std::shared_ptr<Entry> entry_of(const FileStatus& status, const Codec& codec) {
        const std::lock_guard lock(mutex_);
        for (const auto& entry : entries_) {
            if (entry && entry->codec == &codec && is_same(entry->status, status)) return entry;
        }
        auto& entry = entries_[next_++ % entries_.size()];
        entry = std::make_shared<Entry>();
        entry->codec = &codec;
        entry->status = status;
        return entry;
    }

    std::mutex mutex_;
    std::array<std::shared_ptr<Entry>, 16> entries_;
    std::size_t next_ = 0;
};

}  // namespace

std::shared_ptr<const SeekTable> piece_table(const InputFile& file, const Codec& codec) {
    static TableCache cache;
    return cache.get(file, codec);
}

}  // namespace satchel::detail
