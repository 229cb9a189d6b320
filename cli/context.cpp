// See context.hpp.
#include "cli/context.hpp"

#include <cstdlib>

namespace troupe::cli {
namespace {

std::string environment(const char* name) {
  const char* text = std::getenv(name);
  return text ? text : "";
}

bool out_of_reach(errc code) {
  return code == errc::unavailable || code == errc::unauthenticated ||
         code == errc::version_mismatch;
}

}  // namespace

chosen_address choose_address(const common_options& o) {
  if (!o.address.empty()) return {o.address, "--address"};
  if (auto a = environment("TROUPE_ADDRESS"); !a.empty()) return {a, "TROUPE_ADDRESS"};
  return {"", "the cluster that was started last"};
}

std::string words_of(const failure& f) {
  auto words = f.type.empty() ? f.message : f.type + ": " + f.message;
  if (words.empty()) return std::string{to_string(f.code)};
  return words + " (" + std::string{to_string(f.code)} + ")";
}

void throw_failure(const failure& f) {
  if (f.code == errc::unavailable)
    throw command_error(exit_code::no_cluster, "the cluster is out of reach: " + words_of(f));
  request_failed(words_of(f));
}

cluster_access& context::cluster() {
  if (cluster_) return *cluster_;
  auto chosen = choose_address(common);
  auto certificates =
      common.certificates.empty() ? environment("TROUPE_CERTS") : common.certificates;
  auto reached = outside.connect({chosen.address, certificates});
  if (!reached) {
    auto at = chosen.address.empty() ? "" : " at " + chosen.address;
    auto message = "no cluster reached" + at + " (from " + chosen.origin +
                   "): " + reached.error().message;
    if (reached.error().code == errc::unavailable)
      message += "\n  start one with: troupe up -f cluster.yaml, or name one with --address";
    throw command_error(
        out_of_reach(reached.error().code) ? exit_code::no_cluster : exit_code::failed, message);
  }
  cluster_ = std::move(*reached);
  return *cluster_;
}

void context::use_temporary_cluster(const std::string& file) {
  out.note("Starting a cluster from " + file + " …");
  auto started = outside.temporary_cluster(file);
  if (!started) {
    auto code = started.error().code == errc::invalid_argument ? exit_code::usage
                                                               : exit_code::failed;
    throw command_error(code, started.error().message);
  }
  cluster_ = std::move(*started);
}

json context::ask(const std::string& method, const json& parameters, duration timeout) {
  auto packed = to_value(parameters);
  if (!packed) request_failed(method + ": " + packed.error().message);
  auto answer = cluster().request(method, *packed, timeout);
  if (!answer) throw_failure(answer.error());
  auto j = to_json(*answer);
  return j.is_null() ? json::object() : j;
}

}  // namespace troupe::cli
