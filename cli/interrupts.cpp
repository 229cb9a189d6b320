// See interrupts.hpp.
#include "cli/interrupts.hpp"

#include <atomic>

namespace troupe::cli {
namespace {

std::atomic<unsigned> seen{0};
static_assert(std::atomic<unsigned>::is_always_lock_free);

void count_one(int) { seen.fetch_add(1); }

}  // namespace

interrupts::interrupts() {
  seen = 0;
  struct sigaction action{};
  action.sa_handler = count_one;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_int_);
  sigaction(SIGTERM, &action, &old_term_);
}

interrupts::~interrupts() {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
}

unsigned interrupts::count() { return seen.load(); }

}  // namespace troupe::cli
