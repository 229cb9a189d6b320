// The gateway of a real head, asked over HTTP.
#include "gateway/gateway.hpp"

#include <cstdio>
#include <fstream>
#include <future>

#include <nlohmann/json.hpp>

#include "actors/head.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace troupe;
using nlohmann::json;

namespace {

struct served_head {
  tests::temporary_folder folder;
  actors::system_config config;
  caf::actor_system system{config};
  net::io io{1};
  std::unique_ptr<actors::head> head;

  served_head() {
    actors::head_options o;
    o.settings.cluster.name = "tested";
    o.settings.cluster.state_dir = (folder.path() / "state").string();
    o.settings.scheduler.listen.port = 0;
    o.settings.scheduler.http->port = 0;
    pool_settings pool;
    pool.name = "<threads>";  // must be escaped where it is shown
    pool.provider = threads_provider_settings{};
    pool.min = 1;
    pool.max = 2;
    pool.worker.slots = 1;
    o.settings.pools.push_back(pool);
    o.announce = false;
    o.http = gateway::make_handler;
    auto started = actors::head::start(system, std::move(o));
    REQUIRE(started);
    head = std::move(*started);
    wait_for_pools();
  }
  ~served_head() { head.reset(); }

  // Managers report a moment after the start.
  void wait_for_pools() {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (json::parse(get("/api/v1/pools").body)["pools"].empty())
      if (std::chrono::steady_clock::now() > deadline) FAIL("no pool has reported");
  }

  net::http_response get(const std::string& path, const std::string& method = "GET",
                         net::http_headers headers = {}) {
    net::http_call_options o;
    o.method = method;
    o.url = "http://" + head->http_address() + path;
    o.headers = std::move(headers);
    std::promise<result<net::http_response>> answer;
    net::http_call(io, o, [&](result<net::http_response> r) { answer.set_value(std::move(r)); });
    auto r = answer.get_future().get();
    REQUIRE(r);
    return *r;
  }
};

}  // namespace

TEST_CASE("health and readiness are answered") {
  served_head h;
  CHECK(h.get("/healthz").status == 200);
  CHECK(h.get("/readyz").status == 200);
}

TEST_CASE("metrics are in Prometheus' text format and without findings of promtool") {
  served_head h;
  auto r = h.get("/metrics");
  CHECK(r.status == 200);
  CHECK(r.content_type.find("text/plain") == 0);
  CHECK(r.body.find("troupe_tasks{state=\"ready\"} 0") != std::string::npos);
  CHECK(r.body.find("troupe_pool_max") != std::string::npos);
  CHECK(r.body.find("troupe_task_wait_seconds_count 0") != std::string::npos);
  // The first answer was counted when the second was made.
  CHECK(h.get("/metrics").body.find("troupe_http_requests_total{code=\"2xx\"} 0\n") ==
        std::string::npos);
  if (std::system("promtool --version > /dev/null 2>&1") != 0) {
    WARN("promtool is not installed: the exposition is not linted");
    return;
  }
  auto file = h.folder.path() / "metrics.txt";
  std::ofstream(file) << r.body;
  CHECK(std::system(("promtool check metrics < " + file.string()).c_str()) == 0);
}

TEST_CASE("the status of the cluster is JSON with stable names") {
  served_head h;
  auto j = json::parse(h.get("/api/v1/status").body);
  CHECK(j["cluster"]["name"] == "tested");
  REQUIRE(j["pools"].size() == 1);
  for (const char* name :
       {"name", "min", "max", "target", "registered", "launching", "draining", "backoff",
        "paused"})
    CHECK(j["pools"][0].contains(name));
}

TEST_CASE("the page escapes what comes from outside") {
  served_head h;
  auto r = h.get("/");
  CHECK(r.status == 200);
  CHECK(r.content_type.find("text/html") == 0);
  CHECK(r.body.find("<threads>") == std::string::npos);
  CHECK(r.body.find("&lt;threads&gt;") != std::string::npos);
}

TEST_CASE("failures have their status and say what is wrong") {
  served_head h;
  CHECK(h.get("/nowhere").status == 404);
  auto r = h.get("/api/v1/job?id=77");
  CHECK(r.status == 404);
  CHECK(r.body.find("77") != std::string::npos);
  CHECK(h.get("/api/v1/tasks?state=sleeping").status == 400);
}

TEST_CASE("a parameter that is no number is refused by its name") {
  served_head h;
  for (const char* path : {"/api/v1/autoscaler/decisions?limit=a", "/api/v1/jobs?limit=-1",
                           "/api/v1/tasks?offset=1.5"}) {
    INFO(path);
    auto r = h.get(path);
    CHECK(r.status == 400);
    auto error = json::parse(r.body)["error"];
    CHECK(error["code"] == "invalid_argument");
    auto words = error["message"].get<std::string>();
    CHECK(words.find("parameter \"") == 0);
    CHECK(words.find("json.exception") == std::string::npos);
  }
  auto r = h.get("/api/v1/autoscaler/decisions?limit=a");
  CHECK(json::parse(r.body)["error"]["message"] ==
        "parameter \"limit\" has the wrong type: \"a\"");
}

TEST_CASE("workers have a memory limit, or none is known") {
  served_head h;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  json rows;
  while ((rows = json::parse(h.get("/api/v1/workers").body)["workers"]).empty())
    if (std::chrono::steady_clock::now() > deadline) FAIL("no worker has registered");
  // Not given in the settings: all of the machine, or of the control group.
  CHECK(rows[0]["memory_limit"].get<std::uint64_t>() > 0);
}

TEST_CASE("the port for people changes nothing") {
  served_head h;
  CHECK(h.get("/api/v1/status", "POST").status == 405);
  CHECK(h.get("/api/v1/shutdown").status == 404);
  CHECK(h.get("/api/v1/scale?pool=x&workers=1").status == 404);
}

TEST_CASE("a page of another origin can't reach it by a host name of its own") {
  served_head h;
  CHECK(h.get("/api/v1/status", "GET", {{"Host", "evil.example"}}).status == 403);
}

TEST_CASE("a pool's size is explained, and its decisions have what went in") {
  served_head h;
  const std::string pool = "?pool=%3Cthreads%3E";
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  auto r = h.get("/api/v1/autoscaler/explain" + pool);
  while (r.status == 503 && std::chrono::steady_clock::now() < deadline)
    r = h.get("/api/v1/autoscaler/explain" + pool);  // nothing has been decided yet
  REQUIRE(r.status == 200);
  auto j = json::parse(r.body);
  CHECK(j["why"][0].get<std::string>().find("Pool <threads> has ") == 0);
  CHECK_FALSE(j["changes"].empty());
  for (const char* name : {"ready", "queue", "for_signals", "signals", "scheduled_min", "steps"})
    CHECK(j["decision"]["inputs"].contains(name));
  CHECK(h.get("/api/v1/autoscaler/explain?pool=other").status == 404);
  auto log = json::parse(h.get("/api/v1/autoscaler/decisions" + pool).body);
  CHECK_FALSE(log["decisions"].empty());
  CHECK(json::parse(h.get("/api/v1/autoscaler/decisions?pool=other").body)["decisions"].empty());
}
