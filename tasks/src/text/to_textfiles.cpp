// to_textfiles: each partition streams into a file of its own, compressed chunk by chunk.
#include <satchel/detail/stream.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/text.hpp>

#include "file/system_call.hpp"
#include "text/paths.hpp"
#include "text/text_input.hpp"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace satchel {
namespace detail {

// What travels to the tasks.
struct TextFileNames {
    std::string before = {};  // the number of the partition
    std::string after = {};
    std::int64_t digits = 1;
    std::string codec = {};  // its name; empty: none

    [[nodiscard]] std::string path_of(std::uint32_t index) const {
        return fmt::format("{}{:0{}}{}", before, index, digits, after);
    }
};

namespace {

constexpr std::size_t write_size = std::size_t{1} << 20;

// A file that text is appended to, compressed if `codec` is not nullptr.
class TextWriter {
  public:
    TextWriter(const std::string& path, const Codec* codec)
        : file_(path, {.replace = true}), codec_(codec) {
        if (codec_ == nullptr) return;
        options_ = codec_->resolve({});
        joiner_ = codec_->joiner(options_);
        chunk_size_ = static_cast<std::size_t>(options_.chunk_size);
        file_.write(joiner_->begin());
    }

    void append_line(std::string_view line) {
        append(line);
        if (!line.ends_with('\n')) append("\n");
    }

    void commit() {
        if (!text_.empty()) flush();
        if (joiner_) file_.write(joiner_->finish());
        file_.commit();
    }

  private:
    void append(std::string_view text) {
        while (!text.empty()) {
            const auto size = std::min(text.size(), chunk_size_ - text_.size());
            text_.append(text.substr(0, size));
            text.remove_prefix(size);
            if (text_.size() == chunk_size_) flush();
        }
    }

    void flush() {
        const auto bytes = std::as_bytes(std::span(text_));
        if (joiner_) {
            file_.write(joiner_->append(codec_->compress_chunk(bytes, options_)));
        } else {
            file_.write(bytes);
        }
        text_.clear();
    }

    OutputFile file_;
    const Codec* codec_;
    CompressOptions options_;
    std::unique_ptr<Joiner> joiner_;
    std::size_t chunk_size_ = write_size;
    std::string text_;
};

// On a cluster, where the file is written.
void make_folder_of(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) throw_file_error(path.parent_path().native(), "create the folder", error.value());
}

Value write_partition(const Value& state, Binding& binding) {
    const auto& names = state.get<TextFileNames>();
    const auto path = names.path_of(binding.index());
    make_folder_of(path);
    TextWriter writer(path, names.codec.empty() ? nullptr : &codec(names.codec));
    const auto stream = typed<std::string>(std::move(binding.upstream(0)));
    for (Batch<std::string> batch; stream->next(batch);) {
        batch.for_each([&](const std::string& line) { writer.append_line(line); });
    }
    writer.commit();
    return Value::of(path);
}

}  // namespace
}  // namespace detail

namespace {

detail::TextFileNames names_of(const std::filesystem::path& path, std::int64_t npartitions,
                               const std::string& compression) {
    if (path.empty()) throw InvalidArgument("to_textfiles: the path is empty; name a folder");
    auto pattern = detail::absolute_path(path);
    if (std::ranges::count(pattern, '*') == 0) {
        pattern += pattern.ends_with('/') ? "*.part" : "/*.part";
    }
    const auto star = pattern.find('*');
    if (pattern.find('*', star + 1) != std::string::npos) {
        throw InvalidArgument(
            fmt::format("to_textfiles: {} has more than one *; one of them becomes the number of "
                        "the partition, so leave one",
                        path.native()));
    }
    return {.before = pattern.substr(0, star),
            .after = pattern.substr(star + 1),
            .digits = std::ssize(fmt::to_string(npartitions - 1)),
            .codec = detail::codec_name_for(pattern, compression)};
}

}  // namespace

std::vector<std::filesystem::path> to_textfiles(const Bag<std::string>& bag,
                                                const std::filesystem::path& path,
                                                const TextFilesOptions& options,
                                                const Executor& executor) {
    auto names = names_of(path, bag.npartitions(), options.compression);
    auto node = detail::Node::make(
        {.role = detail::Node::Role::sink,
         .count = bag.node()->description.count,
         .name = "to_textfiles",
         .token = Token::unique(),
         .sink = detail::sink_part<&detail::write_partition>(std::move(names)),
         .inputs = {{.kind = detail::NodeInput::Kind::stream, .node = bag.node()}}});
    std::vector<std::filesystem::path> paths;
    for (const auto& written : detail::compute_nodes({std::move(node)}, executor, {})) {
        paths.emplace_back(written.get<std::string>());
    }
    return paths;
}

}  // namespace satchel
