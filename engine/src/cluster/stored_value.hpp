// StoredValue: a result as a worker keeps it: as an object, as bytes for others, or both.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/value.hpp>

#include "base/spill.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace satchel::cluster {

/// Bytes may also be in a file. Thread-safe. What converts one form to the other runs user code, so
/// it is not to be done in the thread of a loop.
class StoredValue {
  public:
    /// A result. Throws TravelError if it cannot be sent to others.
    explicit StoredValue(Value value);
    /// What came from another worker.
    explicit StoredValue(Encoded encoded);

    /// Less is not worth a write and a read.
    static constexpr std::int64_t aside_min = std::int64_t{16} << 10;

    [[nodiscard]] std::int64_t nbytes() const noexcept { return nbytes_; }
    /// Puts the large parts of what came from another worker, and nobody has looked at yet, into a
    /// temporary file. Throws FileError, and has lost nothing then.
    void set_aside();
    /// Throws ArchiveError, ModuleMissing, and what the type's own serialize does.
    [[nodiscard]] Value value();
    [[nodiscard]] Encoded encoded();

  private:
    // A segment that is in a file.
    struct Aside {
        std::size_t segment;
        std::size_t size;
        detail::SpillSpace::Place place;
    };

    void keep(const Encoded& encoded);
    [[nodiscard]] Encoded whole() const;

    std::mutex mutex_;
    Value value_;
    std::optional<Encoded> encoded_;
    std::vector<Aside> aside_;  // of encoded_
    std::int64_t nbytes_ = 0;
};

}  // namespace satchel::cluster
