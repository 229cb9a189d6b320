// The program `troupe`.
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/functions.hpp"
#include "bench/peer_process.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/world.hpp"
#include "troupe/cluster.hpp"

int main(int argc, char** argv) {
  if (auto code = troupe::bench::peer_process_main(argc, argv)) return *code;
  // Functions come from modules (worker.modules): this program has none of its own, except those of
  // its benchmark.
  static troupe::function_registry functions;
  if (std::getenv(troupe::bench::functions_variable)) troupe::bench::add_functions(functions);
  if (auto code = troupe::worker_main(argc, argv, functions)) return *code;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write()
  auto out = troupe::cli::output::standard();
  auto world = troupe::cli::connect_to_world(functions);
  return troupe::cli::run_program({argv + 1, argv + argc}, out, world);
}
