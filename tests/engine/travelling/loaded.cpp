// Functions of a library that is loaded while the program runs.
#include "engine/travelling/cases.hpp"

extern "C" std::vector<Case>* cases_of_loaded() {
    static std::vector<Case> cases{make_case(
        "lambda of a loaded library", [](int x) { return x + 5; }, 26)};
    return &cases;
}
