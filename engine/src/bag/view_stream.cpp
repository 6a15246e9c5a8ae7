// Strings of views.
#include <satchel/detail/view_stream.hpp>

#include <algorithm>

namespace satchel::detail {

bool ViewStream::next(Batch<std::string>& batch) {
    if (at_ == views_.size) {
        at_ = 0;
        views_.size = 0;
        if (!next_views(views_)) return false;
    }
    const auto limit = std::min(limit_.next(), views_.size - at_);
    if (strings_.size() < limit) strings_.resize(limit);
    std::size_t size = 0;
    for (std::size_t bytes = 0; size < limit && bytes < batch_bytes_max; ++size) {
        const auto text = views_.items[at_++];
        put_into(strings_[size], text);
        bytes += sizeof(std::string) + text.size();
    }
    batch = {strings_.data(), nullptr, size, true};
    return true;
}

}  // namespace satchel::detail
