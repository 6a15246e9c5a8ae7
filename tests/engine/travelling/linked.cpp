// Functions of a shared library that the program is linked to.
#include "engine/travelling/linked.hpp"

#include "engine/travelling/cases.hpp"

int linked_twice(int x) { return 2 * x; }

std::vector<Case> cases_of_linked() {
    std::vector<Case> cases;
    cases.push_back(make_case(
        "lambda of a shared library", [](int x) { return x + 4; }, 25));
    cases.push_back(inline_case());
    cases.push_back(template_case<22>());
    return cases;
}
