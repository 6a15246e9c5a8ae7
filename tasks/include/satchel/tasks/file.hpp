/// Files: input by descriptor, output that appears only when it is complete.
///
///     satchel::read_binary("big.log", {.blocksize = 10_MB})   // a bag of blocks, read where used
///         .map([](const satchel::Bytes& block) { return count(block); }).sum();
///
///     satchel::InputFile in("notes.txt");
///     satchel::OutputFile out("notes.copy", {.metadata = in.status()});
///     satchel::Buffer block(1 << 20);
///     while (const auto n = in.read(block)) out.write({block.data(), n});
///     out.commit();                                // flushed; only now is there a notes.copy
///
/// Every failure is a FileError whose text starts with the file's name and whose code is `errno`.
///
/// Thread safety: distinct objects may be used from any thread; `InputFile::read_at` and the other
/// const functions may be called from several threads at once.
#pragma once

#include <satchel/bag.hpp>
#include <satchel/bytes.hpp>
#include <satchel/error.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel {

// ---- input by descriptor ----------------------------------------------------------------------

/// A range of bytes of a file: what travels to a task in place of the bytes.
struct FileChunk {
    std::string path;
    std::int64_t offset = 0;
    std::int64_t length = 0;

    friend bool operator==(const FileChunk&, const FileChunk&) = default;
};

/// Cuts a file into descriptors of `chunk_size` bytes, the last one shorter; an empty file gives
/// none. Paths are made absolute, so that a task may run in another folder. Reads no data.
[[nodiscard]] std::vector<FileChunk> file_chunks(const std::filesystem::path& path,
                                                 std::int64_t chunk_size);

/// The bytes of `chunk`. Throws FileError also when the file has become too short for it.
[[nodiscard]] Bytes read_chunk(const FileChunk& chunk);

/// How read_binary() cuts a file.
struct ReadBinaryOptions {
    /// Bytes a block; the last may have fewer.
    std::int64_t blocksize = 64 * 1024 * 1024;
};

/// A bag of the blocks of a file, one a partition. Only descriptors are made here; a block is read
/// by the task that uses it. An empty file is a bag without elements. Throws FileError if there is
/// no such file, InvalidArgument if the block size is not positive.
[[nodiscard]] Bag<Bytes> read_binary(const std::filesystem::path& path,
                                     ReadBinaryOptions options = {});

/// All bytes of a file.
[[nodiscard]] Bytes read_file(const std::filesystem::path& path);

// ---- what the system knows of a file ----------------------------------------------------------

enum class FileType { regular, directory, symlink, pipe, other };

/// What a file is, which one it is, and what a copy of it should look like.
struct FileStatus {
    FileType type = FileType::other;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t links = 0;        ///< names it has
    std::int64_t size = 0;          ///< bytes; 0 where it is no regular file
    std::int64_t modified_ns = 0;   ///< since 1970
    std::uint32_t permissions = 0;  ///< rwx bits
    bool has_special_bits = false;  ///< set-user-ID, set-group-ID or sticky: copies have none
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    /// What further users and groups may do, as the system encodes it; empty: nothing of their own.
    /// Known of open files only.
    std::string access_list = {};

    /// Both are the same file, whatever its names.
    [[nodiscard]] bool same_file(const FileStatus& other) const noexcept {
        return device == other.device && inode == other.inode;
    }
    /// The same file, and nobody wrote to it in between.
    [[nodiscard]] bool unchanged_since(const FileStatus& earlier) const noexcept {
        return same_file(earlier) && size == earlier.size && modified_ns == earlier.modified_ns;
    }
};

/// Throws the FileError "NAME: cannot DO: the text of `code`", an errno.
[[noreturn]] void throw_file_error(std::string_view name, std::string_view doing, int code);

enum class Symlinks { follow, examine };

/// Throws FileError, code ENOENT if there is no such file.
[[nodiscard]] FileStatus file_status(const std::filesystem::path& path,
                                     Symlinks symlinks = Symlinks::follow);
/// Of an open descriptor; `name` is for messages.
[[nodiscard]] FileStatus file_status(int descriptor, std::string_view name);

namespace detail {
/// An open descriptor that is closed with its owner, unless it is only borrowed.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number, bool owned = true) noexcept : number_(number), owned_(owned) {}
    Descriptor(Descriptor&& other) noexcept { swap(other); }
    Descriptor& operator=(Descriptor&& other) noexcept { return swap(other), *this; }
    ~Descriptor();

