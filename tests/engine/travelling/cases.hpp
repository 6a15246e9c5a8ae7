// Functions that are sent to another process, and what they must give there. Each comes from a
// place where naming functions once went wrong.
#pragma once

#include <satchel/function.hpp>

#include <string>
#include <utility>
#include <vector>

struct Case {
    std::string name;
    satchel::Function function;
    int expected;  // for 21
};

template <class F>
struct CallWithInt {
    F function;
    satchel::Value operator()(satchel::Arguments& arguments) const {
        return satchel::Value::of(function(arguments.get<int>(0)));
    }
};

template <class F>
Case make_case(std::string name, F function, int expected) {
    return {std::move(name), satchel::Function(CallWithInt<F>{std::move(function)}), expected};
}

// One lambda in every file that includes this; each may send it.
inline Case inline_case() {
    return make_case(
        "lambda in an inline function", [](int x) { return x + 1000; }, 1021);
}
template <int N>
Case template_case() {
    return make_case(
        "lambda in a template", [](int x) { return x + N; }, 21 + N);
}

std::vector<Case> cases_of_one();
std::vector<Case> cases_of_two();
std::vector<Case> cases_of_linked();              // of a shared library
extern "C" std::vector<Case>* cases_of_loaded();  // of a library that dlopen() loads
