// What a fuzz target consists of: a function that takes any bytes, and inputs to begin with.
// replay.cpp runs it without libFuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace satchel::fuzz {

/// Inputs that get far into what is tested; others are made by changing these.
std::vector<std::string> seeds();

}  // namespace satchel::fuzz
