// ViewStream: a stream of strings that lie in its memory, as the lines of a file lie in a buffer.
// Who only looks at them takes views, and no std::string is made.
#pragma once

#include <satchel/detail/short_string.hpp>
#include <satchel/detail/stream.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace satchel::detail {

inline constexpr std::size_t view_padding = 16;
static_assert(view_padding >= string_room);

/// Some strings of a stream, valid until the next pull.
struct ViewBatch {
    const std::string_view* items = nullptr;
    std::size_t size = 0;
    bool padded = false;  ///< behind each is memory of `view_padding` bytes that can be read
};

/// A list of views that is written to without a look at its end for each of them.
class ViewList {
  public:
    [[nodiscard]] const std::string_view* data() const noexcept { return views_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void clear() noexcept { size_ = 0; }

    /// Where to write at most `count` more; end() tells behind the last of them.
    [[nodiscard]] std::string_view* room(std::size_t count) {
        if (views_.size() < size_ + count) views_.resize(2 * (size_ + count));
        return views_.data() + size_;
    }
    void end(const std::string_view* at) noexcept {
        size_ = static_cast<std::size_t>(at - views_.data());
    }
    void push_back(std::string_view view) {
        *room(1) = view;
        ++size_;
    }

  private:
    std::vector<std::string_view> views_;
    std::size_t size_ = 0;
};

class ViewStream : public Stream<std::string> {
  public:
    /// Gives the next strings, possibly none. False at the end, also when asked again.
    virtual bool next_views(ViewBatch& views) = 0;

    /// With what each string ends, but for the last of a file; empty if that is not known.
    [[nodiscard]] virtual std::string_view ending() const { return {}; }
    /// The same, but what lies one behind the other in memory may come as one string: for those who
    /// make the same of that.
    virtual bool next_joined(ViewBatch& views) { return next_views(views); }

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
/// than the text needs: whoever takes the string over takes all of it. `padded`: as of ViewBatch.
inline void put_into(std::string& place, std::string_view text, bool padded) {
    constexpr std::size_t spare = 64;
    if (padded && text.size() <= short_string_max && place.capacity() <= spare) {
        return put_short_string(place, text.data(), text.size());
    }
    if (place.capacity() > 3 * text.size() + spare) place = std::string();
    place.assign(text);
}

}  // namespace satchel::detail