    [[nodiscard]] int number() const noexcept { return number_; }
    [[nodiscard]] bool owned() const noexcept { return owned_; }
    [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }
    void swap(Descriptor& other) noexcept {
        std::swap(number_, other.number_);
        std::swap(owned_, other.owned_);
    }

  private:
    int number_ = -1;
    bool owned_ = true;
};
}  // namespace detail

// ---- input -------------------------------------------------------------------------------------

/// A file, a pipe or a device that is open for reading.
class InputFile {
  public:
    /// Opens `path`. Throws FileError, for a directory too.
    explicit InputFile(const std::filesystem::path& path);

    /// Reads an open descriptor, which stays the caller's; `name` is for messages.
    InputFile(int descriptor, std::string name);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// As it was when it was opened.
    [[nodiscard]] const FileStatus& status() const noexcept { return status_; }

    /// Whether it is still what it was when it was opened: nothing was written to it since. What is
    /// no regular file, as a pipe, has no content of its own that could change.
    [[nodiscard]] bool unchanged() const;

    /// Reads on from where the last `read` ended, until `block` is full or the input ends. Returns
    /// how many bytes it read: fewer than `block` has room for only at the end.
    std::size_t read(std::span<std::byte> block);

    /// Where the next `read` begins, counted from where the first one did.
    [[nodiscard]] std::int64_t position() const noexcept { return position_; }

    /// Whether the content is known by its offsets from the start: it is a regular file that tells
    /// its size (those in /proc do not) and was opened here, so that nobody else reads from it.
    [[nodiscard]] bool seekable() const noexcept { return descriptor_.owned() && status_.size > 0; }

    /// `length` bytes from `offset` on, fewer at the end. Not for a pipe.
    [[nodiscard]] Bytes read_at(std::int64_t offset, std::int64_t length) const;
    /// The same, to the front of `block`. Returns how many bytes it read.
    std::size_t read_at(std::int64_t offset, std::span<std::byte> block) const;

  private:
    std::string name_;
    detail::Descriptor descriptor_;
    FileStatus status_;
    std::int64_t position_ = 0;
};

// ---- output ------------------------------------------------------------------------------------

/// Writes all of `data` to a descriptor; `name` and `offset` are for the text of the FileError.
void write_all(int descriptor, std::span<const std::byte> data, std::string_view name,
               std::int64_t offset);

struct OutputFileOptions {
    /// Whether a file of that name may exist, and is then replaced.
    bool replace = false;
    /// Permissions, owner (as far as permitted) and time of modification that the file gets, as
    /// far as the file system has such things.
    /// Without it, it looks like any new file.
    std::optional<FileStatus> metadata = {};
    /// Whether long runs of zeros become holes, which take no room on the disk.
    bool sparse = false;
};

class PendingFile;

/// A file that appears under its name whole, or not at all.
///
/// Until `commit` the data has no name, or a hidden one where the file system knows no unnamed
/// files. If the object is destroyed without it, or the process dies, the target is as it was.
class OutputFile {
  public:
    /// Starts a file that is to be called `path`. Throws FileError: code EEXIST if there is one
    /// already and it is not to be replaced, or if what is there is no regular file.
    explicit OutputFile(const std::filesystem::path& path, const OutputFileOptions& options = {});
    OutputFile(OutputFile&&) noexcept;
    ~OutputFile();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::int64_t size() const noexcept { return size_; }

    /// Appends. Throws FileError with the offset, or if the file was committed already.
    void write(std::span<const std::byte> data);

    /// Flushes data and metadata to the disk, gives the file its name and flushes the folder. On an
    /// error, nothing has been changed, unless it was the folder that could not be flushed. Throws
    /// FileError the second time.
    void commit();

  private:
    void write_data(std::span<const std::byte> data);
    void skip(std::size_t zeros);

    std::string name_;
    std::filesystem::path target_;  // absolute: the working folder may change meanwhile
    OutputFileOptions options_;
    std::unique_ptr<PendingFile> pending_;
    std::int64_t size_ = 0;
};

/// Whether a file of that name is one that is being written, or what a killed process left of one.
[[nodiscard]] bool is_pending_file(const std::filesystem::path& path);

/// Removes the hidden names of the files that are being written. Async-signal-safe: a handler calls
/// it before the process dies. What an uncaught SIGKILL leaves is removed by the next OutputFile in
/// that folder.
void remove_pending_files() noexcept;

}  // namespace satchel
