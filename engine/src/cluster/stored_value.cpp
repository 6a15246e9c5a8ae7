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
        value_ = decode<Value>(*encoded_);
        keep(Encoded(*encoded_));
    }
    // Who takes the object may need it for itself, but this keeps it for others.
    if (!value_.operations().copyable) return decode<Value>(encode(value_));
    return value_;
}

Encoded StoredValue::encoded() {
    const std::lock_guard lock(mutex_);
    return encoded_ ? *encoded_ : encode(value_);
}

}  // namespace satchel::cluster
