// How values and functions are written: the place of their type's descriptor, then the object.
#include <satchel/function.hpp>
#include <satchel/value.hpp>

#include <fmt/format.h>

namespace satchel {
namespace detail {

void save_state(OutputArchive& archive, const Value& value) {
    const auto& operations = value.operations();
    if (operations.save == nullptr) {
        throw TravelError(fmt::format("this cannot be sent to another process: {} (its type is {})",
                                      problem_text(operations.problem),
                                      readable_name(*operations.type)));
    }
    operations.save(archive, value);
}

}  // namespace detail

void Value::serialize(OutputArchive& archive, unsigned) const {
    archive& has_value();
    if (!has_value()) return;
    detail::save_code(archive, *type_);
    detail::save_state(archive, *this);
}

void Value::serialize(InputArchive& archive, unsigned) {
    reset();
    if (!detail::load<bool>(archive)) return;
    const auto& code = detail::load_code(archive, detail::CodeKind::type);
    const auto& operations = static_cast<const detail::TypeOperations&>(code);
    if (operations.load == nullptr) archive.refuse("a value is of a type that does not travel");
    *this = operations.load(archive);
}

Function Function::narrowed(std::uint32_t index) const {
    auto one = *this;
    if (code_ != nullptr && code_->narrow != nullptr) one.state_ = code_->narrow(state_, index);
    return one;
}

void Function::serialize(OutputArchive& archive, unsigned) const {
    if (code_ == nullptr) throw InvalidArgument("writing a Function: it is empty");
    detail::save_code(archive, *code_);
    detail::save_state(archive, state_);
}

void Function::serialize(InputArchive& archive, unsigned) {
    const auto& found = detail::load_code(archive, detail::CodeKind::function);
    const auto& code = static_cast<const detail::FunctionCode&>(found);
    if (code.state->load == nullptr) archive.refuse("a function is of a type that does not travel");
    state_ = code.state->load(archive);
    code_ = &code;
    call_ = code.call;
}

}  // namespace satchel
