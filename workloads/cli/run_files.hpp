// What a run has made, and what it has still to read: --force agrees to lose neither, but only what
// was there before.
#pragma once

#include <satchel/tasks/file.hpp>

#include "compressor_options.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace satchel::cli {

/// Files are told apart by what they are: one may have several names, and a name several spellings.
class RunFiles {
  public:
    /// `inputs` are read in this order. The options must outlive it.
    RunFiles(std::vector<std::string> inputs, const CompressorOptions& options)
        : inputs_(std::move(inputs)), options_(options) {}

    /// The next input, which is read from here on, by its existing_name(); nothing after the last.
    [[nodiscard]] std::optional<std::string> next();

    /// The file of that name is the result of `source`.
    void add_result(const std::string& name, const FileStatus& source);

    /// Throws Refusal if what has that name is an input that is not read yet, or a result; but
    /// `source` may be named twice, and its result be made once more.
    void refuse_to_replace(const std::string& name, const FileStatus& source);

    /// Whether what has that name is neither an input nor a result.
    [[nodiscard]] bool may_be_removed(const std::string& name);

  private:
    using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

    // A file as it is before somebody writes to it.
    struct Version {
        Identity file;
        std::int64_t size = 0;
        std::int64_t modified_ns = 0;

        friend bool operator==(const Version&, const Version&) = default;
    };

    static Version version_of(const FileStatus& status);
    std::optional<std::size_t> last_use(const Identity& file);

    std::vector<std::string> inputs_;
    const CompressorOptions& options_;
    std::size_t begun_ = 0;                     // inputs that are read, or have been
    std::map<Identity, Version> results_;       // and what they were made from
    std::map<Identity, std::size_t> last_use_;  // the last input that is this file
    bool inputs_are_known_ = false;
};

}  // namespace satchel::cli
