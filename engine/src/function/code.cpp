// Names for descriptors: (tag of the module, place in it, check), or a text.
#include <satchel/detail/code.hpp>
#include <satchel/stable_hash.hpp>

#include "function/modules.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

#include <cxxabi.h>
#include <fmt/format.h>

namespace satchel::detail {
namespace {

enum class How : unsigned char { by_place, by_name };

// Where something lies, as other processes know it.
struct Place {
    std::uint64_t tag;
    std::uint64_t offset;
    std::uint32_t check;  // of the type's name
};

std::uint32_t check_of(const CodeDescriptor& code) {
    return static_cast<std::uint32_t>(hash_bytes(code.type->name()));
}

Place place_of(std::uintptr_t address, const ModuleTable& table, const std::string& what) {
    const auto* module = table.find(address);
    if (module == nullptr) {
        throw ArchiveError(fmt::format(
            "sending {}: it lies in no loaded module, so no other process can have it", what));
    }
    if (module->module.id.empty()) {
        throw ArchiveError(fmt::format(
            "sending {}: its module '{}' has no build-id, and its file cannot be read to make one; "
            "link it with -Wl,--build-id",
            what, module->module.path));
    }
    return {module->module.tag, address - module->base, 0};
}

// Finding a place walks over the modules and hashes a name, so the places are kept.
class Places {
  public:
    Place of(const CodeDescriptor& code) {
        const auto table = module_table();
        const std::lock_guard lock(mutex_);
        if (generation_ != table->generation) {
            known_.clear();
            generation_ = table->generation;
        }
        const auto found = known_.find(&code);
        if (found != known_.end()) return found->second;
        auto place =
            place_of(reinterpret_cast<std::uintptr_t>(&code), *table, readable_name(*code.type));
        place.check = check_of(code);
        known_.emplace(&code, place);
        return place;
    }

  private:
    std::mutex mutex_;
    std::uint64_t generation_ = 0;
    std::unordered_map<const CodeDescriptor*, Place> known_;
};

Places& places() {
    static Places instance;
    return instance;
}

// Descriptors with names. Filled by static initialisers, so it must come before their first use.
class Names {
  public:
    void add(const CodeDescriptor& code, CodeKind kind, std::string_view name) {
        const std::lock_guard lock(mutex_);
        by_code_.emplace(&code, name);
        by_name_.emplace(std::pair(kind, std::string(name)), &code);
    }
    [[nodiscard]] std::string name(const CodeDescriptor& code) {
        const std::lock_guard lock(mutex_);
        const auto found = by_code_.find(&code);
        return found == by_code_.end() ? std::string() : found->second;
    }
    [[nodiscard]] const CodeDescriptor* find(CodeKind kind, const std::string& name) {
        const std::lock_guard lock(mutex_);
        const auto found = by_name_.find({kind, name});
        return found == by_name_.end() ? nullptr : found->second;
    }

  private:
    std::mutex mutex_;
    std::unordered_map<const CodeDescriptor*, std::string> by_code_;
    std::map<std::pair<CodeKind, std::string>, const CodeDescriptor*> by_name_;
};

Names& names() {
    static auto* instance = new Names;  // libraries may name things until the very end
    return *instance;
}

[[noreturn]] void throw_missing(std::uint64_t tag) {
    throw ModuleMissing(fmt::format(
        "a task needs {}, which this process does not have; run the same build of the program, and "
        "load the same libraries, wherever tasks run",
        describe_missing(tag)));
}

const CodeDescriptor& find_by_name(InputArchive& archive, CodeKind kind) {
    const auto name = load<std::string>(archive);
    const auto* code = names().find(kind, name);
    if (code == nullptr) {
        throw ModuleMissing(fmt::format(
            "a task needs what is named '{}', which this process does not have; start it with the "
            "library that names it, and if that is a static library, see that it is linked whole",
            name));
    }
    return *code;
}

// What lies at the place may be anything of the module's, or nothing: a sanitizer that knows what
// lies where would not have it looked at.
[[gnu::no_sanitize_address]] bool is_code(const CodeDescriptor& place, CodeKind kind) {
    return place.magic == code_magic(kind) && place.self == &place;
}

const CodeDescriptor& find_by_place(InputArchive& archive, CodeKind kind) {
    const auto tag = load<std::uint64_t>(archive);
    const auto offset = archive.load_size();
    const auto check = load<std::uint32_t>(archive);
    const auto table = module_table();
    const auto* module = table->find_tag(tag);
    if (module == nullptr) throw_missing(tag);
    const std::uintptr_t address = module->base + offset;
    if (address % alignof(CodeDescriptor) != 0 ||
        !module->holds(address, sizeof(CodeDescriptor), false)) {
        archive.refuse("the place of a function or type lies outside of its module");
    }
    const auto& code = *reinterpret_cast<const CodeDescriptor*>(address);
    if (!is_code(code, kind)) {
        archive.refuse("there is no such function or type at the place that is named");
    }
    if (check_of(code) != check) {
        archive.refuse("a function or type has another name here");
    }
    return code;
}

}  // namespace

void save_code(OutputArchive& archive, const CodeDescriptor& code) {
    const auto name = names().name(code);
    if (!name.empty()) {
        archive& static_cast<unsigned char>(How::by_name) & name;
        return;
    }
    const auto place = places().of(code);
    archive& static_cast<unsigned char>(How::by_place) & place.tag;
    archive.save_size(place.offset);
    archive& place.check;
}

const CodeDescriptor& load_code(InputArchive& archive, CodeKind kind) {
    switch (static_cast<How>(load<unsigned char>(archive))) {
        case How::by_place:
            return find_by_place(archive, kind);
        case How::by_name:
            return find_by_name(archive, kind);
        default:
            archive.refuse("a function or type is neither named nor placed");
    }
}

void name_code(const CodeDescriptor& code, CodeKind kind, std::string_view name) {
    names().add(code, kind, name);
}

bool is_named(const CodeDescriptor& code) { return !names().name(code).empty(); }

std::string readable_name(const char* mangled) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
    return status == 0 ? text.get() : mangled;
}

std::string readable_name(const std::type_info& type) { return readable_name(type.name()); }

// ---- functions by pointer -----------------------------------------------------------------------

// Null has the tag of no module.
void save_function_pointer(OutputArchive& archive, void (*function)()) {
    if (function == nullptr) {
        archive& std::uint64_t{0};
        archive.save_size(0);
        return;
    }
    const auto table = module_table();
    const auto place =
        place_of(reinterpret_cast<std::uintptr_t>(function), *table, "a pointer to a function");
    archive& place.tag;
    archive.save_size(place.offset);
}

void (*load_function_pointer(InputArchive& archive))() {
    const auto tag = load<std::uint64_t>(archive);
    const auto offset = archive.load_size();
    if (tag == 0) return nullptr;
    const auto table = module_table();
    const auto* module = table->find_tag(tag);
    if (module == nullptr) throw_missing(tag);
    const std::uintptr_t address = module->base + offset;
    if (!module->holds(address, 1, true)) {
        archive.refuse("a pointer to a function does not point into code");
    }
    return reinterpret_cast<void (*)()>(address);
}

}  // namespace satchel::detail
