// TextInput: the text of one block of a file, wherever it comes from, as bytes from front to back.
//
// A block is a range of a text, from `begin` to `end`. Its lines are those that follow a delimiter
// which begins in it, and the first block also has the first line. So the lines of a block are
// found by reading from its begin, leaving out what comes before the first delimiter, and reading
// on behind its end until its last line ends.
#pragma once

#include <satchel/tasks/codec.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace satchel::detail {

class TextInput {
  public:
    TextInput() = default;
    TextInput(const TextInput&) = delete;
    TextInput& operator=(const TextInput&) = delete;
    virtual ~TextInput() = default;

    /// Reads the next bytes of the text, from the begin of the block on, to the front of `room`,
    /// and goes on behind its end. 0: the text ends.
    virtual std::size_t read(std::span<char> room) = 0;

    /// Where the block ends, counted from its begin. Nothing: not before what was read so far.
    [[nodiscard]] virtual std::optional<std::int64_t> block_end() const { return std::nullopt; }

    /// Whether the block begins where the text does.
    [[nodiscard]] virtual bool at_start() const { return true; }

    /// At least the last `size` bytes of the text before the block, or all there are.
    [[nodiscard]] virtual std::string before(std::size_t /*size*/) { return {}; }
};

/// What of a file is to be read. `codec` is nullptr for a file that is not compressed.
struct TextPart {
    std::string path{};
    const Codec* codec = nullptr;
    std::int64_t size = 0;   ///< of the file, when the bag was made
    std::int64_t begin = 0;  ///< of the block, in bytes of the file …
    std::int64_t end = 0;    ///< … and its end
    bool whole = true;       ///< the block is the whole file, and `begin` and `end` do not count
};

/// The name of the codec for a file, which may be told by its name; empty: none. Throws
/// InvalidArgument if there is no such codec.
[[nodiscard]] std::string codec_name_for(std::string_view path, std::string_view compression);

/// Opens a file. Throws FileError, also for damaged data when that is read.
[[nodiscard]] std::unique_ptr<TextInput> open_text(const TextPart& part);

/// Opens a URL. Throws FileError if it cannot be had.
[[nodiscard]] std::unique_ptr<TextInput> open_url(const std::string& url);

/// Throws InvalidArgument if `url` is none that can be opened.
void check_url(const std::string& url);

}  // namespace satchel::detail
