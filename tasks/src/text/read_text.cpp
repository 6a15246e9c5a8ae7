// read_text, read_text_with_path, from_url: which part of which file a partition is, and the
// streams of its lines.
#include <satchel/detail/bag_support.hpp>
#include <satchel/detail/view_stream.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/text.hpp>

#include "file/system_call.hpp"
#include "text/line_reader.hpp"
#include "text/paths.hpp"
#include "text/pieces.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include <fmt/format.h>

namespace satchel {
namespace detail {

// What travels to a task: only those files that its partition needs.
struct TextFile {
    std::string path = {};
    std::string codec = {};  // the name; empty: not compressed; "url": a URL
    std::int64_t size = 0;
    std::int64_t first = 0;   // the number of the partition that it begins …
    std::int64_t blocks = 1;  // … and into how many it is cut
};

struct TextSource {
    std::vector<TextFile> files = {};
    std::string delimiter = {};

    // The files that partition `index` has to do with.
    [[nodiscard]] std::span<const TextFile> files_of(std::int64_t index) const {
        const auto starts_behind = [](std::int64_t i, const TextFile& file) {
            return i < file.first;
        };
        const auto ends_behind = [](const TextFile& file, std::int64_t i) {
            return file.first + file.blocks <= i;
        };
        const auto end = std::upper_bound(files.begin(), files.end(), index, starts_behind);
        return {std::lower_bound(files.begin(), end, index, ends_behind), end};
    }

    // What partition `index` needs.
    [[nodiscard]] TextSource narrowed(std::uint32_t index) const {
        const auto mine = files_of(index);
        return {{mine.begin(), mine.end()}, delimiter};
    }
};

namespace {

constexpr std::string_view url_kind = "url";

TextPart part_of(const TextFile& file, std::int64_t index) {
    TextPart part{.path = file.path, .size = file.size, .whole = file.blocks == 1};
    if (!file.codec.empty()) part.codec = &codec(file.codec);
    // Blocks whose sizes differ by at most one byte.
    const auto begin_of = [&](std::int64_t k) {
        return k * (file.size / file.blocks) + std::min(k, file.size % file.blocks);
    };
    part.begin = begin_of(index - file.first);
    part.end = begin_of(index - file.first + 1);
    return part;
}

std::unique_ptr<TextInput> open_file(const TextFile& file, std::int64_t index) {
    if (file.codec == url_kind) return open_url(file.path);
    return open_text(part_of(file, index));
}

/// The lines of a partition, file after file.
class TextLines {
  public:
    TextLines(const TextSource& source, std::int64_t index)
        : files_(source.files_of(index)), delimiter_(source.delimiter), index_(index) {}

    /// Some lines of one file, valid until the next call. False at the end.
    bool next(ViewBatch& views) {
        lines_.clear();
        while (!reader_ || !reader_->next(lines_, batch_elements_max)) {
            if (!open_next()) return false;
        }
        views = {lines_.data(), lines_.size(), true};
        return true;
    }
    /// The same, as one text.
    bool next_joined(ViewBatch& views) {
        while (!reader_ || !reader_->next_joined(joined_)) {
            if (!open_next()) return false;
        }
        views = {&joined_, 1, true};
        return true;
    }

    [[nodiscard]] const std::string& delimiter() const { return delimiter_; }
    /// Of the file that they are in.
    [[nodiscard]] const std::string& path() const { return files_[opened_ - 1].path; }

  private:
    bool open_next() {
        reader_.reset();
        if (opened_ == files_.size()) return false;
        reader_.emplace(open_file(files_[opened_++], index_), delimiter_);
        return true;
    }

    std::span<const TextFile> files_;
    const std::string& delimiter_;
    std::int64_t index_;
    std::size_t opened_ = 0;
    std::optional<LineReader> reader_;
    ViewList lines_;
    std::string_view joined_;
};

class TextStream final : public ViewStream {
  public:
    TextStream(const TextSource& source, std::int64_t index) : lines_(source, index) {}

