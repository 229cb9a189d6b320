#include "actors/head.hpp"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "actors/autoscaler.hpp"
#include "actors/cluster_manager.hpp"
#include "actors/cluster_state.hpp"
#include "actors/config_keeper.hpp"
#include "actors/io_actor.hpp"
#include "actors/peer.hpp"
#include "actors/pool_setup.hpp"
#include "actors/scheduler.hpp"
#include "net/endpoint.hpp"

namespace troupe::actors {
namespace fs = std::filesystem;

// Which pools still have instances, told by their managers' threads.
struct pools_left {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> names;
  bool hurry = false;

  void gone(const std::string& pool) {
    std::lock_guard lock(mutex);
    names.erase(pool);
    changed.notify_all();
  }
  // False: the time passed, or somebody lost their patience, before all were gone.
  bool wait(std::chrono::nanoseconds patience, bool may_hurry) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, patience, [&] { return names.empty() || (may_hurry && hurry); });
    return names.empty();
  }
  void stop_waiting() {
    std::lock_guard lock(mutex);
    hurry = true;
    changed.notify_all();
  }
};

struct head::impl {
  impl(caf::actor_system& s, head_options o, cluster_state st)
      : system(s), options(std::move(o)), state(std::move(st)) {}

  caf::actor_system& system;
  head_options options;
  cluster_state state;
  fs::path certificates;
  std::shared_ptr<file_store> files;
  std::unique_ptr<net::io> io;
  std::unique_ptr<net::listener> links, people;
  std::string address, http_address;
  scheduler_actor scheduler;
  autoscaler_actor autoscaler;
  config_actor config;
  std::vector<std::pair<std::string, manager_actor>> managers;
  std::shared_ptr<pools_left> left = std::make_shared<pools_left>();
  std::atomic<bool> stopping = false;
  bool stopped = false;
  // The HTTP handler is made once the actors exist; requests before that get a 503.
  std::shared_ptr<std::atomic<bool>> ready = std::make_shared<std::atomic<bool>>(false);
  net::http_handler on_request;

  bool tls() const { return options.settings.security.tls == tls_mode::on; }
  result<void> prepare_certificates();
  void empty_scratch();
  result<void> open_ports(head& self);
  void spawn_scheduler();
  result<void> spawn_pools();
  result<void> announce();
  result<std::unique_ptr<net::listener>> open(const host_port& where, bool links);
};

namespace {

duration longest(const cluster_settings& s, duration worker_settings::*member) {
  duration out{};
  for (const auto& p : s.pools) out = std::max(out, p.worker.*member);
  return out;
}

scheduler::core_settings core_settings_of(const cluster_settings& s) {
  scheduler::core_settings c;
  c.default_duration = s.scheduler.default_duration;
  c.client_grace = s.scheduler.client_grace;
  c.retention_time = s.scheduler.retention.time;
  c.retention_jobs = s.scheduler.retention.jobs;
  c.max_tasks = s.scheduler.max_tasks;
  c.results_memory = s.scheduler.results_memory;
  c.crash_limit = s.scheduler.crash_limit;
  if (auto d = longest(s, &worker_settings::lost_after); d > duration::zero())
    c.worker_lost_after = d;
  // A worker without its head has ended, with everything it started, this long after its last word.
  if (auto d = longest(s, &worker_settings::death_timeout); d > duration::zero())
    c.worker_lease = d + std::chrono::seconds{5};
  for (const auto& p : s.pools) c.spread = c.spread || p.placement == placement_policy::spread;
  return c;
}

}  // namespace

result<void> head::impl::prepare_certificates() {
  certificates = options.settings.security.certs.empty()
                     ? state.dir() / "certs"
                     : fs::path{options.settings.security.certs};
  if (!tls()) return {};
  net::authority_settings authority;
  authority.cluster = options.settings.cluster.name;
  authority.owner = net::account_name();
  const auto& host = options.settings.scheduler.listen.host;
  if (!net::is_loopback(host)) authority.head_names.push_back(host);
  return net::ensure_authority(certificates, authority);
}

// What commands of earlier heads of this cluster left: their tasks are over. Only below the state
// folder, which is ours; a folder that the file names elsewhere is somebody's.
void head::impl::empty_scratch() {
  std::set<std::string> folders{"scratch"};
  for (const auto& p : options.settings.pools) folders.insert(p.worker.scratch);
  for (const auto& name : folders) {
    auto folder = (state.dir() / name).lexically_normal();
    auto below = folder.lexically_relative(state.dir());
    if (fs::path{name}.is_absolute() || below.empty() || *below.begin() == ".." || below == ".")
      continue;
    std::error_code ignored;  // what can't be removed now can't hurt
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      fs::remove_all(entry.path(), ignored);
  }
}

