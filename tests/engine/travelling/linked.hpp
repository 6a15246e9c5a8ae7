// A function of a shared library, to be sent by a pointer that the program takes.
#pragma once

int linked_twice(int x);
