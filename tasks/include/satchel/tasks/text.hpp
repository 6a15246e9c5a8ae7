/// Text: lines of files and of web pages as bags, and bags as files of lines.
///
///     satchel::read_text("logs/*.gz")                             // a partition a file
///         .filter([](const std::string& line) { return line.find("ERROR") != line.npos; })
///         .to_textfiles("errors/*.log");                          // errors/00.log, …
///     satchel::read_text("big.log", {.blocksize = 64_MiB});       // a partition a block
///
/// Text is bytes: nothing is converted, and lines keep their ending, as it is in the file. When
/// a bag is made, the status of files is asked for, and compressed ones that are to be cut are
/// looked into; each task reads its own part, some hundred kilobytes at a time, so that memory is
/// bounded by the longest line. On a cluster, the workers read and write the files themselves.
///
/// Thread safety: all functions may be called from any thread.
#pragma once

#include <satchel/bag.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace satchel {

/// One path or URL, or several: `"a.txt"`, `{"a.txt", "b.txt"}`, a vector of strings or paths.
class Locations {
  public:
    template <std::convertible_to<std::filesystem::path> Path>
    Locations(const Path& path) : all_{text_of(path)} {}  // NOLINT(google-explicit-constructor)
    Locations(std::initializer_list<std::filesystem::path> paths) : Locations(paths, {}) {}
    template <std::ranges::input_range Paths>
    requires(!std::convertible_to<const Paths&, std::filesystem::path> &&
             std::convertible_to<std::ranges::range_value_t<const Paths>, std::filesystem::path>)
        Locations(const Paths& paths)  // NOLINT(google-explicit-constructor)
        : Locations(paths, {}) {}

    [[nodiscard]] const std::vector<std::string>& all() const noexcept { return all_; }

  private:
    struct Each {};
    template <class Paths>
    Locations(const Paths& paths, Each) {
        for (const auto& path : paths) all_.push_back(text_of(path));
    }
    static std::string text_of(const std::filesystem::path& path) { return path.native(); }

    std::vector<std::string> all_;
};

/// How read_text() reads. At most one of the first two may be given.
struct ReadTextOptions {
    /// Files are cut into partitions of so many bytes or, where they do not divide evenly, more,
    /// but less than twice as many; a file of fewer is one. A line belongs to one of them, whole.
    /// Of a compressed file, they are compressed bytes.
    std::optional<std::int64_t> blocksize = {};
    /// So many files are one partition.
    std::optional<std::int64_t> files_per_partition = {};
    /// What ends a line: one byte or several.
    std::string linedelimiter = "\n";
    /// The name of a codec; "none"; or "infer": what the ending of the file's name tells.
    std::string compression = "infer";
};

/// The lines of files, with their endings. A path may be a pattern: `*`, `?` and `[a-z]` stand for
/// what they do in a shell, `**` for any folders; what matches is sorted. Each file is a partition,
/// unless the options say otherwise. Every line comes exactly once, whatever the block size.
///
/// `.gz`, `.bz2`, `.xz` and `.zst` files are decompressed. In blocks, only those can be read in
/// which decoding may begin at several places: .gz of `satchel compress` or `pigz -i`, any .bz2,
/// .xz of several blocks, .zst with a table of its frames.
///
/// Throws FileError for a missing file and a pattern that nothing matches, InvalidArgument for
/// options that do not fit.
[[nodiscard]] Bag<std::string> read_text(const Locations& paths,
                                         const ReadTextOptions& options = {});

/// The same lines, each with the absolute path of its file.
[[nodiscard]] Bag<std::pair<std::string, std::string>> read_text_with_path(
    const Locations& paths, const ReadTextOptions& options = {});

/// The lines of what is at `http://` and `https://` URLs, a partition each. Redirections are
/// followed. Throws InvalidArgument for what is no such URL; when computed, FileError if it cannot
/// be had.
[[nodiscard]] Bag<std::string> from_url(const Locations& urls);

/// How to_textfiles() writes.
struct TextFilesOptions {
    /// The name of a codec; "none"; or "infer": what the ending of the files' names tells.
    std::string compression = "infer";
};

/// Writes each partition to a file and returns the paths. `path` has one `*`, which becomes the
/// number of the partition, with leading zeros; without one it is a folder, where the files are
/// called 0.part and so on. Elements become lines: each that does not end in a newline gets one.
/// A file appears when it is complete, and replaces one of the same name. Folders are made.
/// `bag.to_textfiles(…)` is the same.
std::vector<std::filesystem::path> to_textfiles(const Bag<std::string>& bag,
                                                const std::filesystem::path& path,
                                                const TextFilesOptions& options,
                                                const Executor& executor);
inline std::vector<std::filesystem::path> to_textfiles(const Bag<std::string>& bag,
                                                       const std::filesystem::path& path,
                                                       const TextFilesOptions& options = {}) {
    return to_textfiles(bag, path, options, *default_executor());
}

namespace detail {

template <class Self, class T>
template <class Path>
auto TextOperations<Self, T>::to_textfiles(const Path& path) const {
    return to_textfiles(path, TextFilesOptions{});
}
template <class Self, class T>
template <class Path>
auto TextOperations<Self, T>::to_textfiles(const Path& path,
                                           const TextFilesOptions& options) const {
    return to_textfiles(path, options, *default_executor());
}
template <class Self, class T>
template <class Path>
auto TextOperations<Self, T>::to_textfiles(const Path& path, const TextFilesOptions& options,
                                           const Executor& executor) const {
    static_assert(
        std::is_same_v<T, std::string>,
        "satchel: to_textfiles() writes lines of text. Make a std::string of each element "
        "first, by map().");
    if constexpr (std::is_same_v<T, std::string>) {
        return satchel::to_textfiles(self(), path, options, executor);
    }
}

}  // namespace detail
}  // namespace satchel
