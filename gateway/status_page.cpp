#include "gateway/status_page.hpp"

#include <nlohmann/json.hpp>

namespace troupe::gateway {
namespace {

using nlohmann::json;

constexpr const char* style = R"(
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; margin-bottom: 0; }
  h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
  p { margin: .2rem 0; opacity: .75; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th, td { text-align: right; padding: .3rem .7rem; border-bottom: 1px solid #8884; }
  th:first-child, td:first-child { text-align: left; }
  th { font-weight: 600; opacity: .75; }
  .bar { background: #8883; border-radius: 3px; height: .6rem; min-width: 6rem; }
  .bar span { display: block; height: 100%; border-radius: 3px; background: #3a7bd5; }
  .trouble { color: #c0392b; }
)";

std::string escape(const std::string& text) {
  std::string out;
  for (char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  return out;
}

std::string text_of(const json& j) {
  if (j.is_string()) return escape(j.get<std::string>());
  return j.is_null() ? "–" : escape(j.dump());
}

std::string bar(double part, double whole) {
  int percent = whole > 0 ? static_cast<int>(100 * std::min(1.0, part / whole)) : 0;
  return "<div class=bar><span style=\"width:" + std::to_string(percent) + "%\"></span></div>";
}

std::string pool_row(const json& p) {
  double registered = p.value("registered", 0.0);
  double whole = p["max"].is_number() ? p["max"].get<double>() : p.value("target", 0.0);
  std::string row = "<tr><td>" + text_of(p["name"]);
  if (!p["backoff"].is_null())
    row += "<p class=trouble>" + text_of(p["backoff"]["reason"]) + "</p>";
  row += "<td>" + bar(registered, whole);
  for (const char* column : {"registered", "target", "launching", "draining", "min", "max"})
    row += "<td>" + (p[column].is_null() ? "∞" : text_of(p[column]));
  return row;
}

std::string duration_text(double seconds) {
  auto s = static_cast<long>(seconds);
  if (s < 120) return std::to_string(s) + " s";
  if (s < 7200) return std::to_string(s / 60) + " min";
  return std::to_string(s / 3600) + " h";
}

}  // namespace

std::string status_page(const json& s) {
  const auto& c = s["cluster"];
  std::string out = "<!doctype html><html lang=en><meta charset=utf-8><title>" +
                    text_of(c["name"]) + " – Troupe</title><style>" + style + "</style>";
  out += "<h1>" + text_of(c["name"]) + "</h1><p>" + text_of(c["version"]) + " · up " +
         duration_text(c["uptime"]) + " · epoch " + text_of(c["epoch"]) + " · links at " +
         text_of(c["address"]) + "</p>";
  out += "<h2>Pools</h2><table><tr><th>pool<th>workers<th>registered<th>target<th>launching"
         "<th>draining<th>min<th>max";
  for (const auto& p : s["pools"]) out += pool_row(p);
  out += "</table><h2>Tasks</h2><table><tr>";
  constexpr const char* order[] = {"waiting",  "ready",  "assigned", "running",
                                   "finished", "failed", "cancelled"};
  for (const char* state : order) out += std::string{"<th>"} + state;
  out += "<tr>";
  for (const char* state : order) out += "<td>" + text_of(s["tasks"][state]);
  out += "</table><h2>More</h2><p>"
         "<a href=\"/api/v1/jobs\">jobs</a> · <a href=\"/api/v1/tasks\">tasks</a> · "
         "<a href=\"/api/v1/workers\">workers</a> · <a href=\"/api/v1/autoscaler/decisions\">"
         "decisions</a> · <a href=\"/api/v1/config\">configuration</a> · "
         "<a href=\"/metrics\">metrics</a></p></html>\n";
  return out;
}

}  // namespace troupe::gateway
