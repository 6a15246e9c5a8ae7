// Functions with the same names as those of the other file, and other bodies.
#include "engine/travelling/cases.hpp"

namespace {
auto hidden() {
    return [](int x) { return x * 10; };
}
}  // namespace

static auto of_static_function() {
    return [](int x) { return x * 20; };
}

static const auto at_scope = [](int x) { return x - 30; };

namespace {
struct Add {
    int operator()(int x) const { return x + 70; }
};
struct Offset {
    int k;
    int operator()(int x) const { return x + k; }
};
int function(int x) { return x * 10; }
}  // namespace

std::vector<Case> cases_of_two() {
    constexpr int constant = 5;
    std::vector<Case> cases;
    cases.push_back(make_case("two: lambda in an anonymous namespace", hidden(), 210));
    cases.push_back(make_case("two: lambda of a static function", of_static_function(), 420));
    cases.push_back(make_case("two: lambda at namespace scope", at_scope, -9));
    cases.push_back(make_case("two: object of an anonymous namespace", Add{}, 91));
    cases.push_back(make_case("two: object with state", Offset{210}, 21 + 210));
    cases.push_back(make_case("two: function by pointer", &function, 210));
    cases.push_back(make_case(
        "two: [=] that captures nothing", [=](int x) { return x * constant; }, 105));
    cases.push_back(make_case(
        "two: generic lambda", [](auto x) { return static_cast<int>(x + 9); }, 30));
    cases.push_back(inline_case());
    cases.push_back(template_case<210>());
    return cases;
}
