// What the tests of text share: texts, what Python makes of them, and all executors.
#pragma once

#include <satchel/bag.hpp>
#include <satchel/executor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace satchel::testing {

/// `text` split by Python, each part with its delimiter.
[[nodiscard]] std::vector<std::string> split_by_python(const std::string& text,
                                                       const std::string& delimiter);

/// About `size` bytes of lines: short and long ones, empty ones, with \n and \r\n, the last one
/// without. Equal seeds, equal texts.
[[nodiscard]] std::string some_lines(std::size_t size, std::uint64_t seed = 1);

/// Every element of a bag, by one thread and by several, which give the same.
template <class T>
std::vector<T> on_threads_too(const Bag<T>& bag) {
    auto one = bag.compute(SynchronousExecutor{});
    if (one != bag.compute(ThreadPoolExecutor(3))) throw Error("threads give something else");
    return one;
}

/// The text of the exception that `f` throws.
[[nodiscard]] std::string error_of(const std::function<void()>& f);

}  // namespace satchel::testing
