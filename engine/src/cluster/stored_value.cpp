// The two forms of a value.
#include "cluster/stored_value.hpp"

#include <utility>

namespace satchel::cluster {
namespace {

// Bytes beside the object that are worth keeping. Large buffers may share its memory, but need not:
// it may have read them from a file.
constexpr std::size_t kept_max = 4096;

}  // namespace

StoredValue::StoredValue(Value value) : value_(std::move(value)) {
    const auto encoded = encode(value_);
    nbytes_ = static_cast<std::int64_t>(encoded.size());
    keep(encoded);
}

StoredValue::StoredValue(Encoded encoded)
    : encoded_(std::move(encoded)), nbytes_(static_cast<std::int64_t>(encoded_->size())) {}

void StoredValue::keep(const Encoded& encoded) {
    encoded_.reset();
    if (encoded.size() <= kept_max) encoded_ = encoded;
}

Value StoredValue::value() {
    const std::lock_guard lock(mutex_);
    if (!value_.has_value()) {
        const auto all = whole();
        value_ = decode<Value>(all);
        aside_.clear();
        keep(all);
    }
    // Who takes the object may need it for itself, but this keeps it for others.
    if (!value_.operations().copyable) return decode<Value>(encode(value_));
    return value_;
}

Encoded StoredValue::encoded() {
    const std::lock_guard lock(mutex_);
    return encoded_ ? whole() : encode(value_);
}

void StoredValue::set_aside() {
    const std::lock_guard lock(mutex_);
    if (value_.has_value()) return;
    auto& segments = encoded_->segments;
    for (std::size_t k = 0; k < segments.size(); ++k) {
        if (segments[k].size() < static_cast<std::size_t>(aside_min)) continue;
        aside_.push_back(
            {k, segments[k].size(), detail::SpillSpace::of_process().set_aside(segments[k])});
        segments[k] = {};
    }
}

// With what was set aside.
Encoded StoredValue::whole() const {
    auto all = *encoded_;
    for (const auto& [segment, size, place] : aside_) {
        all.segments[segment] = place.file->read(place.offset, size);
    }
    return all;
}

}  // namespace satchel::cluster
