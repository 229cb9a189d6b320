// See world.hpp.
#include "cli/world.hpp"

#include <unistd.h>

#include <cstdlib>

#include "actors/cluster_state.hpp"
#include "actors/runtime_system.hpp"
#include "actors/worker_node.hpp"
#include "api/client_session.hpp"
#include "cli/json_value.hpp"
#include "cli/story.hpp"
#include "gateway/gateway.hpp"
#include "troupe/troupe.hpp"
#include "worker/modules.hpp"

namespace troupe::cli {
namespace {

class api_job : public job_handle {
 public:
  explicit api_job(job j) : job_(std::move(j)) {}
  std::string id() override { return std::to_string(job_.id().value); }
  std::size_t size() override { return job_.size(); }
  std::size_t ended() override { return job_.ended(); }
  std::size_t failed() override { return job_.failed(); }
  bool wait_for(duration d) override { return job_.wait_for(d); }
  bool wait_task(std::size_t position, duration d) override { return job_[position].wait_for(d); }
  result<value> outcome(std::size_t position) override {
    return job_[position].handle().outcome();
  }
  void cancel(const std::string& reason) override { job_.cancel(reason); }

 private:
  job job_;
};

class api_cluster : public cluster_access {
 public:
  explicit api_cluster(client c) : client_(std::move(c)) {}
  ~api_cluster() override { client_.close(); }
  const std::string& address() const override { return client_.address(); }
  result<value> request(const std::string& method, const value& parameters,
                        duration timeout) override {
    return client_.request(method, parameters, timeout);
  }
  std::unique_ptr<job_handle> submit(job_draft draft) override {
    auto job = client_.submit_job(std::move(draft));
    client_.flush();
    return std::make_unique<api_job>(std::move(job));
  }
  std::unique_ptr<job_handle> watch(job_id id, bool values) override {
    return std::make_unique<api_job>(client_.watch(id, values));
  }

 private:
  client client_;
};

// A cluster of this process and a client of it, which goes first.
class temporary_cluster : public cluster_access {
 public:
  explicit temporary_cluster(cluster c) : cluster_(std::move(c)), access_(cluster_.client()) {}
  const std::string& address() const override { return access_.address(); }
  result<value> request(const std::string& method, const value& parameters,
                        duration timeout) override {
    return access_.request(method, parameters, timeout);
  }
  std::unique_ptr<job_handle> submit(job_draft draft) override {
    return access_.submit(std::move(draft));
  }
  std::unique_ptr<job_handle> watch(job_id id, bool values) override {
    return access_.watch(id, values);
  }

 private:
  cluster cluster_;
  api_cluster access_;
};

result<std::unique_ptr<cluster_access>> connect(const connect_request& r) {
  connect_options options;
  options.address = r.address;
  options.certificates = r.certificates;
  options.timeout = r.timeout;
  options.name = "troupe[" + std::to_string(::getpid()) + "]";
  auto c = client::try_connect(options);
  if (!c) return tl::unexpected(c.error());
  return std::make_unique<api_cluster>(std::move(*c));
}

result<std::unique_ptr<cluster_access>> start_temporary(cluster_settings settings,
                                                        const function_registry& functions) {
  // The file's ports may belong to a cluster that stays.
  settings.scheduler.listen.port = 0;
  settings.scheduler.http.reset();
  try {
    return std::make_unique<temporary_cluster>(
        cluster::from_settings(std::move(settings), &functions));
  } catch (const error& e) {
    return tl::unexpected(e.why());
  }
}

// ---- a head in this process

// Reads the head's events through a client of its own, until it is destroyed.
class storyteller {
 public:
  storyteller(const head_process& h, const std::string& certificates,
              const std::function<void(const std::string&)>& tell) {
    connect_options options;
    options.address = h.address;
    options.certificates = certificates;
    options.name = "story";
    auto c = client::try_connect(options);
    if (!c) return;  // a story is not worth failing for
    client_ = std::move(*c);
    auto follow = [tell](const protocol::events& events) {
      for (const auto& e : events.items)
        if (auto line = story_line(e); !line.empty()) tell(line);
    };
    (void)client_.session()->follow_events(0, {std::move(follow), tell});
  }
  ~storyteller() {
    if (client_.valid()) client_.close();
  }
  storyteller(const storyteller&) = delete;
  storyteller& operator=(const storyteller&) = delete;

