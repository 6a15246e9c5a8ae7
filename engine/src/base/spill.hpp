// SpillSpace: where data waits that is needed later: in memory as long as there is room, else in
// temporary files.
//
// The files have no names, so nothing is left of them however the process ends; the system frees
// their room when the last data in them is given up. They lie in TMPDIR, or in /var/tmp, because
// /tmp is often memory itself.
//
// Thread-safe.
#pragma once

#include <satchel/bytes.hpp>

#include "base/file_descriptor.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace satchel::detail {

/// A temporary file that is written once, from front to back, and read anywhere.
class SpillFile {
  public:
    /// Throws FileError if there cannot be one in `folder`.
    explicit SpillFile(std::string folder);

    /// Throw FileError.
    void write(std::uint64_t offset, const Bytes& data) const;
    [[nodiscard]] Bytes read(std::uint64_t offset, std::uint64_t size) const;

  private:
    std::string folder_;
    FileDescriptor file_;
};

class SpillSpace {
  public:
    /// The one that all of this process shares: SATCHEL_SHUFFLE__MEMORY bytes of memory, or
    /// default_memory.
    [[nodiscard]] static SpillSpace& of_process();
    /// Small enough that a program which sets far more aside stays within half a gigabyte, and
    /// large enough that most never see a file.
    static constexpr std::int64_t default_memory = std::int64_t{128} << 20;

    explicit SpillSpace(std::int64_t memory_max) : memory_max_(memory_max) {}

    /// Data that was put here: `bytes`, or if `file` is set, what it has from `offset` on.
    struct Place {
        Bytes bytes = {};
        std::shared_ptr<const SpillFile> file = {};
        std::uint64_t offset = 0;
    };
    /// REQUIRES: this lives as long as what was put here. Throws FileError if a file is needed and
    /// cannot be written.
    [[nodiscard]] Place put(Bytes data);
    /// The same, with nothing left in memory.
    [[nodiscard]] Place set_aside(const Bytes& data);

    /// Leaves this process, which may use so many bytes of memory, most of them for other things;
    /// unless SATCHEL_SHUFFLE__MEMORY says what it may have here.
    static void fit_into(std::int64_t process_bytes);

    /// Changes how many bytes may be in memory; what is there stays there.
    void set_memory_max(std::int64_t bytes) noexcept { memory_max_ = bytes; }
    /// How many are.
    [[nodiscard]] std::int64_t memory_used() const noexcept { return memory_used_; }

  private:
    // Gives its room back.
    struct Held;

    [[nodiscard]] bool reserve(std::int64_t bytes) noexcept;
    [[nodiscard]] std::shared_ptr<const SpillFile> file_for(std::uint64_t size,
                                                            std::uint64_t& offset);

    std::atomic<std::int64_t> memory_max_;
    std::atomic<std::int64_t> memory_used_{0};
    std::mutex mutex_;
    std::weak_ptr<const SpillFile> file_;  // that is being filled …
    std::uint64_t file_end_ = 0;           // … up to here
};

}  // namespace satchel::detail
