// TaskError, which holds more than a text.
#include <satchel/error.hpp>

#include <memory>
#include <string>
#include <utility>

namespace satchel {

TaskError::TaskError(const std::string& what, Details details)
    : Error(what), details_(std::make_shared<const Details>(std::move(details))) {}

const TaskError::Details& TaskError::details() const noexcept {
    static const Details nothing;
    return details_ ? *details_ : nothing;
}

}  // namespace satchel
