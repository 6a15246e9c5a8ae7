// Asking the system.
#include "process/memory_use.hpp"

#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

namespace satchel::process {

std::int64_t memory_in_use(pid_t process) {
    std::ifstream file(fmt::format("/proc/{}/statm", process));
    std::int64_t all = 0, resident = 0, shared = 0;
    file >> all >> resident >> shared;
    return (resident - shared) * ::sysconf(_SC_PAGESIZE);
}

}  // namespace satchel::process
