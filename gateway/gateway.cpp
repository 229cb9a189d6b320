#include "gateway/gateway.hpp"

#include <atomic>
#include <set>

#include <caf/all.hpp>
#include <nlohmann/json.hpp>

#include "actors/errors.hpp"
#include "actors/json.hpp"
#include "gateway/metrics.hpp"
#include "gateway/status_page.hpp"

namespace troupe::gateway {

// One HTTP request on its way through the gateway's actor.
struct ask_control {
  actors::control_query query;
  net::http_reply reply;
  bool page = false;  // the status page, not JSON
};
struct ask_metrics {
  gateway_counters counters;
  net::http_reply reply;
};

}  // namespace troupe::gateway

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::gateway::ask_control)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::gateway::ask_metrics)

namespace troupe::gateway {
namespace {

using namespace actors;
using nlohmann::json;

constexpr auto answer_timeout = std::chrono::seconds{10};

// Counted on io threads, read when metrics are scraped.
struct counters {
  std::atomic<std::uint64_t> ok{0}, refused{0}, failed{0};

  void count(unsigned status) {
    ++(status < 400 ? ok : status < 500 ? refused : failed);
  }
};

using gateway_actor = caf::typed_actor<caf::reacts_to<ask_control>, caf::reacts_to<ask_metrics>>;

unsigned status_of(errc code) {
  switch (code) {
    case errc::not_found: return 404;
    case errc::invalid_argument: return 400;
    case errc::forbidden: return 403;
    case errc::unauthenticated: return 401;
    case errc::too_large: return 413;
    case errc::overloaded:
    case errc::unavailable: return 503;
    default: return 500;
  }
}

net::http_response text(unsigned status, std::string body) {
  net::http_response r;
  r.status = status;
  r.body = std::move(body);
  return r;
}

net::http_response json_answer(const json& j) {
  net::http_response r;
  r.content_type = "application/json";
  // Values are MessagePack: in JSON they are base64-free lists of bytes only if asked for, so
  // invalid UTF-8 in names or messages is replaced, never an exception.
  r.body = j.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  return r;
}

net::http_response error_answer(const failure& f) {
  auto r = json_answer({{"error", {{"code", to_string(f.code)}, {"message", f.message}}}});
  r.status = status_of(f.code);
  return r;
}

net::http_response page_of(const json& status) {
  net::http_response r;
  r.content_type = "text/html; charset=utf-8";
  r.headers = {{"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"},
               {"Refresh", "2"}};
  r.body = status_page(status);
  return r;
}

gateway_actor::behavior_type gateway_behavior(gateway_actor::pointer self, const scheduler_actor& scheduler,
                                              const autoscaler_actor& autoscaler) {
  self->monitor(scheduler);
  self->set_down_handler([self](caf::down_msg&) { self->quit(); });
  return {
      [=](ask_control& a) {
        self->request(scheduler, answer_timeout, std::move(a.query))
            .then(
                [reply = a.reply, page = a.page](const value& body) {
                  auto j = to_json(body);
                  if (!j) return reply(error_answer(j.error()));
                  reply(page ? page_of(*j) : json_answer(*j));
                },
                [reply = a.reply](caf::error& e) { reply(error_answer(to_failure(e))); });
      },
      [=](ask_metrics& a) {
        self->request(scheduler, answer_timeout, get_metrics{})
            .then(
                [=, reply = a.reply, http = a.counters](const metrics_ptr& m) {
                  self->request(autoscaler, answer_timeout, get_decision_counts{})
                      .then(
                          [=](const decision_counts_ptr& d) {
                            net::http_response r;
                            r.content_type = "text/plain; version=0.0.4; charset=utf-8";
                            r.body = metrics_text(*m, *d, http);
                            reply(std::move(r));
                          },
                          [=](caf::error& e) { reply(error_answer(to_failure(e))); });
                },
                [reply = a.reply](caf::error& e) { reply(error_answer(to_failure(e))); });
      },
  };
}

// What may be asked without a certificate: nothing that changes anything, no results, no logs.
const std::map<std::string, std::string, std::less<>> readable = {
    {"status", "status"},   {"jobs", "jobs"},       {"job", "job"},
    {"tasks", "tasks"},     {"workers", "workers"}, {"pools", "pools"},
    {"why", "why"},         {"version", "version"}, {"config", "config.show"},
    {"autoscaler/decisions", "autoscaler.log"}, {"autoscaler/explain", "autoscaler.explain"}};

// Query parameters as JSON: numbers where they look like some, since "limit" is one.
json parameters_of(const std::string& query) {
  json out = json::object();
  for (const auto& [name, text] : net::parse_query(query)) {
    bool number = !text.empty() && text.size() < 10 &&
                  text.find_first_not_of("0123456789") == std::string::npos && name != "id" &&
                  name != "job";
    out[name] = number ? json(std::stoul(text)) : json(text);
  }
  return out;
}

class handler {
 public:
  explicit handler(head& h) : head_(h), actor_(h.system().spawn(gateway_behavior, h.scheduler(), h.autoscaler())) {}

  void operator()(net::http_request r, net::http_reply reply) {
    auto counted = [c = counters_, reply = std::move(reply)](net::http_response answer) {
      c->count(answer.status);
      reply(std::move(answer));
    };
    if (r.method != "GET" && r.method != "HEAD") {
      auto answer = text(405, "this port only answers questions (GET)\n");
      answer.headers = {{"Allow", "GET, HEAD"}};
      return counted(std::move(answer));
    }
    // A page of another origin must not read the cluster through somebody's browser.
    if (!is_own_host(r)) return counted(text(403, "unknown host name\n"));
    route(r, counted);
  }

 private:
  bool is_own_host(const net::http_request& r) const {
    if (r.identity) return true;
    auto host = std::string{r.header("Host")};
    auto colon = host.rfind(':');
    if (colon != std::string::npos && host.find(']', colon) == std::string::npos)
      host.resize(colon);
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    return host.empty() || is_loopback(host_port{host, 0});
  }

  gateway_counters count() const {
    auto links = head_.counters();
    return {counters_->ok, counters_->refused, counters_->failed, links.accepted,
            links.links,   links.refused,      links.open};
  }

  void route(const net::http_request& r, net::http_reply reply) {
    if (r.path == "/healthz") return reply(text(200, "ok\n"));
    if (r.path == "/readyz")
      return reply(head_.stopping() ? text(503, "stopping\n") : text(200, "ready\n"));
    if (r.path == "/metrics")
      return caf::anon_send(actor_, ask_metrics{count(), std::move(reply)});
    if (r.path == "/")
      return caf::anon_send(actor_, ask_control{{{}, true, "status", {}}, std::move(reply), true});
    constexpr std::string_view api = "/api/v1/";
    if (r.path.rfind(api, 0) == 0)
      if (auto i = readable.find(std::string_view{r.path}.substr(api.size())); i != readable.end())
        return caf::anon_send(actor_,
                              ask_control{{{}, true, i->second, to_value(parameters_of(r.query))},
                                          std::move(reply), false});
    reply(text(404, "there is nothing at " + r.path + "\n"));
  }

  head& head_;
  gateway_actor actor_;
  std::shared_ptr<counters> counters_ = std::make_shared<counters>();
};

}  // namespace

net::http_handler make_handler(head& h) {
  auto shared = std::make_shared<handler>(h);
  return [shared](net::http_request r, net::http_reply reply) {
    (*shared)(std::move(r), std::move(reply));
  };
}

}  // namespace troupe::gateway
