// visualize: the graph as Graphviz draws it.
#include <satchel/detail/node.hpp>
#include <satchel/error.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace satchel::detail {
namespace {

// Nobody can look at more boxes than this; a larger graph is told by its size.
constexpr std::uint32_t tasks_max = 2000;

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c == '\n' ? "\\n" : std::string(1, c);
    }
    return result + '"';
}

std::string dot_of(const Graph& graph) {
    std::string dot =
        "digraph satchel {\n"
        "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#eef3fb\", color=\"#4a6fa5\","
        " fontname=\"Helvetica\", fontsize=11];\n"
        "  edge [color=\"#888888\", arrowsize=0.7];\n";
    if (graph.size() > tasks_max) {
        return dot + fmt::format("  \"{} tasks: too many to draw\";\n}}\n", graph.size());
    }
    std::vector<std::uint32_t> inputs;
    for (TaskIndex task = 0; task < graph.size(); ++task) {
        dot += fmt::format("  {} [label={}];\n", task, quoted(graph.label(task)));
        inputs.clear();
        graph.inputs_of(task, inputs);
        for (const auto input : inputs) {
            if (!is_literal(input)) dot += fmt::format("  {} -> {};\n", input, task);
        }
    }
    return dot + "}\n";
}

void write_text(const std::string& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary);
    out << text;
    out.close();
    if (!out) {
        throw FileError(
            fmt::format("{}: cannot write the drawing of a graph: {}", path, std::strerror(errno)),
            errno);
    }
}

// By value, because a program's arguments are not const.
void run_graphviz(const std::string& format, std::string source, std::string target) {
    std::string program = "dot";
    std::string option = "-T" + format;
    std::string output = "-o";
    char* arguments[] = {program.data(), option.data(), output.data(),
                         target.data(),  source.data(), nullptr};
    pid_t child = 0;
    int status = posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ);
    if (status == 0) {
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
        throw Error(fmt::format("{}: Graphviz's program 'dot' failed to draw the graph", target));
    }
    throw Error(
        fmt::format("{}: drawing a graph as {} needs Graphviz's program 'dot', which could not be "
                    "run; install the package graphviz, or ask for a .dot file",
                    target, format));
}

// A file that is removed when it is no longer needed.
class TemporaryDot {
  public:
    explicit TemporaryDot(const std::string& text)
        : path_((std::filesystem::temp_directory_path() / "satchel-XXXXXX").native()) {
        const int descriptor = mkstemp(path_.data());
        if (descriptor < 0) {
            throw FileError(
                fmt::format("{}: cannot make a temporary file: {}", path_, std::strerror(errno)),
                errno);
        }
        close(descriptor);
        write_text(path_, text);
    }
    TemporaryDot(const TemporaryDot&) = delete;
    TemporaryDot& operator=(const TemporaryDot&) = delete;
    ~TemporaryDot() { unlink(path_.c_str()); }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace

void draw(const std::vector<NodePtr>& roots, const std::string& path) {
    const auto extension = std::filesystem::path(path).extension().native();
    if (extension != ".dot" && extension != ".svg" && extension != ".png") {
        throw InvalidArgument(fmt::format(
            "visualize: '{}' does not tell how to draw; give the file a name in .dot, .svg or .png",
            path));
    }
    const auto text = dot_of(runnable(roots, false, true).graph);
    if (extension == ".dot") {
        write_text(path, text);
    } else {
        const TemporaryDot dot(text);
        run_graphviz(extension.substr(1), dot.path(), path);
    }
}

}  // namespace satchel::detail