result<std::unique_ptr<net::listener>> head::impl::open(const host_port& where, bool with_links) {
  net::listen_options o;
  o.host = where.host;
  o.port = where.port;
  o.links = with_links;
  if (with_links && tls()) o.tls = net::files_in(certificates, protocol::role::head);
  net::net_settings limits;
  limits.handshake_deadline = options.settings.scheduler.handshake_timeout;
  limits.max_connections = options.settings.scheduler.max_peers;
  net::listen_handlers handlers;
  if (with_links) {
    peer_options p;
    p.software = software_name;
    p.cluster_id = state.cluster_id();
    p.cluster_name = options.settings.cluster.name;
    p.epoch = state.epoch();
    p.heartbeat_interval = std::chrono::seconds{1};
    p.owner = net::account_name();
    p.files = files;
    handlers.on_link = [this, p, ready = ready](std::shared_ptr<net::link> link) {
      if (!*ready) return link->close({errc::unavailable, "the head is starting or stopping", {}});
      spawn_peer(system, std::move(link), scheduler, p);
    };
  }
  handlers.on_request = [this, ready = ready](net::http_request r, net::http_reply reply) {
    if (*ready && on_request) return on_request(std::move(r), std::move(reply));
    net::http_response answer;
    answer.status = *ready ? 404 : 503;
    answer.body = *ready ? "not found\n" : "starting\n";
    reply(std::move(answer));
  };
  return net::listener::open(*io, o, limits, std::move(handlers));
}

void head::impl::spawn_scheduler() {
  scheduler_options o;
  o.core = core_settings_of(options.settings);
  o.epoch = state.epoch();
  o.event_history = options.settings.scheduler.event_history;
  o.cluster_name = options.settings.cluster.name;
  o.cluster_id = state.cluster_id();
  o.software = software_name;
  o.address = address;
  o.http = http_address;
  // By hand started workers on this machine use the default; pools may have folders of their own.
  std::set<std::string> folders{(state.dir() / "logs").string()};
  for (const auto& pool : options.settings.pools)
    folders.insert((state.dir() / pool.worker.log_dir).string());
  o.log_folders = {folders.begin(), folders.end()};
  o.files = files;
  o.on_shutdown = options.on_shutdown;
  if (!io) {
    scheduler = system.spawn<caf::detached>(actors::scheduler, std::move(o));
    return;
  }
  // Beside the links: waking another thread costs more than what the scheduler does for a message.
  scheduler = spawn_on_io<scheduler_actor, scheduler_state>(
      system, [&io = *io](std::function<void()> fn) { io.post(std::move(fn)); },
      [o = std::move(o)](scheduler_actor::stateful_pointer<scheduler_state> self) {
        return actors::scheduler(self, o);
      });
}

result<void> head::impl::spawn_pools() {
  pool_context context;
  context.system = &system;
  context.settings = &options.settings;
  context.functions = options.functions;
  context.worker_arguments = options.worker_arguments;
  context.state_dir = state.dir();
  context.cluster_id = state.cluster_id();
  context.epoch = state.epoch();
  context.address = address;
  context.certificates = tls() ? certificates.string() : "";
  context.scheduler = scheduler;
  context.all_gone = [left = left](const std::string& pool) { left->gone(pool); };

  std::vector<manager_options> pools;
  for (const auto& pool : options.settings.pools) {
    auto m = set_up_pool(context, pool);
    if (!m) return tl::unexpected(m.error());
    pools.push_back(std::move(*m));
  }
  autoscaler =
      system.spawn(autoscaler_behavior, autoscaler_options_of(options.settings), scheduler);
  cast everybody;
  for (auto& m : pools) {
    auto name = m.pool.name;
    everybody.pools.push_back(first_report(m));
    left->names.insert(name);
    managers.emplace_back(
        name, system.spawn<caf::detached>(cluster_manager, std::move(m), scheduler, autoscaler));
  }
  config_keeper_options keeper;
  keeper.running.settings = options.settings;
  keeper.running.origins = std::move(options.origins);
  keeper.read = std::move(options.read_config);
  keeper.scheduler = scheduler;
  keeper.autoscaler = autoscaler;
  keeper.managers = managers;
  config = system.spawn<caf::detached>(config_keeper, std::move(keeper));
  everybody.autoscaler = autoscaler;
  everybody.config = config;
  everybody.managers = managers;
  caf::anon_send(scheduler, std::move(everybody));
  return {};
}

