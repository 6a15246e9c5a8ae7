// Texts of files: as they are, decompressed as a whole, and decompressed piece by piece.
#include "text/text_input.hpp"

#include <satchel/log.hpp>
#include <satchel/tasks/decompress.hpp>
#include <satchel/tasks/file.hpp>

#include "text/pieces.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

constexpr std::size_t read_size = std::size_t{256} << 10;

std::span<std::byte> bytes_of(std::span<char> room) { return std::as_writable_bytes(room); }

// Gives text that is there as Bytes.
std::size_t take_front(Bytes& text, std::span<char> room) {
    const auto size = std::min(text.size(), room.size());
    std::ranges::copy(text.text().substr(0, size), room.begin());
    text = text.slice(size);
    return size;
}

class WholeFile : public TextInput {
  public:
    explicit WholeFile(const TextPart& part) : file_(part.path) {}

    std::size_t read(std::span<char> room) override { return file_.read(bytes_of(room)); }

  private:
    InputFile file_;
};

class FileBlock : public TextInput {
  public:
    explicit FileBlock(const TextPart& part)
        : file_(part.path), begin_(part.begin), end_(part.end), at_(part.begin) {
        if (file_.status().size >= part.size) return;
        throw FileError(
            fmt::format("{}: it has {} bytes, but had {} when the bag was made; it was "
                        "truncated meanwhile",
                        part.path, file_.status().size, part.size));
    }

    std::size_t read(std::span<char> room) override {
        // Behind the block there is the rest of one line, seldom much.
        constexpr std::int64_t rest_of_line = 4096;
        const auto wanted = std::max(end_ - at_, std::int64_t{0}) + rest_of_line;
        const auto size = std::min(room.size(), static_cast<std::size_t>(wanted));
        const auto read = file_.read_at(at_, bytes_of(room.first(size)));
        at_ += static_cast<std::int64_t>(read);
        return read;
    }

    std::optional<std::int64_t> block_end() const override { return end_ - begin_; }
    bool at_start() const override { return begin_ == 0; }

    std::string before(std::size_t size) override {
        const auto length = std::min(static_cast<std::int64_t>(size), begin_);
        return std::string(file_.read_at(begin_ - length, length).text());
    }

  private:
    InputFile file_;
    std::int64_t begin_;
    std::int64_t end_;
    std::int64_t at_;
};

// Adds to an error of decompression in which file it was.
[[noreturn]] void throw_damaged(const std::string& path, const CorruptData& error) {
    throw FileError(
        fmt::format("{}: {}; get a good copy of it, or leave it out", path, error.what()));
}

class CompressedFile : public TextInput {
  public:
    explicit CompressedFile(const TextPart& part)
        : file_(part.path),
          decompressor_([this] { return read_compressed(); },
                        {.format = std::string(part.codec->info().name)}) {}

    std::size_t read(std::span<char> room) override {
        if (text_.empty()) text_ = next();
        return take_front(text_, room);
    }

  private:
    Bytes read_compressed() {
        Buffer block(read_size);
        block.resize(file_.read({block.data(), block.size()}));
        started_ = started_ || block.size() != 0;
        return std::move(block).freeze();
    }

    Bytes next() {
        if (ended_) return {};
        try {
            Bytes text = decompressor_.next();
            if (text.empty()) {
                ended_ = true;
                const auto& warning = decompressor_.warning();
                if (!warning.empty()) log_warning("text", file_.name() + ": " + warning);
            }
            return text;
        } catch (const CorruptData& error) {
            ended_ = true;
            // A file without any bytes is a text without lines.
            if (!started_) return {};
            throw_damaged(file_.name(), error);
        }
    }

    InputFile file_;
    bool started_ = false;
    bool ended_ = false;
    Decompressor decompressor_;
    Bytes text_;
};

class CompressedBlock : public TextInput {
  public:
    explicit CompressedBlock(const TextPart& part)
        : part_(part), file_(part.path), pieces_(open(part.begin)) {
        advance();  // so that a block in which no piece begins is known to be empty
    }

    std::size_t read(std::span<char> room) override {
        while (text_.empty() && piece_) {
            text_ = decode(*pieces_, *piece_);
            position_ += static_cast<std::int64_t>(text_.size());
            advance();
        }
        return take_front(text_, room);
    }

    std::optional<std::int64_t> block_end() const override { return block_end_; }
    bool at_start() const override { return part_.begin == 0; }

    // What comes before is in pieces that begin before this block; they are decoded from further
    // and further away until it is enough.
    std::string before(std::size_t size) override {
        for (std::int64_t distance = std::int64_t{1} << 20;; distance *= 2) {
            const auto from = std::max<std::int64_t>(part_.begin - distance, 0);
            std::string text;
            const auto pieces = open(from);
            for (auto piece = pieces->next(); piece && place_of(*piece) < part_.begin;
                 piece = pieces->next()) {
                text += decode(*pieces, *piece).text();
            }
            if (text.size() >= size || from == 0) return text;
        }
    }

  private:
    [[nodiscard]] std::unique_ptr<Pieces> open(std::int64_t from) const {
        try {
            return open_pieces(file_, *part_.codec, from);
        } catch (const CorruptData& error) {
            throw_damaged(part_.path, error);
        }
    }

    Bytes decode(const Pieces& pieces, const Piece& piece) const {
        try {
            return pieces.decode(piece);
        } catch (const CorruptData& error) {
            throw_damaged(part_.path, error);
        }
    }

    void advance() {
        piece_ = pieces_->next();
        if (block_end_) return;
        if (piece_ && place_of(*piece_) >= part_.end) block_end_ = position_;
        if (const auto warning = pieces_->warning(); !piece_ && !warning.empty()) {
            log_warning("text", file_.name() + ": " + warning);
        }
    }

    TextPart part_;
    InputFile file_;
    std::unique_ptr<Pieces> pieces_;
    std::optional<Piece> piece_;  // the next one
    Bytes text_;
    std::int64_t position_ = 0;  // in the text, from the begin of the block: behind `text_`
    std::optional<std::int64_t> block_end_;
};

}  // namespace

std::string codec_name_for(std::string_view path, std::string_view compression) {
    if (compression == "none") return {};
    if (compression != "infer") return std::string(codec(compression).info().name);
    for (const auto* codec : codecs()) {
        if (Suffix{codec->info().suffix, {}}.ends(path)) return std::string(codec->info().name);
    }
    if (Suffix{".zst", {}}.ends(path)) {
        throw InvalidArgument(fmt::format(
            "{}: this build of satchel knows no zstd; with the compression \"none\", the bytes are "
            "taken as they are",
            path));
    }
    return {};
}

std::unique_ptr<TextInput> open_text(const TextPart& part) {
    if (part.whole && part.codec == nullptr) return std::make_unique<WholeFile>(part);
    if (part.whole) return std::make_unique<CompressedFile>(part);
    if (part.codec == nullptr) return std::make_unique<FileBlock>(part);
    return std::make_unique<CompressedBlock>(part);
}

}  // namespace satchel::detail
