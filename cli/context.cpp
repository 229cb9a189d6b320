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
    throw command_error(
        out_of_reach(reached.error().code) ? exit_code::no_cluster : exit_code::failed, message);
  }
  cluster_ = std::move(*reached);
  return *cluster_;
}

void context::use_temporary_cluster(const std::string& file) {
  auto loaded = load_settings(out, file);
  out.note("Starting a cluster from " + file + " …");
  auto started = outside.temporary_cluster(std::move(loaded.settings));
  if (!started) request_failed("the cluster can't start: " + words_of(started.error()));
  cluster_ = std::move(*started);
}

config::loaded load_settings(output& out, const std::string& file) {
  auto loaded = config::load(file, config::process_environment());
  if (!loaded) {
    auto problems = config::to_text(loaded.error());
    while (problems.ends_with('\n')) problems.pop_back();
    refuse_usage("the configuration can't be used\n" + problems);
  }
  for (const auto& w : loaded->warnings) out.warning(to_string(w));
  return std::move(*loaded);
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
