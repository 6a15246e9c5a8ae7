// LogTail: cuts what a process writes into lines, passes them on, and keeps the last ones.
#pragma once

#include <cstddef>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel::process {

class LogTail {
  public:
    /// A longer line is cut, so that what never writes a newline fills no memory.
    static constexpr std::size_t max_line = 4096;

    LogTail(std::size_t kept_lines, bool passes_on)
        : kept_lines_(kept_lines), passes_on_(passes_on) {}

    void add(std::string_view text) {
        std::string whole_lines;
        for (const char c : text) {
            if (c != '\n') line_ += c;
            if (c == '\n' || line_.size() == max_line) end_line(whole_lines);
        }
        pass_on(whole_lines);
    }

    /// The last lines; also one that has no end.
    [[nodiscard]] std::vector<std::string> finish() {
        std::string rest;
        if (!line_.empty()) end_line(rest);
        pass_on(rest);
        return {lines_.begin(), lines_.end()};
    }

  private:
    void end_line(std::string& whole_lines) {
        whole_lines += line_ + '\n';
        lines_.push_back(std::exchange(line_, {}));
        if (lines_.size() > kept_lines_) lines_.pop_front();
    }

    // In one piece, so that the lines of several workers do not mix.
    void pass_on(std::string_view text) const {
        if (passes_on_ && !text.empty()) std::fwrite(text.data(), 1, text.size(), stderr);
    }

    std::size_t kept_lines_;
    bool passes_on_;
    std::string line_;
    std::deque<std::string> lines_;
};

}  // namespace satchel::process
