// The name of the result, the refusals that go with it, and the question on a terminal.
#include "target.hpp"

#include <satchel/tasks/codec.hpp>

#include "index_file.hpp"
#include "names.hpp"
#include "source.hpp"
#include "special_file.hpp"

#include <cerrno>
#include <iostream>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::cli {
namespace {

// Headers are shorter, unless someone wants them to be long.
constexpr std::int64_t header_max = std::int64_t{1} << 17;

// Beside `file`, what its header calls the original, as far as that is a name; folders in it are
// nobody's business.
std::optional<std::string> name_in_header(const std::string& file, const InputFile& source) {
    if (!source.seekable()) return std::nullopt;
    auto name = gzip_original(source.read_at(0, header_max)).name;
    name.erase(0, name.find_last_of('/') + 1);
    if (name.empty() || name == "." || name == "..") return std::nullopt;
    return file.substr(0, file.find_last_of('/') + 1) + name;
}

std::string name_of_result(const std::string& file, const InputFile& source,
                           const CompressorOptions& options) {
    if (options.writes_to_stdout(file)) return "stdout";
    if (!options.output.empty()) return options.output;
    if (options.mode == Mode::compress) {
        return options.suffix.empty() ? compressed_name(file, *options.codec)
                                      : file + options.suffix;
    }
    if (options.keep_name) {
        if (auto name = name_in_header(file, source)) return *std::move(name);
    }
    if (auto name = options.original_name(file)) return *std::move(name);
    throw Refusal("its suffix does not tell what the result is called; use --output or --stdout");
}

// What a copy of the source is to look like; its time may stand in its header.
std::optional<FileStatus> metadata_of(const InputFile& source, const CompressorOptions& options) {
    if (source.status().type != FileType::regular) return std::nullopt;
    auto metadata = source.status();
    if (options.mode == Mode::decompress && options.keep_name && source.seekable()) {
        const auto modified = gzip_original(source.read_at(0, header_max)).modified;
        if (modified != 0) metadata.modified_ns = modified * 1'000'000'000;
    }
    return metadata;
}

void refuse_terminal(int descriptor, const CompressorOptions& options) {
    if (options.mode == Mode::compress && !options.force && ::isatty(descriptor) == 1) {
        throw Refusal("compressed data is not written to a terminal; use --output, or --force");
    }
}

bool confirmed_on_terminal(const std::string& name) {
    tell(fmt::format("satchel: {} already exists; replace it (y or n)? ", masked(name)));
    std::string answer;
    std::getline(std::cin, answer);
    return answer.starts_with('y') || answer.starts_with('Y');
}

void refuse_existing(const std::string& name, const std::string& file) {
    const bool can_ask =
        file != standard_stream && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    if (!can_ask) throw Refusal(name + " already exists; --force replaces it");
    if (!confirmed_on_terminal(name)) throw Refusal(name + " is not replaced");
}

}  // namespace

Target::Target(const std::string& file, const InputFile& source, const CompressorOptions& options,
               RunFiles& files)
    : name_(name_of_result(file, source, options)), source_(source), files_(files) {
    if (options.writes_to_stdout(file)) {
        refuse_terminal(descriptor_, options);
        refuse_same_file(source, file_status(STDOUT_FILENO, name_));
        return;
    }
    if (!options.output.empty() && takes_data_as_it_comes(name_)) {
        special_.reset(open_special(name_));
        if (!special_) throw_file_error(name_, "open", errno);
        descriptor_ = ::fileno(special_.get());
        refuse_terminal(descriptor_, options);
        refuse_same_file(source, file_status(descriptor_, name_));
        return;
    }
    if (const auto target = status_if_exists(name_, Symlinks::follow)) {
        refuse_same_file(source, *target);
    }
    const bool exists = status_if_exists(name_, Symlinks::examine).has_value();
    if (exists) files_.refuse_to_replace(name_, source.status());
    if (exists && !options.force) refuse_existing(name_, file);
    // What nobody has agreed to lose may yet appear there; --force agrees to that, too.
    file_.emplace(name_, OutputFileOptions{.replace = exists || options.force,
                                           .metadata = metadata_of(source, options),
                                           .sparse = options.mode == Mode::decompress});
}

void Target::write(std::span<const std::byte> data) {
    if (file_) return file_->write(data);
    write_all(descriptor_, data, name_, size_);
    size_ += static_cast<std::int64_t>(data.size());
}

void Target::commit() {
    if (file_) {
        file_->commit();
        remove_index(name_, files_);
        return files_.add_result(name_, source_.status());
    }
    // Network file systems may find out only when it is closed that there is no room.
    const int copy = ::dup(descriptor_);
    if (copy < 0) throw_file_error(name_, "make sure of what was written", errno);
    if (::close(copy) != 0) throw_file_error(name_, "write", errno);
}

}  // namespace satchel::cli
