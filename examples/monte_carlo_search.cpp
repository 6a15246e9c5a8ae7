// A random search for hyper-parameters: train many models with parameters drawn at random, keep the
// best. Trials need no order and no help from each other, so they are a bag; the data, which all of
// them need, is a delayed value that every task gets by reference.
//
// Output:
// 2000 trials, 1188 of them useless; the best:
// error 0.0914 with rate 1.312 and momentum 0.799
// error 0.0914 with rate 0.153 and momentum 0.629
// error 0.0916 with rate 0.543 and momentum 0.035
#include <satchel/bag.hpp>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <fmt/core.h>

namespace {

struct Sample {
    double x, y;
};
struct Data {
    std::vector<Sample> training, validation;
};

struct Trial {
    double rate = 0;      // of learning
    double momentum = 0;  // how much of the last step is kept
    double error = 0;     // what the search is to make small
};

// y = 3 x - 1, with noise.
Data make_data() {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> place(-1, 1);
    std::normal_distribution<double> noise(0, 0.1);
    Data data;
    for (int k = 0; k < 400; ++k) {
        const double x = place(random);
        (k % 4 == 0 ? data.validation : data.training).push_back({x, 3 * x - 1 + noise(random)});
    }
    return data;
}

// The parameters depend on the number of the trial alone, so a search can be repeated.
Trial draw(std::int64_t number) {
    std::mt19937_64 random(static_cast<std::uint64_t>(number));
    std::uniform_real_distribution<double> uniform(0, 1);
    return {std::pow(10, -4 + 5 * uniform(random)), uniform(random)};
}

// Twenty steps of gradient descent for y = slope x + offset.
Trial train(Trial trial, const Data& data) {
    double slope = 0, offset = 0, slope_step = 0, offset_step = 0;
    for (int step = 0; step < 20; ++step) {
        double slope_gradient = 0, offset_gradient = 0;
        for (const auto [x, y] : data.training) {
            const double off = slope * x + offset - y;
            slope_gradient += off * x;
            offset_gradient += off;
        }
        const double rate = trial.rate / static_cast<double>(data.training.size());
        slope += slope_step = trial.momentum * slope_step - rate * slope_gradient;
        offset += offset_step = trial.momentum * offset_step - rate * offset_gradient;
    }
    for (const auto [x, y] : data.validation) trial.error += std::abs(slope * x + offset - y);
    trial.error /= static_cast<double>(data.validation.size());
    return trial;
}

}  // namespace

int main() {
    const auto data = satchel::delayed(make_data)();
    const auto trials = satchel::range(2000, 16).map(draw).map(train, data);
    const auto failed = trials.filter([](const Trial& trial) { return !(trial.error < 1); });
    const auto best = trials.topk(3, [](const Trial& trial) { return -trial.error; });

    const auto [failures, winners] = satchel::compute(failed.count(), best);
    fmt::print("2000 trials, {} of them useless; the best:\n", failures);
    for (const auto& [rate, momentum, error] : winners) {
        fmt::print("error {:.4f} with rate {:.3f} and momentum {:.3f}\n", error, rate, momentum);
    }
}