 private:
  client client_;
};

head_process describe(const actors::head& h) {
  return {h.settings().cluster.name, h.address(), h.http_address(), h.state_dir(),
          static_cast<std::uint32_t>(::getpid())};
}

result<int> run_head(head_start start, const function_registry& functions) {
  actors::run_head_options options;
  options.setup.settings = std::move(start.configuration.settings);
  options.setup.origins = std::move(start.configuration.origins);
  options.setup.read_config = std::move(start.read_again);
  options.setup.functions = &functions;
  options.setup.http = gateway::make_handler;
  std::unique_ptr<storyteller> story;
  options.on_ready = [&](actors::head& h) {
    auto process = describe(h);
    start.on_ready(process);
    auto record = actors::read_head_record(h.state_dir());
    if (record && start.on_event)
      story = std::make_unique<storyteller>(process, record->certificates, start.on_event);
  };
  options.on_stopping = [&](const std::string& why, bool drain) { start.on_stopping(why, drain); };
  auto ended = actors::run_head(std::move(options));
  story.reset();
  return ended;
}

// ---- workers

result<int> run_worker(worker_start start, const function_registry& functions) {
  auto record = actors::find_cluster(start.address, start.certificates);
  if (!record) return tl::unexpected(record.error());
  actors::worker_options options;
  options.address = record->address;
  options.certificates = record->tls ? record->certificates : "";
  options.pool = start.pool;
  options.name = start.name;
  options.settings = std::move(start.settings);
  // Started by hand, it has no cluster's folder to write below.
  auto own = actors::state_root() / "workers" / std::to_string(::getpid());
  auto place = [&](const std::string& folder) {
    return std::filesystem::path(folder).is_absolute() ? folder : (own / folder).string();
  };
  options.log_dir = place(options.settings.log_dir);
  options.scratch = place(options.settings.scratch);
  const bool own_scratch = !std::filesystem::path(options.settings.scratch).is_absolute();
  const auto scratch = options.scratch;
  options.settings.nice = 0;  // who starts it by hand has nice(1) for that
  auto ended = actors::run_worker(std::move(options), functions);
  std::error_code ignored;
  if (own_scratch) std::filesystem::remove_all(scratch, ignored);
  return ended;
}

// In a child process, because a module that crashes must not take us with it.
result<std::string> describe_functions(const worker_settings& settings) {
  auto described = worker::describe({"/proc/self/exe"}, settings.modules);
  if (!described) return tl::unexpected(described.error());
  json functions = json::array();
  for (const auto& f : described->functions)
    functions.push_back({{"name", f.name}, {"signature", f.signature}});
  return json{{"functions", functions},
              {"resources", to_string(described->resources)},
              {"memory", described->memory}}
      .dump(2);
}

// ---- state folders

std::filesystem::path state_dir_of(const cluster_settings& s) {
  return s.cluster.state_dir.empty() ? actors::state_root() / s.cluster.name
                                     : std::filesystem::path(s.cluster.state_dir);
}

// The folder whose record has this address.
std::filesystem::path folder_of(const actors::head_record& wanted) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(actors::state_root(), error)) {
    auto record = actors::read_head_record(entry.path());
    if (record && record->address == wanted.address && record->pid == wanted.pid)
      return entry.path();
  }
  // Elsewhere (cluster.state_dir): its certificates are in it, unless somebody moved them.
  auto guess = std::filesystem::path(wanted.certificates).parent_path();
  auto record = actors::read_head_record(guess);
  return record && record->address == wanted.address ? guess : std::filesystem::path{};
}

result<head_process> find_head(const std::string& address) {
  auto record = actors::find_cluster(address, "");
  if (!record) return tl::unexpected(record.error());
  return head_process{record->name, record->address, record->http, folder_of(*record),
                      record->pid};
}

}  // namespace

services connect_to_world(const function_registry& functions) {
  services s;
  s.connect = connect;
  s.temporary_cluster = [&functions](cluster_settings settings) {
    return start_temporary(std::move(settings), functions);
  };
  s.run_head = [&functions](head_start start) { return run_head(std::move(start), functions); };
  s.run_worker = [&functions](worker_start start) {
    return run_worker(std::move(start), functions);
  };
  s.describe_functions = describe_functions;
  s.measure = bench::run;
  s.state_dir = state_dir_of;
  s.find_head = find_head;
  s.head_alive = actors::head_alive;
  return s;
}

}  // namespace troupe::cli
