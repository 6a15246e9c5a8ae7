// StoredValue: a result as a worker keeps it: as an object, as bytes for others, or both.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/value.hpp>

#include <cstdint>
#include <mutex>
#include <optional>

namespace satchel::cluster {

/// Thread-safe. What converts one form to the other runs user code, so it is not to be done in the
/// thread of a loop.
class StoredValue {
  public:
    /// A result. Throws TravelError if it cannot be sent to others.
    explicit StoredValue(Value value);
    /// What came from another worker.
    explicit StoredValue(Encoded encoded);

    [[nodiscard]] std::int64_t nbytes() const noexcept { return nbytes_; }
    /// Throws ArchiveError, ModuleMissing, and what the type's own serialize does.
    [[nodiscard]] Value value();
    [[nodiscard]] Encoded encoded();

  private:
    void keep(const Encoded& encoded);

    std::mutex mutex_;
    Value value_;
    std::optional<Encoded> encoded_;
    std::int64_t nbytes_ = 0;
};

}  // namespace satchel::cluster
