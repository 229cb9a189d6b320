// troupe worker: a worker started by hand. (Those of pools are started by their provider.)
#include <filesystem>

#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "libruntime/units.hpp"

namespace troupe::cli {
namespace {

struct worker_flags {
  std::string pool, name, memory, log_dir, scratch;
  std::uint32_t slots = 0;
  std::vector<std::string> modules, resources;
  bool describe = false;
};

worker_settings settings_of(const worker_flags& f) {
  worker_settings s;
  s.slots = f.slots;
  for (const auto& text : f.resources)
    s.resources.add(usage_or_throw(resource_set::parse(text), "--resources"));
  if (!f.memory.empty()) {
    s.memory = parse_bytes(f.memory);
    if (!s.memory)
      refuse_usage("--memory: " + in_quotes(f.memory) + " is not a size, such as 512MiB or 2GiB");
  }
  for (const auto& m : f.modules) {
    if (!std::filesystem::exists(m)) refuse_usage("--module: there is no file " + in_quotes(m));
    s.modules.push_back(std::filesystem::absolute(m));
  }
  if (!f.log_dir.empty()) s.log_dir = std::filesystem::absolute(f.log_dir);
  if (!f.scratch.empty()) s.scratch = std::filesystem::absolute(f.scratch);
  return s;
}

exit_code worker(context& c, const worker_flags& f) {
  auto settings = settings_of(f);
  if (f.describe) {
    auto text = c.outside.describe_functions(settings);
    if (!text) request_failed(words_of(text.error()));
    c.out.line(*text);
    return exit_code::done;
  }
  auto chosen = choose_address(c.common);
  auto ended = c.outside.run_worker(
      {chosen.address, c.common.certificates, f.pool, f.name, std::move(settings)});
  if (!ended) {
    auto code = ended.error().code == errc::unavailable ? exit_code::no_cluster : exit_code::failed;
    throw command_error(code, words_of(ended.error()));
  }
  return *ended == 0 ? exit_code::done : exit_code::failed;
}

}  // namespace

void add_worker(command_line& line) {
  auto* command = line.add(
      "worker", group_cluster, "Start a worker by hand and join a cluster",
      "  troupe worker                                  # of the cluster started last\n"
      "  troupe worker --address 10.0.0.1:7400 --certs ./certs --slots 8\n"
      "  troupe worker --module ./libfunctions.so --resources GPU=1\n"
      "  troupe worker --describe --module ./libfunctions.so   # its functions, as JSON\n\n"
      "Ends when the cluster ends, on Ctrl-C, or when the scheduler has been gone for 30 s.");
  auto f = std::make_shared<worker_flags>();
  command->add_option("--pool", f->pool, "Name of the pool it counts to")->type_name("POOL");
  command->add_option("--name", f->name, "Its name (default: the scheduler makes one)")
      ->type_name("NAME");
  command->add_option("--slots", f->slots, "Tasks at a time (default: one for each core)")
      ->check(in_range(1, 4096))->type_name("N");
  command->add_option("--memory", f->memory, "Memory it may use (default: the machine's)")
      ->type_name("SIZE");
  command->add_option("--resources", f->resources, "What else it has: GPU=2,licence=1")
      ->allow_extra_args(false)->type_name("NAME=N,...");
  command->add_option("--module", f->modules, "Shared library with functions; may be repeated")
      ->allow_extra_args(false)->type_name("FILE");
  command->add_option("--log-dir", f->log_dir, "Folder for what tasks print")->type_name("FOLDER");
  command->add_option("--scratch", f->scratch, "Folder that tasks run in")->type_name("FOLDER");
  command->add_flag("--describe", f->describe, "Only print the functions of its modules");
  line.run(command, [&line, f] { return worker(line.c, *f); });
}

}  // namespace troupe::cli
