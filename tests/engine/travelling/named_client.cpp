// Runs bags of named tasks in processes of another program, argv[1]; in argv[2], the tasks are
// missing.
#include <satchel/bag.hpp>

#include "engine/child_executor.hpp"
#include "engine/travelling/named.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

int wrong = 0;

void check(const char* what, bool right) {
    if (right) return;
    ++wrong;
    std::printf("wrong: %s\n", what);
}

template <class F>
bool fails_with(F&& f, const char* text) {
    try {
        f();
    } catch (const std::exception& error) {
        return std::string(error.what()).find(text) != std::string::npos;
    }
    return false;
}

}  // namespace

int main(int, char** argv) {
    const satchel::testing::ChildExecutor generic(argv[1], {});
    const satchel::testing::ChildExecutor lacking(argv[2], {});
    const auto numbers = satchel::range(10, 3).map(Twice{});
    check("map",
          numbers.compute(generic) == std::vector<std::int64_t>{0, 2, 4, 6, 8, 10, 12, 14, 16, 18});
    check("count", numbers.count().compute(generic) == 10);
    check("map and map", numbers.map(Twice{}).compute(generic).back() == 36);
    const auto texts = satchel::from_sequence({"a", "bcd", "ef"}).filter(LongerThan{1});
    check("filter", texts.compute(generic) == std::vector<std::string>{"bcd", "ef"});
    const auto all = satchel::from_sequence({"a", "bcd", "ef"});
    check("filter by views", all.filter(ShorterThan{3}).count().compute(generic) == 2);
    check("map of views",
          all.map(ShorterThan{3}).compute(generic) == std::vector<bool>{true, false, true});
    check("call with a text", satchel::delayed(ShorterThan{3})("ab").compute(generic));
    check("call", satchel::delayed(Twice{})(std::int64_t{4}).compute(generic) == 8);
    check("call of a call",
          satchel::delayed(Twice{})(satchel::delayed(Twice{})(std::int64_t{4})).compute(generic) ==
              16);
    check("without a name",
          fails_with([&] { (void)numbers.map([](std::int64_t x) { return x; }).compute(generic); },
                     "run the same build of the program"));
    check("dropped by the linker", fails_with([&] { (void)numbers.compute(lacking); },
                                              "needs what is named 'test/twice/map'"));
    std::printf("%d wrong\n", wrong);
    return wrong == 0 ? 0 : 1;
}
