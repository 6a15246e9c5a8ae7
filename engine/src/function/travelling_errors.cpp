// A map under a mutex: few types, asked for only where something has failed.
#include "function/travelling_errors.hpp"

#include <satchel/detail/code.hpp>
#include <satchel/travelling_error.hpp>

#include <map>
#include <mutex>

namespace satchel::detail {
namespace {

struct Registered {
    const std::type_info* type;
    ErrorFromText make;
};

class Registry {
  public:
    void add(const std::type_info& type, ErrorFromText make) {
        const std::lock_guard lock(mutex_);
        errors_.emplace(readable_name(type), Registered{&type, make});
    }
    // Nothing is ever taken out, so what is found stays.
    const Registered* find(const std::string& name) {
        const std::lock_guard lock(mutex_);
        const auto found = errors_.find(name);
        return found == errors_.end() ? nullptr : &found->second;
    }

  private:
    std::mutex mutex_;
    std::map<std::string, Registered> errors_;
};

// Made by the first to register, who may do so before main(); left behind, because tasks may still
// run when static objects are destroyed.
Registry& registry() {
    static auto* const instance = new Registry();
    return *instance;
}

}  // namespace

void add_travelling_error(const std::type_info& type, ErrorFromText make) {
    registry().add(type, make);
}

bool is_travelling_error(const std::type_info& type) {
    const auto* found = registry().find(readable_name(type));
    return found != nullptr && *found->type == type;
}

std::exception_ptr make_travelling_error(const std::string& name, const std::string& text) {
    const auto* found = registry().find(name);
    return found == nullptr ? nullptr : found->make(text);
}

}  // namespace satchel::detail
