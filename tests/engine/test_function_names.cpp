// What functions are called: of readable names, and of addresses.
#include "function/function_names.hpp"

#include <exception>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using satchel::detail::bare_name;
using satchel::detail::function_name;

namespace {

int increased(int x) { return x + 1; }
int lambda_max(int x) { return x; }

template <class T>
T doubled(const std::vector<T>& list) {
    return list.front() * 2;
}

template <class T>
decltype(auto) itself(T x) {
    return x;
}

template <class F>
std::string name_of(F* function) {
    return function_name(reinterpret_cast<const void*>(function));
}

}  // namespace

namespace names {
std::string as_text(int x) { return std::to_string(x); }
bool operator<(const std::vector<int>&, const std::string&) { return true; }
}  // namespace names

extern "C" int d(int x) { return x; }

TEST_CASE("the bare name of a function or type") {
    CHECK(bare_name("inc") == "inc");
    CHECK(bare_name("inc(int)") == "inc");
    CHECK(bare_name("(anonymous namespace)::inc(std::vector<int> const&)") == "inc");
    CHECK(bare_name("int my::inc<my::A<int>>(std::string, int (*)(int))") == "inc");
    CHECK(bare_name("my::Box<std::pair<int, long>>::inc(int) const") == "inc");
    CHECK(bare_name("std::vector<int> my::(anonymous namespace)::inc<3>(int)") == "inc");
    CHECK(bare_name("inc[abi:cxx11](int)") == "inc");
    CHECK(bare_name("decltype(auto) inc<int>(int)") == "inc");
    CHECK(bare_name("decltype ({parm#1}+{parm#2}) inc<int, int>(int, int)") == "inc");
    CHECK(bare_name("my::Scale<3>") == "Scale");
    CHECK(bare_name("run(int)::Scale") == "Scale");
    CHECK(bare_name("(anonymous namespace)::hidden(long)::Scale") == "Scale");
    CHECK(bare_name("My::run(int) const::Scale::inc(int)") == "inc");
    CHECK(bare_name("inc(int))>") == "inc");
    CHECK(bare_name("my::inc>") == "inc");
}

TEST_CASE("the bare name of a lambda, of an operator, and of what is none") {
    CHECK(bare_name("main::{lambda(int)#1}") == "lambda");
    CHECK(bare_name("{lambda(int)#1}{}>") == "lambda");
    CHECK(bare_name("main::{lambda(int)#1}::_FUN(int)") == "lambda");
    CHECK(bare_name("main::$_0::__invoke(int)") == "lambda");
    CHECK(bare_name("lambda_max(int)") == "lambda_max");
    CHECK(bare_name("int twice<main::{lambda(int)#1}>(main::{lambda(int)#1})") == "twice");
    CHECK(bare_name("my::operator<(my::A const&, my::A const&)") == "operator<");
    CHECK(bare_name("std::ostream& my::operator<<(std::ostream&, int)") == "operator<<");
    CHECK(bare_name("my::A::operator()(int) const") == "operator()");
    CHECK(bare_name("operators(int)") == "operators");
    CHECK(bare_name("int (*pick<int>(int))(double)").empty());
    CHECK(bare_name("int (my::A::*)(int)").empty());
    CHECK(bare_name("").empty());
    CHECK(bare_name("::") == "");
    CHECK(bare_name(">>((").empty());
}

TEST_CASE("the name of the function at an address") {
    CHECK(name_of(&increased) == "increased");
    CHECK(name_of(&lambda_max) == "lambda_max");
    CHECK(name_of(&doubled<int>) == "doubled");
    CHECK(name_of(&itself<int>) == "itself");
    CHECK(name_of(&names::as_text) == "as_text");
    CHECK(name_of(&names::operator<) == "operator<");
    CHECK(name_of(&d) == "d");
    CHECK(name_of(+[](int x) { return x; }) == "lambda");
    CHECK(function_name(nullptr).empty());
    const std::string no_function = "where no code is, and in no module";
    CHECK(function_name(no_function.data()).empty());
    CHECK(name_of(&std::terminate) == "terminate");  // of another module
}
