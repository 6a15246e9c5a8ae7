// The list of default executors. It keeps none of them alive.
#include "graph/default_executors.hpp"

#include <mutex>
#include <vector>

namespace satchel::detail {
namespace {

struct DefaultExecutors {
    std::mutex mutex;
    std::vector<std::weak_ptr<const Executor>> newest_last;
};

DefaultExecutors& default_executors() {
    static DefaultExecutors instance;
    return instance;
}

}  // namespace

void add_default_executor(const std::shared_ptr<const Executor>& executor) {
    auto& list = default_executors();
    const std::lock_guard lock(list.mutex);
    list.newest_last.push_back(executor);
}

void remove_default_executor(const Executor& executor) {
    std::vector<std::shared_ptr<const Executor>> held;  // to be given up without the lock
    auto& list = default_executors();
    const std::lock_guard lock(list.mutex);
    std::erase_if(list.newest_last, [&](const auto& one) {
        held.push_back(one.lock());
        return !held.back() || held.back().get() == &executor;
    });
}

std::shared_ptr<const Executor> newest_default_executor() {
    auto& list = default_executors();
    const std::lock_guard lock(list.mutex);
    while (!list.newest_last.empty()) {
        if (auto newest = list.newest_last.back().lock()) return newest;
        list.newest_last.pop_back();
    }
    return nullptr;
}

}  // namespace satchel::detail
