/// Modules: the program and its shared libraries, as other processes know them.
///
///     for (const auto& module : satchel::loaded_modules()) fmt::print("{}\n", module.path);
///
/// A function or a type is named in another process by the module that it lies in, and its place
/// there. A module is known by its build-id, which the linker makes from its contents; one without
/// a build-id, by a hash of its file.
///
/// Thread safety: everything here may be used from any thread.
#pragma once

#include <satchel/error.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace satchel {

/// An executable or a shared library.
struct Module {
    std::string id;         ///< "build-id:" or "content:", and hexadecimal digits
    std::string path;       ///< where this process has it from
    std::uint64_t tag = 0;  ///< a hash of `id`, by which it is named where bytes count

    friend bool operator==(const Module&, const Module&) = default;
};

/// A function or a type is needed whose module, or name, this process does not have.
class ModuleMissing : public Error {
  public:
    using Error::Error;
};

/// The modules of this process, the program first.
[[nodiscard]] std::vector<Module> loaded_modules();

/// Remembers what modules another process has, so that an error can say which one is missing here.
void remember_modules(std::span<const Module> modules);

}  // namespace satchel
