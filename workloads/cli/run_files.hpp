// What a run has made, and what it has still to read: --force agrees to lose neither, but only what
// was there before.
#pragma once

#include "compressor_options.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
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

    /// The file of that name is a result.
    void add_result(const std::string& name);

    /// Throws Refusal if what has that name is a result, or an input that is not read yet.
    void refuse_to_replace(const std::string& name);

  private:
    using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

    bool is_to_be_read(const Identity& file);

    std::vector<std::string> inputs_;
    const CompressorOptions& options_;
    std::size_t begun_ = 0;  // inputs that are read, or have been
    std::set<Identity> results_;
    std::map<Identity, std::size_t> last_use_;  // the last input that is this file
    bool inputs_are_known_ = false;
};

}  // namespace satchel::cli
