// How functions and types are named in other processes: by a constant object, the descriptor, that
// there is one of for each, and whose place in its module is the same wherever the module is
// loaded.
//
// Nothing is registered, unless it shall be found by other builds too: those descriptors have
// names.
//
// Descriptors are hidden: each module has its own, so that its place is in that module's file.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/module.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <typeinfo>

namespace satchel::detail {

/// What a descriptor describes.
enum class CodeKind : std::uint64_t { type, function, stream, sink };

/// The beginning of every descriptor. `magic` and `self` tell it from anything else, so that a
/// wrong place is an error and not a jump.
struct CodeDescriptor {
    std::uint64_t magic;
    const CodeDescriptor* self;
    const std::type_info* type;  ///< whose name is a check, and for messages
};

constexpr std::uint64_t code_magic(CodeKind kind) {
    return 0x7361'7463'6865'6c30 + static_cast<std::uint64_t>(kind);
}

/// Writes where `code` is. Throws ArchiveError if it lies in no module.
void save_code(OutputArchive& archive, const CodeDescriptor& code);

/// The descriptor that was written. Throws ModuleMissing if this process does not have it,
/// ArchiveError if there is nothing like it at that place.
[[nodiscard]] const CodeDescriptor& load_code(InputArchive& archive, CodeKind kind);

/// Gives a descriptor a name by which other builds find it, too.
void name_code(const CodeDescriptor& code, CodeKind kind, std::string_view name);

/// Whether a descriptor has a name.
[[nodiscard]] bool is_named(const CodeDescriptor& code);

/// The name of a type, or of whatever a mangled name stands for, as its author wrote it.
[[nodiscard]] std::string readable_name(const std::type_info& type);
[[nodiscard]] std::string readable_name(const char* mangled);

}  // namespace satchel::detail
