// Functions with the same names as those of the other file, and other bodies.
#include "engine/travelling/cases.hpp"

namespace {
auto hidden() {
    return [](int x) { return x + 1; };
}
}  // namespace

static auto of_static_function() {
    return [](int x) { return x * 2; };
}

static const auto at_scope = [](int x) { return x - 3; };

namespace {
struct Add {
    int operator()(int x) const { return x + 7; }
};
struct Offset {
    int k;
    int operator()(int x) const { return x + k; }
};
int function(int x) { return x + 1; }
}  // namespace

std::vector<Case> cases_of_one() {
    constexpr int constant = 5;
    std::vector<Case> cases;
    cases.push_back(make_case("one: lambda in an anonymous namespace", hidden(), 22));
    cases.push_back(make_case("one: lambda of a static function", of_static_function(), 42));
    cases.push_back(make_case("one: lambda at namespace scope", at_scope, 18));
    cases.push_back(make_case("one: object of an anonymous namespace", Add{}, 28));
    cases.push_back(make_case("one: object with state", Offset{22}, 21 + 22));
    cases.push_back(make_case("one: function by pointer", &function, 22));
    cases.push_back(make_case(
        "one: [=] that captures nothing", [=](int x) { return x * constant; }, 105));
    cases.push_back(make_case(
        "one: generic lambda", [](auto x) { return static_cast<int>(x + 9); }, 30));
    cases.push_back(inline_case());
    cases.push_back(template_case<22>());
    return cases;
}