result<void> head::impl::announce() {
  head_record r;
  r.name = options.settings.cluster.name;
  r.cluster_id = state.cluster_id();
  r.epoch = state.epoch().value;
  r.pid = static_cast<std::uint32_t>(::getpid());
  r.address = address;
  r.http = http_address;
  r.certificates = certificates.string();
  r.tls = tls();
  r.started_at = std::chrono::duration_cast<std::chrono::seconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count();
  return state.announce(r);
}

result<std::unique_ptr<head>> head::start(caf::actor_system& system, head_options options) {
  auto state = cluster_state::open(options.settings.cluster.state_dir, options.settings.cluster.name);
  if (!state) return tl::unexpected(state.error());
  auto h = std::unique_ptr<head>(
      new head(std::make_unique<impl>(system, std::move(options), std::move(*state))));
  auto& i = *h->impl_;
  const auto& s = i.options.settings;
  if (auto ok = i.prepare_certificates(); !ok) return tl::unexpected(ok.error());
  i.empty_scratch();
  auto files = file_store::open(i.state.dir() / "results", s.scheduler.results_disk);
  if (!files) return tl::unexpected(files.error());
  i.files = std::move(*files);
  if (i.options.listen) {
    i.io = std::make_unique<net::io>(1);
    // Ports first: the scheduler is told the addresses. Who calls before `ready` is sent away.
    auto links = i.open(s.scheduler.listen, true);
    if (!links) return tl::unexpected(links.error());
    i.links = std::move(*links);
    i.address = i.links->address();
    if (s.scheduler.http) {
      auto people = i.open(*s.scheduler.http, false);
      if (!people) return tl::unexpected(people.error());
      i.people = std::move(*people);
      i.http_address = i.people->address();
    }
  }
  i.spawn_scheduler();
  if (auto ok = i.spawn_pools(); !ok) return tl::unexpected(ok.error());
  if (i.options.http) i.on_request = i.options.http(*h);
  *i.ready = true;
  if (i.options.announce && i.options.listen)
    if (auto ok = i.announce(); !ok) return tl::unexpected(ok.error());
  return h;
}

head::head(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

head::~head() { stop(false, std::chrono::seconds{5}); }

bool head::stop(bool drain, std::chrono::nanoseconds patience) {
  auto& i = *impl_;
  i.stopping = true;
  if (std::exchange(i.stopped, true)) return true;
  if (i.config) caf::anon_send(i.config, begin_shutdown{});
  if (i.autoscaler) caf::anon_send(i.autoscaler, begin_shutdown{});
  auto tell = [&](bool let_finish) {
    for (auto& [name, manager] : i.managers)
      caf::anon_send(manager, providers::pool_event{providers::event::shut_down{let_finish}});
  };
  bool gone = false;
  if (drain) {
    tell(true);
    gone = i.left->wait(patience, true);
  }
  if (!gone) {
    tell(false);
    gone = i.left->wait(std::chrono::seconds{15}, false);
  }
  *i.ready = false;
  if (i.links) i.links->stop();
  if (i.people) i.people->stop();
  caf::scoped_actor self{i.system};
  auto end = [&](const auto& actor) {
    if (!actor) return;
    self->send_exit(actor, caf::exit_reason::user_shutdown);
    self->wait_for(actor);
  };
  end(i.config);
  end(i.autoscaler);
  for (auto& [name, manager] : i.managers) end(manager);
  end(i.scheduler);
  if (i.io) {
    i.io->stop();  // closes the links; each lets go of its peer
    i.io->join();
  }
  i.scheduler = nullptr;
  i.autoscaler = nullptr;
  i.config = nullptr;
  i.managers.clear();
  return gone;
}

void head::reload() { caf::anon_send(impl_->config, reload_file{}); }

void head::stop_now() { impl_->left->stop_waiting(); }

const scheduler_actor& head::scheduler() const { return impl_->scheduler; }
const autoscaler_actor& head::autoscaler() const { return impl_->autoscaler; }
caf::actor_system& head::system() const { return impl_->system; }
const cluster_settings& head::settings() const { return impl_->options.settings; }
std::string head::address() const { return impl_->address; }
std::string head::http_address() const { return impl_->http_address; }
std::string head::cluster_id() const { return impl_->state.cluster_id(); }
epoch_id head::epoch() const { return impl_->state.epoch(); }
fs::path head::state_dir() const { return impl_->state.dir(); }
bool head::stopping() const { return impl_->stopping; }
net::listen_counters head::counters() const {
  return impl_->links ? impl_->links->counters() : net::listen_counters{};
}

system_config::system_config() {
  // Work stealing polls, which costs idle processors and wakes up late for messages from outside.
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", std::size_t{2});
}

}  // namespace troupe::actors
