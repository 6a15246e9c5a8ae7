// Strings of views, and views of strings.
#include <satchel/detail/pulled.hpp>
#include <satchel/detail/text_stages.hpp>
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
        put_into(strings_[size], text, views_.padded);
        bytes += sizeof(std::string) + text.size();
    }
    batch = {strings_.data(), nullptr, size, true};
    return true;
}

bool PulledViews::pull() {
    if (joins_) return views_->next_joined(batch_);
    if (views_ != nullptr) return views_->next_views(batch_);
    Batch<std::string> strings;
    if (!upstream_->next(strings)) return false;
    of_strings_.clear();
    for (std::size_t k = 0; k < strings.size; ++k) of_strings_.emplace_back(strings.at(k));
    batch_ = {of_strings_.data(), of_strings_.size(), false};
    return true;
}

ViewBatch WrittenTexts::views() {
    bytes_.append(view_padding, '\0');
    views_.clear();
    std::size_t begin = 0;
    for (const auto end : ends_) {
        views_.emplace_back(bytes_.data() + begin, end - begin);
        begin = end;
    }
    return {views_.data(), views_.size(), true};
}

}  // namespace satchel::detail
