// A program outside the project: it includes a public header and links to satchel::satchel.
#include <satchel/units.hpp>

int main() { return satchel::parse_bytes("10MB") == 10'000'000 ? 0 : 1; }
