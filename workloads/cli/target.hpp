// Where a result goes: a file that appears when it is complete, or the standard output, or a pipe
// or a device that --output names, as /dev/null.
#pragma once

#include <satchel/tasks/file.hpp>

#include "compressor_options.hpp"
#include "run_files.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <unistd.h>

namespace satchel::cli {

class Target {
  public:
    /// Opens the place for what is made of `file`. Throws Refusal if there is something already
    /// that may not be replaced, if it is the source itself or one of the run's `files`, or a
    /// terminal that would get compressed data. The source and `files` must outlive it.
    Target(const std::string& file, const InputFile& source, const CompressorOptions& options,
           RunFiles& files);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    void write(std::span<const std::byte> data);

    /// The result is complete: makes it durable.
    void commit();

  private:
    std::string name_;
    const InputFile& source_;
    RunFiles& files_;
    std::optional<OutputFile> file_;  ///< empty: written to a descriptor as it comes
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> special_{nullptr, std::fclose};
    int descriptor_ = STDOUT_FILENO;
    std::int64_t size_ = 0;
};

}  // namespace satchel::cli
