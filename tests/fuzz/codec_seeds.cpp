// What codec_seeds.hpp declares.
#include "codec_seeds.hpp"

#include <satchel/bytes.hpp>
#include <satchel/tasks/codec.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::fuzz {
namespace {

// A file with the short text, for the tools.
class TextFile {
  public:
    TextFile() {
        path_ = (std::filesystem::temp_directory_path() / "satchel-fuzz-XXXXXX").native();
        const int file = ::mkstemp(path_.data());
        const auto text = short_text();
        const auto written = ::write(file, text.data(), text.size());
        ::close(file);
        if (written != static_cast<ssize_t>(text.size())) throw std::runtime_error("no file");
    }
    ~TextFile() { std::filesystem::remove(path_); }
    TextFile(const TextFile&) = delete;
    TextFile& operator=(const TextFile&) = delete;

    // The file as the tool compresses it; nothing if it is not installed.
    [[nodiscard]] std::string compressed_by(std::string_view command) const {
        std::FILE* const pipe =
            ::popen(fmt::format("{} '{}' 2>/dev/null", command, path_).c_str(), "r");
        if (pipe == nullptr) throw std::runtime_error("no pipe");
        std::string all;
        std::array<char, 4096> some{};
        while (const auto count = std::fread(some.data(), 1, some.size(), pipe)) {
            all.append(some.data(), count);
        }
        ::pclose(pipe);
        return all;
    }

  private:
    std::string path_;
};

std::string compressed(const std::string& text, const Codec& codec) {
    const auto data = std::as_bytes(std::span(text));
    return std::string(
        compress(data, codec.info().name, {.level = 1, .chunk_size = 65'536}).text());
}

constexpr std::pair<const char*, const char*> tools[] = {
    {"gzip", "gzip -c1"},
    {"gzip", "gzip -c9"},
    {"gzip", "gzip -cN"},
    {"gzip", "pigz -cip1"},
    {"gzip", "bgzip -c"},
    {"zlib", "pigz -czp1"},
    {"zlib", "pigz -cizp1"},
    {"bz2", "bzip2 -c1"},
    {"xz", "xz -c"},
    {"xz", "xz -c --format=lzma"},
    {"xz", "xz -c --block-size=500 -T2"},
    {"xz", "xz -c --check=sha256 --block-size=700 -T1"},
    {"zstd", "zstd -c"},
    {"zstd", "zstd -c19 --no-check"},
    {"zstd", "pzstd -cp2"},
};

}  // namespace

std::string long_text() {
    std::string text;
    for (int i = 0; text.size() < 150'000; ++i) text += fmt::format("line {}\n", i % 50);
    return text;
}

std::string short_text() {
    std::string text;
    for (int i = 0; i < 300; ++i) text += fmt::format("{}\n", i);
    for (int i = 0; i < 300; ++i) text += byte(static_cast<unsigned>(i * i) % 251);
    return text;
}

std::size_t codec_index(std::string_view format) {
    const auto all = codecs();
    std::size_t i = 0;
    while (i < all.size() && all[i]->info().name != format) ++i;
    return i;
}

std::vector<CompressedFile> compressed_files() {
    std::vector<CompressedFile> files;
    for (const Codec* codec : codecs()) {
        const std::string format(codec->info().name);
        const auto one = compressed(short_text(), *codec);
        const auto several = compressed(long_text(), *codec);
        for (const auto& data : {one, several, several + one, compressed("", *codec)}) {
            files.push_back({format, data});
        }
    }
    const TextFile file;
    for (const auto& [format, command] : tools) {
        if (codec_index(format) == codecs().size()) continue;  // this build has no zstd
        if (auto data = file.compressed_by(command); !data.empty()) {
            files.push_back({format, std::move(data)});
        }
    }
    return files;
}

}  // namespace satchel::fuzz
