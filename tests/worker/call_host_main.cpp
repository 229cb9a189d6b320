// The program of isolated calls, for tests: the functions are in test_functions.hpp.
#include "tests/worker/test_functions.hpp"
#include "worker/call_host.hpp"

int main() { return troupe::worker::run_call_host(*troupe::worker::test_functions()); }
