// Names of functions, from readable ones and from the symbols in the files of modules.
#include "function/function_names.hpp"

#include <satchel/detail/code.hpp>

#include "function/modules.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <elf.h>
#include <link.h>

namespace satchel::detail {
namespace {

constexpr std::string_view lambda = "lambda";

bool is_lambda(std::string_view component) {
    return component.starts_with("{lambda") || component.starts_with("'lambda") ||
           component.starts_with("$_");
}

/// Goes through a readable name, part by part between "::", and knows the last one.
class NameReader {
  public:
    explicit NameReader(std::string_view text) : text_(text) {}

    [[nodiscard]] std::string_view last() {
        for (; at_ < text_.size(); ++at_) {
            if (!step()) break;
        }
        const auto part = text_.substr(begin_, end_ - begin_);
        const bool is_code_of_lambda = part == "_FUN" || part == "__invoke";
        if (is_lambda(part) || (was_lambda_ && is_code_of_lambda)) return lambda;
        return part.starts_with('(') ? std::string_view() : part;
    }

  private:
    // False where the rest belongs to somebody else.
    bool step() {
        const auto rest = text_.substr(at_);
        const char c = rest.front();
        const bool opens = std::string_view("<([{").find(c) != std::string_view::npos;
        const bool closes = std::string_view(">)]}").find(c) != std::string_view::npos;
        if (depth_ > 0) {
            depth_ += opens ? 1 : 0;
            depth_ -= closes ? 1 : 0;
        } else if (closes) {
            end_ = std::min(end_, at_);
            return false;
        } else if (rest.starts_with("::")) {
            was_lambda_ = is_lambda(text_.substr(begin_));
            begin_part(2);
        } else if (c == ' ' && !has_parameters_) {
            begin_part(1);  // what was before is the type of the result
        } else if (opens) {
            open(c);
        } else if (at_ == begin_ && rest.starts_with("operator")) {
            skip_operator();
        }
        return true;
    }

    void begin_part(std::size_t separator) {
        begin_ = at_ + separator;
        at_ = begin_ - 1;
        end_ = std::string_view::npos;
        has_parameters_ = false;
    }

    void open(char c) {
        ++depth_;
        const auto part = text_.substr(begin_, at_ - begin_);
        // "(anonymous namespace)" is a part itself, and the type in "decltype(…)" none of ours.
        if (c == '{' || part.empty() || part == "decltype") return;
        end_ = std::min(end_, at_);
        has_parameters_ |= c == '(';
    }

    // The name of an operator may have brackets and spaces, up to its parameters.
    void skip_operator() {
        constexpr std::string_view word = "operator";
        const auto name = text_.substr(at_ + word.size());
        if (name.empty() || name.front() == '_' ||
            std::isalnum(static_cast<unsigned char>(name.front())) != 0)
            return;
        const auto parameters = name.find('(', name.starts_with("()") ? 2 : 0);
        at_ += word.size() + std::min(parameters, name.size()) - 1;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = std::string_view::npos;
    bool has_parameters_ = false;
    bool was_lambda_ = false;  // the part before
    int depth_ = 0;            // of brackets
};

/// An ELF file of this computer's kind. What is not as it should be is not there.
class SymbolFile {
  public:
    explicit SymbolFile(const std::string& path) : file_(path, std::ios::binary) {
        const auto header = read<ElfW(Ehdr)>(0, 1);
        if (header.empty() || std::memcmp(header.front().e_ident, ELFMAG, SELFMAG) != 0 ||
            header.front().e_shentsize != sizeof(ElfW(Shdr))) {
            return;
        }
        sections_ = read<ElfW(Shdr)>(header.front().e_shoff, header.front().e_shnum);
    }

    /// The symbol of the function that begins at `offset` in the module; or empty.
    [[nodiscard]] std::string function_at(std::uintptr_t offset) {
        // All functions, or at least those that other modules see.
        for (const auto kind : {SHT_SYMTAB, SHT_DYNSYM}) {
            for (const auto& section : sections_) {
                if (section.sh_type != static_cast<unsigned>(kind)) continue;
                if (auto name = function_in(section, offset); !name.empty()) return name;
            }
        }
        return {};
    }

