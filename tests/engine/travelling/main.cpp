// Sends functions to a process of its own program, or of another, and compares what comes back.
//
//     travelling [--worker PROGRAM] [--load LIBRARY] [--expect TEXT]
//     travelling serve [LIBRARY]
//
// With --expect, what is loaded (or, without --load, everything) must fail there with that text.
#include "engine/child_process.hpp"
#include "engine/travelling/cases.hpp"
#ifdef SATCHEL_SHARED
#include "engine/travelling/linked.hpp"

#include <dlfcn.h>
#endif

#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

using satchel::testing::ChildProcess;

std::vector<Case> cases_of_library([[maybe_unused]] const std::string& library) {
#ifdef SATCHEL_SHARED
    if (!library.empty()) {
        void* handle = dlopen(library.c_str(), RTLD_NOW);
        void* symbol = handle != nullptr ? dlsym(handle, "cases_of_loaded") : nullptr;
        if (symbol == nullptr) {
            std::fprintf(stderr, "cannot load %s: %s\n", library.c_str(), dlerror());
            _exit(2);
        }
        return *reinterpret_cast<std::vector<Case>* (*)()>(symbol)();
    }
#endif
    return {};
}

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    const auto add = [&](std::vector<Case> more) {
        for (auto& one : more) cases.push_back(std::move(one));
    };
    add(cases_of_one());
    add(cases_of_two());
#ifdef SATCHEL_SHARED
    add(cases_of_linked());
    cases.push_back(make_case("function of a shared library by pointer", &linked_twice, 42));
#endif
    return cases;
}

// What the other process answers: a number, or the text of an error.
std::string answer(const ChildProcess& child, const Case& one) {
    try {
        const auto call = satchel::encode(
            satchel::testing::RemoteCall{one.function, {satchel::Value::of(21)}, 0});
        return std::to_string(child.call(call).get<int>());
    } catch (const std::exception& error) {
        return error.what();
    }
}

int compare(const ChildProcess& child, const std::vector<Case>& cases, const std::string& expect) {
    int wrong = 0;
    for (const auto& one : cases) {
        const auto result = answer(child, one);
        const bool right = expect.empty() ? result == std::to_string(one.expected)
                                          : result.find(expect) != std::string::npos;
        if (right) continue;
        ++wrong;
        std::printf("%s: expected %s, got %s\n", one.name.c_str(),
                    expect.empty() ? std::to_string(one.expected).c_str() : expect.c_str(),
                    result.c_str());
    }
    std::printf("%zu functions, %d wrong\n", cases.size(), wrong);
    return wrong;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "serve") == 0) {
        (void)cases_of_library(argc > 2 ? argv[2] : "");
        satchel::testing::serve_calls({STDIN_FILENO, STDOUT_FILENO});
        return 0;
    }
    std::map<std::string, std::string> options{{"--worker", "/proc/self/exe"}};
    for (int k = 1; k + 1 < argc; k += 2) options[argv[k]] = argv[k + 1];
    const auto& library = options["--load"];
    const auto& expect = options["--expect"];

    std::vector<std::string> arguments{"serve"};
    if (!library.empty() && expect.empty()) arguments.push_back(library);
    const ChildProcess child(options["--worker"], arguments);
    int wrong = 0;
    if (!library.empty()) wrong += compare(child, cases_of_library(library), expect);
    wrong += compare(child, all_cases(), library.empty() ? expect : "");
    return wrong == 0 ? 0 : 1;
}
