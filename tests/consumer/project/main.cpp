// A program outside of the project. It needs both libraries, and what they are linked to: threads,
// fmt and the codec libraries.
#include <satchel/satchel.hpp>

#include <string>
#include <vector>

int main() {
    const std::vector<std::string> texts{"one", "two", "three"};
    const auto sizes = satchel::from_sequence(texts, {.npartitions = 2})
                           .map([](const std::string& text) {
                               const auto bytes = satchel::Bytes::copy_of(text);
                               return satchel::decompress(satchel::compress(bytes, "xz")).size();
                           })
                           .compute();
    return sizes == std::vector<std::size_t>{3, 3, 5} ? 0 : 1;
}