  private:
    using Section = ElfW(Shdr);
    using Symbol = ElfW(Sym);

    // One of another module may be called through a place in this one, and have that as its value.
    [[nodiscard]] std::string function_in(const Section& symbols, std::uintptr_t offset) {
        if (symbols.sh_link >= sections_.size()) return {};
        const auto all = read<Symbol>(symbols.sh_offset, symbols.sh_size / sizeof(Symbol));
        const auto found = std::ranges::find_if(all, [&](const Symbol& symbol) {
            return (symbol.st_info & 0xF) == STT_FUNC && symbol.st_value == offset;
        });
        return found == all.end() ? std::string()
                                  : text_in(sections_[symbols.sh_link], found->st_name);
    }

    // Empty if it is too long for a name that people read.
    [[nodiscard]] std::string text_in(const Section& texts, std::size_t place) {
        constexpr std::size_t longest = 4096;
        if (place >= texts.sh_size) return {};
        const auto bytes = read<char>(texts.sh_offset + place,
                                      std::min<std::size_t>(texts.sh_size - place, longest));
        const auto end = std::ranges::find(bytes, '\0');
        return end == bytes.end() ? std::string() : std::string(bytes.begin(), end);
    }

    // Empty if the file has not so many.
    template <class T>
    [[nodiscard]] std::vector<T> read(std::size_t offset, std::size_t count) {
        file_.seekg(0, std::ios::end);
        if (!file_) return {};
        const auto size = static_cast<std::size_t>(file_.tellg());
        if (offset > size || count > (size - offset) / sizeof(T)) return {};
        std::vector<T> items(count);
        file_.seekg(static_cast<std::streamoff>(offset));
        file_.read(reinterpret_cast<char*>(items.data()),
                   static_cast<std::streamsize>(count * sizeof(T)));
        return file_ ? items : std::vector<T>();
    }

    std::ifstream file_;
    std::vector<Section> sections_;
};

std::string find_name(const ModuleTable& table, std::uintptr_t address) {
    const auto* module = table.find(address);
    if (module == nullptr) return {};
    const bool is_program = module == table.modules.data();  // whose file may have been replaced
    const std::string path = is_program ? "/proc/self/exe" : module->module.path;
    if (!std::filesystem::is_regular_file(path)) return {};
    auto symbol = SymbolFile(path).function_at(address - module->base);
    if (!symbol.starts_with("_Z")) return symbol;  // of C
    const auto readable = readable_name(symbol.c_str());
    return readable == symbol ? std::string() : std::string(bare_name(readable));
}

// A name is for people: what keeps it from being found is no reason not to run.
std::string name_if_there_is_one(const ModuleTable& table, const void* function) {
    try {
        return find_name(table, reinterpret_cast<std::uintptr_t>(function));
    } catch (const std::exception&) {
        return {};
    }
}

/// The names that were looked for, as long as no module is loaded or unloaded.
class KnownNames {
  public:
    std::string of(const void* function) {
        const auto table = module_table();
        {
            const std::lock_guard lock(mutex_);
            if (generation_ != table->generation) names_.clear();
            generation_ = table->generation;
            const auto found = names_.find(function);
            if (found != names_.end()) return found->second;
        }
        auto name = name_if_there_is_one(*table, function);
        const std::lock_guard lock(mutex_);
        if (generation_ == table->generation) names_.emplace(function, name);
        return name;
    }

  private:
    std::mutex mutex_;
    std::uint64_t generation_ = 0;
    std::unordered_map<const void*, std::string> names_;
};

}  // namespace

std::string_view bare_name(std::string_view readable) { return NameReader(readable).last(); }

std::string function_name(const void* function) {
    static auto& names = *new KnownNames;  // calls may be made until the very end
    return names.of(function);
}

}  // namespace satchel::detail
