// Lists with zeros between the names, and folders.
#include "file_list.hpp"

#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/file.hpp>

#include "index_file.hpp"
#include "names.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

void append_names(const std::string& list, std::vector<std::string>& files) {
    std::string names;
    InputFile input = list == standard_stream ? InputFile(STDIN_FILENO, "stdin") : InputFile(list);
    Buffer block(std::size_t{1} << 16);
    while (const auto size = input.read(block)) {
        names.append(reinterpret_cast<const char*>(block.data()), size);
    }
    for (std::size_t begin = 0; begin < names.size();) {
        const auto end = std::min(names.find('\0', begin), names.size());
        files.push_back(names.substr(begin, end - begin));
        begin = end + 1;
    }
}

// A link to a folder is one where links are followed. Links inside folders never are: they might
// lead out of them, or round in circles.
bool is_folder(const std::string& file, const CompressorOptions& options) {
    if (file == standard_stream) return false;
    std::error_code ignored;
    const auto status = options.force || options.copies()
                            ? std::filesystem::status(file, ignored)
                            : std::filesystem::symlink_status(file, ignored);
    return status.type() == std::filesystem::file_type::directory;
}

bool exists(const std::string& file) {
    std::error_code ignored;
    return std::filesystem::symlink_status(file, ignored).type() !=
           std::filesystem::file_type::not_found;
}

class Walk {
  public:
    Walk(const CompressorOptions& options, Messages& messages, std::vector<std::string>& files)
        : options_(options), messages_(messages), files_(files) {}

    // Nothing recurses: folders may be as deep as they like.
    void go_through(const std::string& root) {
        std::vector<std::string> folders{root};
        while (!folders.empty()) {
            const auto folder = std::move(folders.back());
            folders.pop_back();
            auto [inside, deeper] = contents(folder);
            std::ranges::sort(inside);
            std::ranges::sort(deeper, std::greater<>());
            std::ranges::copy_if(inside, std::back_inserter(files_),
                                 [&](const std::string& file) { return concerns(file); });
            folders.insert(folders.end(), deeper.begin(), deeper.end());
        }
    }

  private:
    struct Contents {
        std::vector<std::string> files;
        std::vector<std::string> folders;
    };

    Contents contents(const std::string& folder) {
        Contents contents;
        std::error_code error;
        for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
             entry.increment(error)) {
            std::error_code ignored;
            const auto type = entry->symlink_status(ignored).type();
            if (type == std::filesystem::file_type::directory) {
                contents.folders.push_back(entry->path().native());
            } else if (type == std::filesystem::file_type::regular) {
                contents.files.push_back(entry->path().native());
            }
        }
        if (error) messages_.error(fmt::format("{}: cannot read: {}", folder, error.message()));
        return contents;
    }

    // In a folder, files that are compressed already, or not at all, are simply not meant; nor are
    // those that another run is about to finish.
    [[nodiscard]] bool concerns(const std::string& file) const {
        if (is_index(file) || is_pending_file(file)) return false;
        return options_.is_compressed_name(file) != (options_.mode == Mode::compress);
    }

    // What --index has written beside a compressed file.
    [[nodiscard]] bool is_index(const std::string& file) const {
        const auto suffix = index_name({});
        return file.ends_with(suffix) &&
               decompressed_name(file.substr(0, file.size() - suffix.size())).has_value();
    }

    const CompressorOptions& options_;
    Messages& messages_;
    std::vector<std::string>& files_;
};

}  // namespace

std::string existing_name(const std::string& file, const CompressorOptions& options) {
    const bool is_meant = options.mode == Mode::compress || file == standard_stream || file.empty();
    if (is_meant || exists(file)) return file;
    if (!options.suffix.empty() && exists(file + options.suffix)) return file + options.suffix;
    for (const Codec* codec : codecs()) {
        if (options.codec != nullptr && options.codec != codec) continue;
        for (const Suffix& suffix : codec->info().suffixes) {
            auto name = file + std::string(suffix.text);
            if (suffix.replacement.empty() && exists(name)) return name;
        }
    }
    return file;
}

std::vector<std::string> file_list(const CompressorOptions& options, Messages& messages) {
    auto named = options.files;
    try {
        if (!options.files0.empty()) append_names(options.files0, named);
    } catch (const FileError& error) {
        messages.error(error.what());
    }
    if (!options.recursive) return named;
    std::vector<std::string> files;
    for (const std::string& file : named) {
        if (is_folder(file, options)) {
            Walk(options, messages, files).go_through(file);
        } else {
            files.push_back(file);
        }
    }
    return files;
}

}  // namespace satchel::cli
