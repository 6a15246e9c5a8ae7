// The main() of a fuzz target without libFuzzer: any compiler builds it, and CTest runs it.
//
//     replay_text                     its seeds, and what comes of them by small changes
//     replay_text FILE…               the inputs in these files
//     replay_text --seeds FOLDER      writes its seeds there, for libFuzzer
//
// SATCHEL_FUZZ_SECONDS is for how long inputs are made (1), SATCHEL_FUZZ_SEED from what (1). What
// fails is in the file replay_….input of the working folder.
#include "fuzz.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace {

using satchel::fuzz::seeds;

// Enough for what the seeds are made of; with more of them, more time goes into each.
constexpr std::size_t inputs_max = 20'000;
constexpr std::size_t size_max = 20'000;

void run(std::string_view input) {
    // Exactly so many bytes, so that a sanitizer sees what reads on.
    const std::vector<std::uint8_t> data(input.begin(), input.end());
    LLVMFuzzerTestOneInput(data.data(), data.size());
}

// The input that is run, in a file, as long as it is not known to be right.
class Record {
  public:
    explicit Record(std::string path)
        : path_(std::move(path)),
          file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
        if (file_ < 0) throw std::runtime_error("cannot create " + path_);
    }
    ~Record() {
        ::close(file_);
        std::filesystem::remove(path_);
    }
    Record(const Record&) = delete;
    Record& operator=(const Record&) = delete;

    void run(const std::string& input) const {
        if (::ftruncate(file_, 0) != 0 ||
            ::pwrite(file_, input.data(), input.size(), 0) != static_cast<ssize_t>(input.size())) {
            throw std::runtime_error("cannot write " + path_);
        }
        ::run(input);
    }

  private:
    std::string path_;
    int file_;
};

class Mutator {
  public:
    Mutator(std::vector<std::string> seeds, std::uint64_t seed)
        : seeds_(std::move(seeds)), random_(seed) {}

    std::string next() {
        std::string input = any();
        for (auto changes = below(4) + 1; changes > 0; --changes) change(input);
        input.resize(std::min(input.size(), size_max));
        return input;
    }

  private:
    std::size_t below(std::size_t limit) { return random_() % limit; }
    const std::string& any() { return seeds_[below(seeds_.size())]; }

    void change(std::string& input) {
        if (input.empty()) input += '\0';
        // Headers, which are at the beginning, decide most.
        const auto reach = below(2) == 0 ? std::min<std::size_t>(input.size(), 40) : input.size();
        const auto at = below(reach);
        const auto count = std::min(below(16) + 1, input.size() - at);
        switch (below(7)) {
            case 0:
                input[at] ^= static_cast<char>(1U << below(8));
                break;
            case 1:
                input[at] = static_cast<char>(random_());
                break;
            case 2:
                std::fill_n(input.begin() + static_cast<std::ptrdiff_t>(at), count,
                            below(2) == 0 ? '\0' : '\xff');
                break;
            case 3:
                input.erase(at, count);
                break;
            case 4:
                input.insert(at, input.substr(at, count));
                break;
            case 5:
                input.resize(at);
                break;
            default: {
                const auto& other = any();
                input.resize(at);
                input += other.substr(std::min(at, other.size()));
            }
        }
    }

    std::vector<std::string> seeds_;
    std::mt19937_64 random_;
};

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
    const auto* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void run_seeds_and_more(const std::string& program) {
    const Record record(program + ".input");
    const auto all = seeds();
    for (const auto& seed : all) record.run(seed);
    Mutator mutator(all, number_in("SATCHEL_FUZZ_SEED", 1));
    const auto seconds = number_in("SATCHEL_FUZZ_SECONDS", 1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    std::size_t count = 0;
    for (; count < inputs_max * seconds && std::chrono::steady_clock::now() < end; ++count) {
        record.run(mutator.next());
    }
    fmt::print("{} seeds and {} other inputs\n", all.size(), count);
}

void write_seeds(const std::filesystem::path& folder) {
    std::size_t count = 0;
    for (const auto& seed : seeds()) {
        std::ofstream(folder / fmt::format("seed{}", count++), std::ios::binary) << seed;
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        if (arguments.empty()) {
            run_seeds_and_more(std::filesystem::path(argv[0]).filename());
        } else if (arguments.size() == 2 && arguments[0] == "--seeds") {
            write_seeds(arguments[1]);
        } else {
            for (const auto& path : arguments) {
                std::ifstream file(path, std::ios::binary);
                run(std::string(std::istreambuf_iterator<char>(file), {}));
            }
        }
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
    return 0;
}
