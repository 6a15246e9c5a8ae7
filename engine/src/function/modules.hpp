// The table of this process's modules: addresses to places in modules, and back.
#pragma once

#include <satchel/module.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace satchel::detail {

/// A module in memory.
struct LoadedModule {
    struct Segment {
        std::uintptr_t begin;
        std::uintptr_t end;
        bool executable;
    };
    Module module;
    std::uintptr_t base = 0;
    std::vector<Segment> segments;  // the readable ones

    /// Whether `size` bytes at `address` lie in one segment.
    [[nodiscard]] bool holds(std::uintptr_t address, std::size_t size, bool executable) const;
};

/// A state of the table, which changes only when a library is loaded or unloaded.
struct ModuleTable {
    std::uint64_t generation = 0;
    std::vector<LoadedModule> modules;

    [[nodiscard]] const LoadedModule* find(std::uintptr_t address) const;
    [[nodiscard]] const LoadedModule* find_tag(std::uint64_t tag) const;
};

/// The table as it is now.
[[nodiscard]] std::shared_ptr<const ModuleTable> module_table();

/// What is known of a module that is not here: its path in another process, or its tag.
[[nodiscard]] std::string describe_missing(std::uint64_t tag);

}  // namespace satchel::detail
