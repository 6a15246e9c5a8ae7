// What a run has made, and what it has still to read: --force agrees to lose neither, but only what
// was there before.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace satchel::cli {

/// Files are told apart by what they are: one may have several names, and a name several spellings.
class RunFiles {
  public:
    /// `inputs` are read in this order.
    explicit RunFiles(std::vector<std::string> inputs) : inputs_(std::move(inputs)) {}

    [[nodiscard]] const std::vector<std::string>& inputs() const noexcept { return inputs_; }

    /// From here on input number `reading` is read, and those before it have been.
    void advance_to(std::size_t reading) { reading_ = reading; }

    /// The file of that name is a result.
    void add_result(const std::string& name);

    /// Throws Refusal if what has that name is a result, or an input that is not read yet.
    void refuse_to_replace(const std::string& name);

  private:
    using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

    bool is_to_be_read(const Identity& file);

    std::vector<std::string> inputs_;
    std::size_t reading_ = 0;
    std::set<Identity> results_;
    std::map<Identity, std::size_t> last_use_;  // the last input that is this file
    bool inputs_are_known_ = false;
};

}  // namespace satchel::cli
