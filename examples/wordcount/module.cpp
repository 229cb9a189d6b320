// The same functions as a module: a shared library that a cluster's workers load when their YAML names
// it (worker.modules), so that `troupe call wordcount.count '"/etc/motd"'` works from the shell.
#include "words.hpp"

extern "C" void troupe_register(troupe::function_registry& functions) {
  wordcount::add_functions(functions);
}
