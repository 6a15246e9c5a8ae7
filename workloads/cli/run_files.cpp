// Comparing what would be replaced with the files of the run.
#include "run_files.hpp"

#include "file_list.hpp"
#include "source.hpp"

namespace satchel::cli {

std::optional<std::string> RunFiles::next() {
    if (begun_ == inputs_.size()) return std::nullopt;
    return existing_name(inputs_[begun_++], options_);
}

RunFiles::Version RunFiles::version_of(const FileStatus& status) {
    return {.file = {status.device, status.inode},
            .size = status.size,
            .modified_ns = status.modified_ns};
}

void RunFiles::add_result(const std::string& name, const FileStatus& source) {
    const auto result = status_if_exists(name, Symlinks::examine);
    if (!result) return;
    results_.insert_or_assign({result->device, result->inode}, version_of(source));
}

void RunFiles::refuse_to_replace(const std::string& name, const FileStatus& source) {
    const auto there = status_if_exists(name, Symlinks::examine);
    if (!there) return;
    const Identity file(there->device, there->inode);
    const auto result = results_.find(file);
    // What a pipe gave does not come again.
    const bool is_same = result != results_.end() && source.type == FileType::regular &&
                         result->second == version_of(source);
    if (result != results_.end() && !is_same) {
        throw Refusal(name +
                      " is the result of another file of this run and is not replaced; do this one "
                      "by itself, with --output");
    }
    const auto use = last_use(file);
    if (use && *use >= begun_) {
        throw Refusal(name + " is still to be read in this run and is not replaced; name it first");
    }
}

bool RunFiles::may_be_removed(const std::string& name) {
    const auto there = status_if_exists(name, Symlinks::examine);
    if (!there) return false;
    const Identity file(there->device, there->inode);
    return !results_.contains(file) && !last_use(file);
}

// Most runs replace nothing, so that the inputs are looked at only when they have to be.
std::optional<std::size_t> RunFiles::last_use(const Identity& file) {
    for (std::size_t k = 0; k < inputs_.size() && !inputs_are_known_; ++k) {
        const auto name = existing_name(inputs_[k], options_);
        // A link is lost by its own name, and what it leads to by the other one.
        for (const auto symlinks : {Symlinks::examine, Symlinks::follow}) {
            try {
                const auto input = file_status(name, symlinks);
                last_use_[{input.device, input.inode}] = k;
            } catch (const FileError&) {
                continue;  // the standard input; or what cannot be read, as will be said in time
            }
        }
    }
    inputs_are_known_ = true;
    const auto use = last_use_.find(file);
    return use == last_use_.end() ? std::nullopt : std::optional(use->second);
}

}  // namespace satchel::cli
