// Walks over the loaded modules as the dynamic linker has them.
#include "function/modules.hpp"

#include <satchel/stable_hash.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <system_error>

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

namespace satchel {
namespace detail {
namespace {

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
    std::string text;
    for (std::size_t k = 0; k < size; ++k) text += fmt::format("{:02x}", bytes[k]);
    return text;
}

// The build-id among the notes of a segment; empty if it is not there.
std::string build_id_in(const unsigned char* at, std::size_t size) {
    const auto padded = [](std::size_t n) { return (n + 3) & ~std::size_t{3}; };
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        std::memcpy(&note, at, sizeof note);
        const auto description = sizeof note + padded(note.n_namesz);
        const auto end = description + padded(note.n_descsz);
        if (end > size) break;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            std::memcmp(at + sizeof note, "GNU", 4) == 0 && note.n_descsz != 0) {
            return "build-id:" + hexadecimal(at + description, note.n_descsz);
        }
        at += end;
        size -= end;
    }
    return {};
}

// What stands for a build-id that a linker did not make: 128 bits of the file's contents.
std::string content_id(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) return {};
    std::string contents(size, '\0');
    std::ifstream file(path, std::ios::binary);
    if (!file.read(contents.data(), static_cast<std::streamsize>(contents.size()))) {
        return {};
    }
    return fmt::format("content:{:016x}{:016x}", hash_bytes(contents),
                       hash_bytes(fmt::format("{}/", contents.size()) + contents));
}

std::string program_path() {
    std::string path(4096, '\0');
    const auto length = readlink("/proc/self/exe", path.data(), path.size());
    path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return path;
}

LoadedModule describe(const dl_phdr_info& info, bool is_program) {
    LoadedModule loaded;
    loaded.base = info.dlpi_addr;
    loaded.module.path = is_program ? program_path() : info.dlpi_name;
    for (int k = 0; k < info.dlpi_phnum; ++k) {
        const auto& header = info.dlpi_phdr[k];
        const auto begin = info.dlpi_addr + header.p_vaddr;
        if (header.p_type == PT_LOAD && (header.p_flags & PF_R) != 0) {
            loaded.segments.push_back(
                {begin, begin + header.p_memsz, (header.p_flags & PF_X) != 0});
        } else if (header.p_type == PT_NOTE && loaded.module.id.empty()) {
            loaded.module.id =
                build_id_in(reinterpret_cast<const unsigned char*>(begin), header.p_memsz);
        }
    }
    if (loaded.module.id.empty()) {
        loaded.module.id = content_id(is_program ? "/proc/self/exe" : info.dlpi_name);
    }
    loaded.module.tag = hash_bytes(loaded.module.id);
    return loaded;
}

std::uint64_t generation_of(const dl_phdr_info& info) {
    return (info.dlpi_adds << 32) ^ info.dlpi_subs;
}

// How often libraries were loaded and unloaded so far.
std::uint64_t current_generation() {
    std::uint64_t generation = 0;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* out) {
            *static_cast<std::uint64_t*>(out) = generation_of(*info);
            return 1;
        },
        &generation);
    return generation;
}

std::shared_ptr<const ModuleTable> make_table() {
    auto table = std::make_shared<ModuleTable>();
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* out) {
            auto& made = *static_cast<ModuleTable*>(out);
            made.generation = generation_of(*info);
            // The kernel's own module has no file that others could have.
            if (std::strncmp(info->dlpi_name, "linux-vdso", 10) != 0) {
                made.modules.push_back(describe(*info, made.modules.empty()));
            }
            return 0;
        },
        table.get());
    return table;
}

std::mutex& remembered_mutex() {
    static std::mutex instance;
    return instance;
}
std::map<std::uint64_t, std::string>& remembered_paths() {
    static std::map<std::uint64_t, std::string> instance;
    return instance;
}

}  // namespace

bool LoadedModule::holds(std::uintptr_t address, std::size_t size, bool executable) const {
    return std::ranges::any_of(segments, [&](const Segment& segment) {
        return address >= segment.begin && address < segment.end && segment.end - address >= size &&
               (!executable || segment.executable);
    });
}

const LoadedModule* ModuleTable::find(std::uintptr_t address) const {
    const auto found = std::ranges::find_if(
        modules, [&](const LoadedModule& module) { return module.holds(address, 1, false); });
    return found == modules.end() ? nullptr : &*found;
}

const LoadedModule* ModuleTable::find_tag(std::uint64_t tag) const {
    const auto found = std::ranges::find(
        modules, tag, [](const LoadedModule& loaded) { return loaded.module.tag; });
    return found == modules.end() || found->module.id.empty() ? nullptr : &*found;
}

std::shared_ptr<const ModuleTable> module_table() {
    static std::mutex mutex;
    static std::shared_ptr<const ModuleTable> table;
    const auto generation = current_generation();
    const std::lock_guard lock(mutex);
    if (!table || table->generation != generation) table = make_table();
    return table;
}

std::string describe_missing(std::uint64_t tag) {
    const std::lock_guard lock(remembered_mutex());
    const auto found = remembered_paths().find(tag);
    if (found == remembered_paths().end()) return fmt::format("a module with the tag {:016x}", tag);
    return fmt::format("'{}'", found->second);
}

}  // namespace detail

std::vector<Module> loaded_modules() {
    std::vector<Module> modules;
    for (const auto& loaded : detail::module_table()->modules) modules.push_back(loaded.module);
    return modules;
}

void remember_modules(std::span<const Module> modules) {
    const std::lock_guard lock(detail::remembered_mutex());
    for (const auto& module : modules) detail::remembered_paths()[module.tag] = module.path;
}

}  // namespace satchel
