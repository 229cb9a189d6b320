#include "troupe/cluster.hpp"

#include <unistd.h>

#include <atomic>
#include <thread>

#include "actors/cluster_state.hpp"
#include "actors/head.hpp"
#include "actors/worker_node.hpp"
#include "api/local_transport.hpp"
#include "config/config.hpp"

namespace troupe {
namespace {

// Set by worker_main: this program can be executed again as a worker.
std::atomic<const function_registry*> own_functions{nullptr};

cluster_settings load_or_throw(const std::filesystem::path& file) {
  auto loaded = config::load(file.string(), config::process_environment());
  if (!loaded) throw error({errc::invalid_argument, config::to_text(loaded.error()), {}});
  return std::move(loaded->settings);
}

}  // namespace

struct cluster::impl {
  actors::system_config config;
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<actors::head> head;
  std::filesystem::path temporary_state;  // removed with the cluster

  ~impl() {
    head.reset();
    system.reset();
    std::error_code ignored;
    if (!temporary_state.empty()) std::filesystem::remove_all(temporary_state, ignored);
  }
};

cluster::cluster(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
cluster::cluster(cluster&&) noexcept = default;
cluster& cluster::operator=(cluster&&) noexcept = default;
cluster::~cluster() {
  if (impl_) stop();
}

cluster cluster::from_settings(cluster_settings settings, const function_registry* functions) {
  auto i = std::make_unique<impl>();
  i->system = std::make_unique<caf::actor_system>(i->config);
  actors::head_options options;
  bool only_threads = true;
  for (const auto& p : settings.pools)
    only_threads = only_threads && provider_type(p.provider) == "threads";
  if (settings.cluster.state_dir.empty()) {
    // Several temporary clusters of one account must not meet in one folder.
    i->temporary_state = actors::state_root() / (settings.cluster.name + "-" + std::to_string(::getpid()) +
                                                 "-" + std::to_string(reinterpret_cast<std::uintptr_t>(i.get())));
    settings.cluster.state_dir = i->temporary_state.string();
  }
  options.settings = std::move(settings);
  options.listen = !only_threads;
  options.announce = false;
  options.functions = functions ? functions : own_functions.load();
  auto head = actors::head::start(*i->system, std::move(options));
  i->head = std::move(value_or_throw(std::move(head)));
  return cluster(std::move(i));
}

cluster cluster::from_yaml(const std::filesystem::path& file, const function_registry* functions) {
  return from_settings(load_or_throw(file), functions);
}

client cluster::client() const {
  return troupe::client(value_or_throw(detail::connect_in_process(
      *impl_->system, impl_->head->scheduler(), impl_->head->address())));
}

std::string cluster::address() const { return impl_->head->address(); }
std::string cluster::http_address() const { return impl_->head->http_address(); }

void cluster::stop(std::chrono::nanoseconds drain) {
  impl_->head->stop(drain > std::chrono::nanoseconds::zero(), drain);
}

namespace {

cluster_settings settings_of(const local_cluster_options& o) {
  bool can_execute = own_functions.load() != nullptr;
  bool threads = o.workers == local_cluster_options::workers_as::threads ||
                 (o.workers == local_cluster_options::workers_as::automatic && !can_execute);
  if (!threads && !can_execute)
    throw error({errc::invalid_argument,
                 "workers as processes need a program whose main calls troupe::worker_main first",
                 {}});
  cluster_settings s;
  s.cluster.name = o.name;
  s.scheduler.listen.port = 0;
  s.scheduler.http = std::nullopt;
  pool_settings pool;
  pool.name = "local";
  if (threads) pool.provider = threads_provider_settings{};
  pool.min = o.min_workers;
  pool.max = o.max_workers > 0 ? o.max_workers
                               : std::max(1U, std::thread::hardware_concurrency());
  pool.worker.slots = o.slots;
  pool.autoscaler.scale_down.idle_timeout = std::chrono::duration_cast<duration>(o.idle_timeout);
  s.pools.push_back(std::move(pool));
  return s;
}

}  // namespace

local_cluster::local_cluster(const local_cluster_options& options)
    : cluster(from_settings(settings_of(options), options.functions)) {}

std::optional<int> worker_main(int argc, char** argv, const function_registry& functions) {
  own_functions = &functions;
  return actors::worker_process_main(argc, argv, functions);
}

}  // namespace troupe
