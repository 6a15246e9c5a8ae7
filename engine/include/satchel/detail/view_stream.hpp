// ViewStream: a stream of strings that lie in its memory, as the lines of a file lie in a buffer.
// Who only looks at them takes views, and no std::string is made.
#pragma once

#include <satchel/detail/stream.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace satchel::detail {

inline constexpr std::size_t view_padding = 8;

/// Some strings of a stream, valid until the next pull.
struct ViewBatch {
    const std::string_view* items = nullptr;
    std::size_t size = 0;
    bool padded = false;  ///< behind each is memory of `view_padding` bytes that can be read
};

class ViewStream : public Stream<std::string> {
  public:
    /// Gives the next strings, possibly none. False at the end, also when asked again.
    virtual bool next_views(ViewBatch& views) = 0;

    /// The same as strings, for those who keep them.
    bool next(Batch<std::string>& batch) final;
    void expect(std::size_t elements) override { limit_.expect(elements); }

  private:
    ViewBatch views_;
    std::size_t at_ = 0;
    std::vector<std::string> strings_;
    BatchLimit limit_;
};

/// Puts `text` into a string that is there already. It keeps its memory, unless that is far more
/// than the text needs: whoever takes the string over takes all of it.
inline void put_into(std::string& place, std::string_view text) {
    constexpr std::size_t spare = 64;
    if (place.capacity() > 3 * text.size() + spare) place = std::string();
    place.assign(text);
}

}  // namespace satchel::detail
