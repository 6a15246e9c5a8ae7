// The tasks, and their names: an object file that nothing refers to.
#include "engine/travelling/named.hpp"

#include <satchel/task.hpp>

std::int64_t Twice::operator()(std::int64_t x) const { return 2 * x; }
bool LongerThan::operator()(const std::string& text) const { return text.size() > size; }
bool ShorterThan::operator()(std::string_view text) const { return text.size() < size; }

SATCHEL_TASK("test/twice", Twice);
SATCHEL_TASK("test/longer-than", LongerThan);
SATCHEL_TASK("test/shorter-than", ShorterThan);
