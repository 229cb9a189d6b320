// Gives the precompiled header of the test programs a source to be made for.
#include "tests/support/catch.hpp"
