// See promql.hpp. The format of answers: the "HTTP API" chapter of Prometheus' manual.
#include "actors/promql.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "libruntime/base64.hpp"
#include "libruntime/option_tree.hpp"

namespace troupe::actors {
namespace {

using autoscaler::signal_reading;
using autoscaler::signal_trouble;
using nlohmann::json;

// An answer is one number: what is longer is no answer to be kept in memory.
constexpr std::uint64_t most_bytes = 1 << 20;
constexpr std::size_t most_secret_bytes = 64 << 10;

// Without the line break that editors leave at the end.
result<std::string> secret_in(const std::string& file) {
  // What is no plain file could make the reader wait for ever, or throw.
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    return fail(errc::unavailable, file + (error ? ": " + error.message() : " is no plain file"));
  std::ifstream in(file, std::ios::binary);
  std::string text(most_secret_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad() || (!in && !in.eof())) return fail(errc::unavailable, file + " can't be read");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return fail(errc::invalid_argument, file + " is empty");
  if (text.size() > most_secret_bytes)
    return fail(errc::invalid_argument, file + " is too large to be a secret");
  return text;
}

result<std::string> secret(const std::optional<std::string>& given, const std::string& file) {
  if (!file.empty()) return secret_in(file);
  return given.value_or("");
}

// The value of the Authorization header; empty: none is sent.
result<std::string> authorization(const prometheus_settings& s) {
  std::string text;
  if (!s.username.empty()) {
    auto password = secret(s.password, s.password_file);
    if (!password) return tl::unexpected(password.error());
    const auto login = s.username + ":" + *password;
    text = "Basic " + base64(std::as_bytes(std::span{login}));
  } else if (s.token || !s.token_file.empty()) {
    auto token = secret(s.token, s.token_file);
    if (!token) return tl::unexpected(token.error());
    text = "Bearer " + *token;
  }
  // What would end the line would begin a header.
  for (const unsigned char c : text)
    if (c < ' ' || c == 127)
      return fail(errc::invalid_argument, "the token holds a control character");
  return text;
}

struct verdict {
  signal_trouble trouble;
  std::string detail;
};

// What the server says of itself is shown, but not all of it: it may be anything.
std::string shown(const std::string& text) {
  return quote(text);
}

verdict verdict_of(const failure& f) {
  if (f.code == errc::unauthenticated || f.code == errc::forbidden)
    return {signal_trouble::unauthorized, f.message};
  if (f.code == errc::protocol || f.code == errc::too_large)
    return {signal_trouble::bad_answer, f.message};
  if (f.message.ends_with("no answer in time")) return {signal_trouble::timeout, f.message};
  return {signal_trouble::unreachable, f.message};
}

verdict verdict_of_status(const net::http_response& r) {
  const auto status = "HTTP status " + std::to_string(r.status);
  if (r.status == 401 || r.status == 403) return {signal_trouble::unauthorized, status};
  const auto j = json::parse(r.body, nullptr, false);
  const bool says = j.is_object() && j.value("status", json()) == "error";
  const auto error = says && j.contains("error") && j["error"].is_string()
                         ? j["error"].get<std::string>()
                         : std::string{};
  const auto type = says ? j.value("errorType", json()) : json();
  if (says && (r.status == 400 || r.status == 422) && (type == "bad_data" || type == "execution"))
    return {signal_trouble::bad_query, shown(error)};
  if (says && type == "timeout") return {signal_trouble::timeout, status + ": " + shown(error)};
  return {signal_trouble::http_error, status + (error.empty() ? "" : ": " + shown(error))};
}

// A sample is [seconds, "number as text"].
struct sample {
  double at = 0, value = 0;
};

std::optional<sample> sample_of(const json& j) {
  if (!j.is_array() || j.size() != 2 || !j[0].is_number() || !j[1].is_string()) return {};
  const auto& text = j[1].get_ref<const std::string&>();
  sample s;
  s.at = j[0].get<double>();
  if (text == "NaN") {
    s.value = std::nan("");
  } else if (text == "+Inf" || text == "-Inf" || text == "Inf") {
    s.value = text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
  } else {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), s.value);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
  }
  return s;
}

tl::expected<sample, verdict> sample_in(const net::http_response& r) {
  const verdict odd{signal_trouble::bad_answer, "not what a Prometheus answers: " + shown(r.body)};
  const auto j = json::parse(r.body, nullptr, false);
  if (!j.is_object() || j.value("status", json()) != "success" || !j.contains("data") ||
      !j["data"].is_object())
    return tl::unexpected(odd);
  const auto& data = j["data"];
  const auto type = data.value("resultType", json());
  const auto found = data.find("result");
  if (found == data.end() || !found->is_array()) return tl::unexpected(odd);
  json one;
  if (type == "scalar") {
    one = *found;
  } else if (type == "vector") {
    if (found->empty())
      return tl::unexpected(verdict{signal_trouble::empty, "the query finds no series"});
    if (found->size() > 1)
      return tl::unexpected(
          verdict{signal_trouble::several, "the query finds " + std::to_string(found->size()) +
                                               " series; sum() or max() would make one of them"});
    if ((*found)[0].is_object()) one = (*found)[0].value("value", json());
  } else if (type == "matrix" || type == "string") {
    return tl::unexpected(
        verdict{signal_trouble::bad_query, "the query gives a " + type.get<std::string>() +
                                               "; expected a number or a vector of one series"});
  }
  const auto s = sample_of(one);
  if (!s) return tl::unexpected(odd);
  return *s;
}

}  // namespace

result<net::http_call_options> instant_query(const prometheus_settings& server,
                                             const signal_settings& signal) {
  net::http_call_options o;
  auto url = server.url;
  while (url.ends_with('/')) url.pop_back();
  o.url = url + "/api/v1/query?query=" + net::percent_encode(signal.query) + "&timeout=" +
          std::to_string(std::max<std::int64_t>(
              1, duration_cast<std::chrono::milliseconds>(signal.timeout).count())) +
          "ms";
  o.headers.emplace_back("Accept", "application/json");
  auto proof = authorization(server);
  if (!proof) return tl::unexpected(proof.error());
  if (!proof->empty()) o.headers.emplace_back("Authorization", *proof);
  o.authorities = server.ca_file;
  o.deadline = signal.timeout;
  o.max_body_bytes = most_bytes;
  return o;
}

signal_reading reading_of(const signal_settings& signal, const result<net::http_response>& answer,
                          time_point now, double unix_now) {
  signal_reading r;
  r.name = signal.name;
  r.at = now;
  auto refuse = [&](verdict v) {
    r.trouble = v.trouble;
    r.detail = std::move(v.detail);
    return r;
  };
  if (!answer) return refuse(verdict_of(answer.error()));
  if (answer->status != 200) return refuse(verdict_of_status(*answer));
  auto s = sample_in(*answer);
  if (!s) return refuse(std::move(s.error()));
  if (std::isnan(s->value)) return refuse({signal_trouble::nan, "the query gives no number (NaN)"});
  if (std::isinf(s->value)) return refuse({signal_trouble::infinite, "the query gives infinity"});
  // A server whose clock runs ahead is not believed to know the future.
  const auto age = std::clamp(unix_now - s->at, 0.0, 1e9);
  if (from_seconds(age) > signal.freshness)
    return refuse({signal_trouble::stale,
                   "the answer is of " +
                       format_duration(std::chrono::seconds{static_cast<int>(age)}) + " ago"});
  r.at = now - from_seconds(age);
  r.value = s->value;
  return r;
}

}  // namespace troupe::actors