    bool next_views(ViewBatch& views) override { return lines_.next(views); }
    [[nodiscard]] std::string_view ending() const override { return lines_.delimiter(); }
    bool next_joined(ViewBatch& views) override { return lines_.next_joined(views); }

  private:
    TextLines lines_;
};

/// Lines, each with the path of its file.
class TextWithPathStream final : public Stream<std::pair<std::string, std::string>> {
  public:
    TextWithPathStream(const TextSource& source, std::int64_t index) : lines_(source, index) {}

    bool next(Batch<std::pair<std::string, std::string>>& batch) override {
        if (at_ == views_.size) {
            at_ = 0;
            views_.size = 0;
            if (!lines_.next(views_)) return false;
        }
        if (elements_.size() < views_.size) elements_.resize(views_.size);
        std::size_t size = 0;
        for (std::size_t bytes = 0; at_ < views_.size && bytes < batch_bytes_max; ++size) {
            auto& [line, path] = elements_[size];
            put_into(line, views_.items[at_++], views_.padded);
            path = lines_.path();
            bytes += element_bytes(elements_[size]);
        }
        batch = {elements_.data(), nullptr, size, true};
        return true;
    }

  private:
    TextLines lines_;
    ViewBatch views_;
    std::size_t at_ = 0;
    std::vector<std::pair<std::string, std::string>> elements_;
};

/// Opens an `S` for a partition.
template <class S>
std::unique_ptr<StreamBase> open_lines(const Value& state, Binding& binding) {
    return std::make_unique<S>(state.get<TextSource>(), binding.index());
}

}  // namespace
}  // namespace detail

namespace {

using detail::TextFile;
using detail::TextSource;

// ---- what the files are -------------------------------------------------------------------------

// The files that are meant, by absolute paths.
std::vector<std::string> files_of(const Locations& paths, const char* operation) {
    std::vector<std::string> files;
    const auto add = [&](const std::string& path) {
        if (path.empty()) {
            throw InvalidArgument(fmt::format("{}: a path is empty; name a file", operation));
        }
        files.push_back(detail::absolute_path(path));
    };
    for (const auto& path : paths.all()) {
        std::error_code ignored;
        if (!detail::is_pattern(path) || std::filesystem::exists(path, ignored)) {
            add(path);
            continue;
        }
        const auto found = detail::files_that_match(path);
        if (found.empty()) {
            throw FileError(fmt::format("{}: no file matches {}", operation, path), ENOENT);
        }
        for (const auto& file : found) add(file);
    }
    if (!files.empty()) return files;
    throw InvalidArgument(fmt::format("{}: there are no paths; give one or more", operation));
}

FileStatus status_of(const std::string& path, const char* operation) {
    const auto status = file_status(path);
    if (status.type != FileType::directory) return status;
    throw FileError(
        fmt::format("{}: {} is a folder; write {}/* for the files in it", operation, path, path),
        EISDIR);
}

// Into how many blocks a file is cut: each has at least `blocksize` bytes, unless there is one.
std::int64_t blocks_of(const TextFile& file, std::int64_t blocksize, const char* operation) {
    const auto blocks = std::max(file.size / blocksize, std::int64_t{1});
    if (blocks == 1 || file.codec.empty()) return blocks;
    const auto why = detail::why_not_in_pieces(InputFile(file.path), codec(file.codec));
    if (why.empty()) return blocks;
    throw InvalidArgument(fmt::format(
        "{}: {} cannot be read in blocks: {}. What `satchel compress` makes of several chunks, .gz "
        "of `pigz -i`, any .bz2, .xz of several blocks and .zst with a table of frames can; leave "
        "out the blocksize for others",
        operation, file.path, why));
}

// ---- the bag ------------------------------------------------------------------------------------

void check(const ReadTextOptions& options, const char* operation) {
    const auto refuse = [&](const std::string& why) {
        throw InvalidArgument(fmt::format("{}: {}", operation, why));
    };
    if (options.blocksize && options.files_per_partition) {
        refuse("blocksize and files_per_partition exclude each other; give one of them");
    }
    if (options.blocksize.value_or(1) < 1) {
        refuse(
            fmt::format("the blocksize is {}; a block has at least one byte", *options.blocksize));
    }
    if (options.files_per_partition.value_or(1) < 1) {
        refuse(fmt::format("files_per_partition is {}; a partition has at least one",
                           *options.files_per_partition));
    }
    if (options.linedelimiter.empty()) {
        refuse("the linedelimiter is empty; lines end with one byte or more");
    }
    // An unknown name is told here also where no file needs it.
    (void)detail::codec_name_for({}, options.compression);
}

template <class T>
Bag<T> text_bag(TextSource source, std::int64_t count, Token token, const char* operation,
                bool cheap) {
    using Lines = std::conditional_t<std::is_same_v<T, std::string>, detail::TextStream,
                                     detail::TextWithPathStream>;
    auto part = detail::stream_part<&detail::open_lines<Lines>>(std::move(source));
    return Bag<T>(detail::Node::make({.role = detail::Node::Role::source,
                                      .cheap = cheap,
                                      .fresh = true,
                                      .count = detail::checked_partitions(count, operation),
                                      .name = operation,
                                      .token = token,
                                      .stream = std::move(part),
                                      .elements = &detail::element_operations<T>}));
}

template <class T>
Bag<T> read(const Locations& paths, const ReadTextOptions& options, const char* operation) {
    check(options, operation);
    TextSource source{.delimiter = options.linedelimiter};
    auto token = Token::of(operation).then(Token::of(options.linedelimiter));
    const auto files_per_partition = options.files_per_partition.value_or(1);
    std::int64_t partitions = 0;
    std::int64_t in_partition = 0;  // files of the last one
    for (auto& path : files_of(paths, operation)) {
        const auto status = status_of(path, operation);
        TextFile file{.path = path, .codec = detail::codec_name_for(path, options.compression)};
        file.size = status.size;
        if (options.blocksize) file.blocks = blocks_of(file, *options.blocksize, operation);
        const bool joins = in_partition != 0 && in_partition < files_per_partition;
        in_partition = joins ? in_partition + 1 : 1;
        file.first = joins ? partitions - 1 : partitions;
        partitions = file.first + file.blocks;
        token = token.then(Token::of(fmt::format("{} {} {} {} {} {} {} {}", path, file.codec,
                                                 status.device, status.inode, status.size,
                                                 status.modified_ns, file.first, file.blocks)));
        source.files.push_back(std::move(file));
    }
    // Files are read again for a second use rather than kept: they may be larger than the memory.
    return text_bag<T>(std::move(source), partitions, token, operation, true);
}

}  // namespace

Bag<std::string> read_text(const Locations& paths, const ReadTextOptions& options) {
    return read<std::string>(paths, options, "read_text");
}

Bag<std::pair<std::string, std::string>> read_text_with_path(const Locations& paths,
                                                             const ReadTextOptions& options) {
    return read<std::pair<std::string, std::string>>(paths, options, "read_text_with_path");
}

Bag<std::string> from_url(const Locations& urls) {
    TextSource source{.delimiter = "\n"};
    for (const auto& url : urls.all()) {
        detail::check_url(url);
        source.files.push_back({.path = url,
                                .codec = std::string(detail::url_kind),
                                .first = std::ssize(source.files)});
    }
    if (source.files.empty()) {
        throw InvalidArgument("from_url: there are no URLs; give one or more");
    }
    const auto count = std::ssize(source.files);
    return text_bag<std::string>(std::move(source), count, Token::unique(), "from_url", false);
}

}  // namespace satchel
