// A worker's program in its hidden roles, for tests: says which functions it has, or hosts isolated
// calls. Without a role it hosts calls, too.
#include "tests/worker/test_functions.hpp"
#include "worker/call_host.hpp"
#include "worker/modules.hpp"

int main() {
  auto functions = troupe::worker::test_functions();
  if (auto code = troupe::worker::run_child_role(*functions)) return *code;
  return troupe::worker::run_call_host(*functions);
}
