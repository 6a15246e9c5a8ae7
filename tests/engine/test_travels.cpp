// travels<T>: which types reach another process, told by the compiler.
#include <satchel/archive.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <complex>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

using satchel::travels;
using satchel::detail::problem_of;
using satchel::detail::TravelProblem;

namespace {

struct Base {
    int b = 1;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& b;
    }
};

// ---- what travels -------------------------------------------------------------------------------

static_assert(travels<int> && travels<bool> && travels<long double> && travels<std::byte>);
static_assert(travels<std::string> && travels<std::wstring> && travels<std::vector<bool>>);
static_assert(travels<std::map<std::string, std::set<int>>>);
static_assert(travels<std::unordered_map<int, std::vector<std::string>>>);
static_assert(travels<std::tuple<>> && travels<std::tuple<int, std::string>>);
static_assert(travels<std::variant<std::nullptr_t, int>> && travels<std::nullptr_t>);
static_assert(travels<std::variant<std::monostate, int>> && travels<std::optional<double>>);
static_assert(travels<std::array<std::string, 3>> && travels<std::complex<float>>);
static_assert(travels<std::chrono::system_clock::time_point> && travels<std::chrono::minutes>);
static_assert(travels<std::filesystem::path> && travels<satchel::Bytes>);
static_assert(travels<std::unique_ptr<std::string>>);
static_assert(travels<int (*)(int)> && travels<int Base::*>);
static_assert(travels<std::plus<>> && travels<std::hash<int>>);

struct Person {
    std::string name;
    int age;
};
struct Bits {
    unsigned a : 3;
    unsigned b : 5;
};
struct Constant {
    const int n;
    const std::string s;
};
struct Tree {
    int value;
    std::vector<Tree> children;
};
struct MoveOnlyTree {
    std::string name;
    std::vector<MoveOnlyTree> children;
    std::unique_ptr<MoveOnlyTree> other;
};
static_assert(travels<MoveOnlyTree>);
struct Holder {
    std::optional<int> o;
    std::variant<int, std::string> v;
    std::array<int, 3> a;
    Person p;
    Tree t;
};
struct Sixteen {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
};
static_assert(travels<Person> && travels<Bits> && travels<Constant> && travels<Tree>);
static_assert(travels<Holder> && travels<Sixteen>);
// What these compare by would be lost.
static_assert(travels<std::set<int, std::greater<>>> &&
              !travels<std::set<int, bool (*)(int, int)>>);

class Private {
    friend struct satchel::SerializationAccess;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& x_;
    }
    int x_ = 0;
};
struct Derived : Base {
    int d = 2;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& satchel::base_object<Base>(*this) & d;
    }
};
struct AddsNothing : Base {};
static_assert(travels<Base> && travels<Private> && travels<Derived> && travels<AddsNothing>);

// ---- what does not ------------------------------------------------------------------------------

struct WithArray {
    int a[3];
    int b;
};
struct WithArrayLast {
    int a;
    std::string b[2];
};
struct WithArrayBeforeClosure {
    int a[2];
    decltype([](int) {}) f;
    std::unique_ptr<int> b;
};
static_assert(!travels<WithArrayLast> && !travels<WithArrayBeforeClosure>);
struct WithReference {
    int a;
    int& b;
};
struct WithPointer {
    std::string s;
    int* p;
};
struct WithUnion {
    int a;
    union {
        int i;
        float f;
    };
};
struct Plain {
    int a;
};
struct WithBase : Plain {
    int b;
};
struct Seventeen {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};
static_assert(!travels<WithArray> && !travels<WithReference> && !travels<WithPointer>);
static_assert(!travels<WithUnion> && !travels<WithBase> && !travels<Seventeen>);

struct Forgetful : Base {
    int d = 2;
};
static_assert(problem_of<Forgetful>() == TravelProblem::inherited);

struct NeedsArgument {
    explicit NeedsArgument(int) {}
    template <class Archive>
    void serialize(Archive&, unsigned) {}
};
static_assert(problem_of<NeedsArgument>() == TravelProblem::no_default);

class Closed {
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& x_;
    }
    int x_ = 0;
};
static_assert(problem_of<Closed>() == TravelProblem::opaque);
static_assert(problem_of<std::string_view>() == TravelProblem::hidden);
static_assert(problem_of<std::span<int>>() == TravelProblem::hidden);
static_assert(problem_of<std::function<int()>>() == TravelProblem::hidden);
static_assert(problem_of<std::shared_ptr<int>>() == TravelProblem::hidden);
static_assert(problem_of<std::vector<const char*>>() == TravelProblem::pointer);
static_assert(problem_of<int (Base::*)()>() == TravelProblem::member_function);
static_assert(!travels<std::atomic<int>>);

// A container of a user's, with more in it than its elements.
struct Matrix {
    using value_type = double;
    std::vector<double> data;
    std::size_t rows;
    [[nodiscard]] auto begin() const { return data.begin(); }
    [[nodiscard]] auto end() const { return data.end(); }
    [[nodiscard]] auto size() const { return data.size(); }
    void clear() { data.clear(); }
    [[nodiscard]] auto get_allocator() const { return data.get_allocator(); }
};
static_assert(satchel::detail::form<Matrix> == satchel::detail::Form::aggregate);

}  // namespace

class Trusted {
  public:
    Trusted() = default;
    int x = 0;

  private:
    [[maybe_unused]] int y_ = 0;
};
template <>
inline constexpr bool satchel::travels<Trusted> = true;

TEST_CASE("lambdas travel if they hold nothing") {
    const int k = std::getenv("HOME") == nullptr ? 3 : 4;
    constexpr int constant = 100;
    const auto captureless = [](int x) { return x + 1; };
    const auto holds_nothing = [=](int x) { return x * constant; };
    const auto holds_k = [k](int x) { return x + k; };
    static_assert(travels<decltype(captureless)>);
    static_assert(travels<decltype(holds_nothing)>);
    static_assert(!travels<decltype(holds_k)>);
    struct Both {
        decltype(holds_nothing) function;
        int n;
    };
    const auto both = satchel::decode<Both>(satchel::encode(Both{holds_nothing, 7}));
    CHECK(both.function(2) == 200);
    CHECK(both.n == 7);
    CHECK(holds_k(1) == 1 + k);
}

TEST_CASE("what the rules misjudge can be told") {
    static_assert(travels<Trusted>);
    static_assert(travels<std::vector<Trusted>>);
    CHECK(travels<Trusted>);
}
