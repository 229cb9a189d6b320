#include "actors/pool_setup.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <thread>

#include "actors/head.hpp"
#include "actors/thread_worker.hpp"
#include "actors/worker_options.hpp"
#include "providers/fake/fake_instances.hpp"
#include "providers/guarded_provider.hpp"
#include "providers/local/local_provider.hpp"
#include "providers/threads/threads_provider.hpp"
#include "worker/modules.hpp"

namespace troupe::actors {
namespace fs = std::filesystem;

namespace {

std::string own_program() {
  std::error_code error;
  auto path = fs::read_symlink("/proc/self/exe", error);
  return error ? "troupe" : path.string();
}

std::string absolute_in(const fs::path& folder, const std::string& path) {
  return fs::path{path}.is_absolute() ? path : (folder / path).string();
}

worker_options options_for(const pool_context& c, const pool_settings& pool) {
  worker_options o;
  o.address = c.address;
  o.certificates = c.certificates;
  o.pool = pool.name;
  o.log_dir = absolute_in(c.state_dir, pool.worker.log_dir);
  o.scratch = absolute_in(c.state_dir, pool.worker.scratch);
  o.settings = pool.worker;
  if (o.settings.slots == 0) o.settings.slots = machine_cores();
  return o;
}

providers::worker_command command_for(const pool_context& c, const pool_settings& pool) {
  providers::worker_command command;
  if (!pool.worker.program.empty()) {
    command.argv = {pool.worker.program, "worker"};
  } else {
    command.argv = {own_program()};
    command.argv.insert(command.argv.end(), c.worker_arguments.begin(), c.worker_arguments.end());
  }
  for (const auto& [name, text] : pool.worker.env) command.env.emplace_back(name, text);
  command.env.emplace_back(worker_variable, encode(options_for(c, pool)));
  return command;
}

using provider_maker = result<std::unique_ptr<providers::provider>>;

struct make_provider {
  const pool_context& c;
  const pool_settings& pool;

  provider_maker operator()(const local_provider_settings& s) const {
    if (c.address.empty())
      return fail(errc::invalid_argument, "pool \"" + pool.name +
                                              "\" has worker processes, so the head must listen");
    providers::local_settings l;
    l.cluster = c.cluster_id;
    l.log_folder = c.state_dir / "instances";
    l.stop_grace = s.stop_grace;
    return providers::make_local_provider(std::move(l));
  }
  provider_maker operator()(const threads_provider_settings&) const {
    thread_worker_context t;
    t.system = c.system;
    t.scheduler = c.scheduler;
    t.functions = c.functions;
    t.options = options_for(c, pool);
    return providers::make_threads_provider(c.cluster_id, thread_worker_factory(std::move(t)));
  }
  provider_maker operator()(const fake_provider_settings& s) const {
    return providers::make_fake_instances(c.cluster_id, s);
  }
};

// What the pool's workers know. A worker program is asked in a child process: its modules are code of
// others, which the head never loads.
result<void> learn_functions(const pool_context& c, const pool_settings& pool,
                             const providers::worker_command& command, manager_options& m) {
  if (std::holds_alternative<fake_provider_settings>(pool.provider)) return {};
  bool own = std::holds_alternative<threads_provider_settings>(pool.provider) ||
             (pool.worker.program.empty() && c.worker_arguments.empty());
  if (own && pool.worker.modules.empty()) {
    if (c.functions) m.functions = c.functions->names();
    m.functions_known = true;
    return {};
  }
  auto described = worker::describe(command.argv, pool.worker.modules);
  // A program of the user's own may be no worker of this version, or need what only its workers have:
  // then names are learned as workers register, and the pool shows by its backoff what is wrong.
  if (!described && !pool.worker.program.empty()) return {};
  if (!described)
    return fail(described.error().code,
                "pool \"" + pool.name + "\": " + described.error().message);
  m.functions = described->function_names();
  m.functions_known = true;
  return {};
}

std::uint64_t seed_of(const std::string& cluster, const std::string& pool) {
  return std::hash<std::string>{}(cluster + '/' + pool);
}

}  // namespace

std::uint32_t machine_cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
  return std::max(1U, std::thread::hardware_concurrency());
}

result<manager_options> set_up_pool(const pool_context& c, const pool_settings& pool) {
  manager_options m;
  m.pool = pool;
  m.command = command_for(c, pool);
  m.core.pool = pool.name;
  m.core.cluster = c.cluster_id;
  m.core.epoch = c.epoch;
  m.core.launch = pool.launch;
  m.core.boot_deadline = pool.boot_deadline;
  m.core.drain_deadline = pool.autoscaler.scale_down.drain_deadline;
  m.core.seed = seed_of(c.cluster_id, pool.name);

  auto provider = std::visit(make_provider{c, pool}, pool.provider);
  if (!provider) return tl::unexpected(provider.error());
  m.provider = providers::make_guarded_provider(std::move(*provider));

  std::error_code error;
  fs::create_directories(c.state_dir / "launches", error);
  auto ledger = providers::launch_ledger::open(c.state_dir / "launches" / pool.name);
  if (!ledger) return tl::unexpected(ledger.error());
  m.ledger = std::make_shared<providers::launch_ledger>(std::move(*ledger));

  auto slots = pool.worker.slots > 0 ? pool.worker.slots : machine_cores();
  m.worker_resources = pool.worker.resources;
  m.worker_resources.set("cpus", static_cast<amount>(slots) * one_unit);
  m.on_all_gone = c.all_gone;
  if (auto ok = learn_functions(c, pool, m.command, m); !ok) return tl::unexpected(ok.error());
  return m;
}

}  // namespace troupe::actors
