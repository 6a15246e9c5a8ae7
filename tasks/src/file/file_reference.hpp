// A file that tasks read by its offsets, wherever they run: in this process by the descriptor that
// is open, elsewhere under its path, if what stands there is the same file.
#pragma once

#include <satchel/tasks/file.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace satchel::detail {

/// Refers to the InputFile, which must live as long as tasks of this process use it.
class FileReference {
  public:
    FileReference() = default;
    explicit FileReference(const InputFile& file);

    /// As InputFile::read_at. Nothing if this process does not see the file, or not as it was.
    [[nodiscard]] std::optional<Bytes> read_at(std::int64_t offset, std::int64_t length) const;

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& path_& status_;
    }

  private:
    const InputFile* here_ = nullptr;
    std::string path_;
    FileStatus status_;
};

}  // namespace satchel::detail
