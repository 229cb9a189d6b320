// What a Prometheus is asked, and what its answers mean.
#include "actors/promql.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/catch.hpp"

namespace troupe::actors {
namespace {

using autoscaler::signal_reading;
using autoscaler::signal_trouble;
using namespace std::chrono_literals;

constexpr double unix_now = 1'700'000'000;
constexpr time_point now{1000s};

signal_settings latency() {
  signal_settings s;
  s.name = "latency";
  s.query = "sum(rate(x{a=\"b c\"}[1m]))";
  s.target = 1;
  return s;
}

signal_reading reading(unsigned status, std::string body) {
  net::http_response r;
  r.status = status;
  r.body = std::move(body);
  return reading_of(latency(), r, now, unix_now);
}

signal_reading reading(const std::string& body) {
  return reading(200, body);
}

std::string vector_of(const std::string& samples) {
  return R"({"status":"success","data":{"resultType":"vector","result":[)" + samples + "]}}";
}

std::string sample(const std::string& value, const std::string& at = "1700000000.0") {
  return R"({"metric":{"job":"x"},"value":[)" + at + ",\"" + value + "\"]}";
}

std::string header(const net::http_call_options& o, std::string_view name) {
  return std::string{net::find_header(o.headers, name)};
}

TEST_CASE("a vector of one series or a scalar is a number") {
  CHECK(reading(vector_of(sample("0.25"))).value == 0.25);
  CHECK(reading(vector_of(sample("-1e-3"))).value == -0.001);
  auto scalar = R"({"status":"success","data":{"resultType":"scalar","result":[1700000000,"42"]}})";
  CHECK(reading(scalar).value == 42);
  CHECK(reading(scalar).trouble == signal_trouble::none);
  CHECK(reading(scalar).name == "latency");
}

TEST_CASE("a reading is of the moment the server says, but never of the future") {
  CHECK(reading(vector_of(sample("1", "1699999990"))).at == now - 10s);
  CHECK(reading(vector_of(sample("1", "1700000099"))).at == now);
}

TEST_CASE("no series, several, NaN, infinity and old answers have names of their own") {
  CHECK(reading(vector_of("")).trouble == signal_trouble::empty);
  auto two = reading(vector_of(sample("1") + "," + sample("2")));
  CHECK(two.trouble == signal_trouble::several);
  CHECK(two.detail == "the query finds 2 series; sum() or max() would make one of them");
  CHECK(reading(vector_of(sample("NaN"))).trouble == signal_trouble::nan);
  CHECK(reading(vector_of(sample("+Inf"))).trouble == signal_trouble::infinite);
  CHECK(reading(vector_of(sample("-Inf"))).trouble == signal_trouble::infinite);
  auto old = reading(vector_of(sample("1", "1699999900")));
  CHECK(old.trouble == signal_trouble::stale);
  CHECK(old.detail == "the answer is of 100s ago");
  for (const auto& r : {two, old}) CHECK_FALSE(r.value);
}

TEST_CASE("what the server refuses is told with its words") {
  auto error = [](const std::string& type, const std::string& text) {
    return R"({"status":"error","errorType":")" + type + R"(","error":")" + text + "\"}";
  };
  auto bad = reading(400, error("bad_data", "parse error"));
  CHECK(bad.trouble == signal_trouble::bad_query);
  CHECK(bad.detail == "\"parse error\"");
  CHECK(reading(422, error("execution", "many-to-many")).trouble == signal_trouble::bad_query);
  CHECK(reading(503, error("timeout", "query timed out")).trouble == signal_trouble::timeout);
  CHECK(reading(500, "oh no").trouble == signal_trouble::http_error);
  CHECK(reading(500, "oh no").detail == "HTTP status 500");
  CHECK(reading(404, "").trouble == signal_trouble::http_error);
  CHECK(reading(302, "").trouble == signal_trouble::http_error);
  CHECK(reading(401, "").trouble == signal_trouble::unauthorized);
  CHECK(reading(403, "").trouble == signal_trouble::unauthorized);
}

TEST_CASE("a query that gives no number is a bad query") {
  for (auto type : {"matrix", "string"})
    CHECK(reading(std::string{R"({"status":"success","data":{"resultType":")"} + type +
                  R"(","result":[]}})")
              .trouble == signal_trouble::bad_query);
}

TEST_CASE("whatever else comes is not an answer, and is cut before it is shown") {
  for (std::string odd :
       {"", "<html>", "null", "[]", "{}", R"({"status":"success"})",
        R"({"status":"success","data":[]})",
        R"({"status":"success","data":{"resultType":"vector"}})",
        R"({"status":"success","data":{"resultType":"vector","result":[1]}})",
        R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}})",
        R"({"status":"success","data":{"resultType":"vector","result":[{"value":["1","1"]}]}})",
        R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1,2]}]}})",
        R"({"status":7,"data":{"resultType":7,"result":7}})"}) {
    INFO(odd);
    CHECK(reading(odd).trouble == signal_trouble::bad_answer);
  }
  CHECK(reading(vector_of(sample("12abc"))).trouble == signal_trouble::bad_answer);
  CHECK(reading(std::string(100'000, 'x')).detail.size() < 200);
}

TEST_CASE("failures of the connection have names of their own") {
  auto failed = [](errc code, const std::string& text) {
    return reading_of(latency(), tl::unexpected(failure{code, text, {}}), now, unix_now).trouble;
  };
  CHECK(failed(errc::unavailable, "GET http://p: no answer in time") == signal_trouble::timeout);
  CHECK(failed(errc::unavailable, "connecting to p: refused") == signal_trouble::unreachable);
  CHECK(failed(errc::unauthenticated, "the peer's certificate") == signal_trouble::unauthorized);
  CHECK(failed(errc::protocol, "the answer is not HTTP") == signal_trouble::bad_answer);
  CHECK(failed(errc::too_large, "more than 1048576 bytes") == signal_trouble::bad_answer);
}

TEST_CASE("the question has the query, escaped, and the deadline") {
  prometheus_settings server;
  server.url = "https://p:9090/prefix/";
  server.ca_file = "/ca.pem";
  auto o = instant_query(server, latency());
  REQUIRE(o);
  CHECK(o->url ==
        "https://p:9090/prefix/api/v1/query?query=sum%28rate%28x%7Ba%3D%22b%20c%22%7D%5B1m%5D%29%29"
        "&timeout=5000ms");
  CHECK(o->authorities == "/ca.pem");
  CHECK(o->deadline == 5s);
  CHECK(header(*o, "Authorization").empty());
}

TEST_CASE("who asks is said by name and password, or by a token") {
  prometheus_settings server;
  server.url = "http://p";
  server.username = "Aladdin";
  server.password = "open sesame";
  CHECK(header(*instant_query(server, latency()), "Authorization") ==
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  server = {};
  server.token = "abc.def";
  CHECK(header(*instant_query(server, latency()), "Authorization") == "Bearer abc.def");
}

TEST_CASE("a secret's file is read at every question, so that it can be renewed") {
  const auto file =
      std::filesystem::temp_directory_path() / ("troupe-secret-" + std::to_string(::getpid()));
  prometheus_settings server;
  server.url = "http://p";
  server.token_file = file.string();
  CHECK_FALSE(instant_query(server, latency()));
  std::ofstream{file} << "first\n";
  CHECK(header(*instant_query(server, latency()), "Authorization") == "Bearer first");
  std::ofstream{file} << "second\r\n";
  CHECK(header(*instant_query(server, latency()), "Authorization") == "Bearer second");
  std::ofstream{file} << "two\nlines";
  CHECK_FALSE(instant_query(server, latency()));
  std::ofstream{file} << "\n";
  CHECK_FALSE(instant_query(server, latency()));
  std::filesystem::remove(file);
}

TEST_CASE("a secret's file that is none is trouble, and nothing worse") {
  const auto folder = std::filesystem::temp_directory_path();
  prometheus_settings server;
  server.url = "http://p";
  server.token_file = folder.string();
  CHECK_FALSE(instant_query(server, latency()));
  server.token_file = "/dev/zero";
  CHECK_FALSE(instant_query(server, latency()));
  const auto pipe = folder / ("troupe-pipe-" + std::to_string(::getpid()));
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  server.token_file = pipe.string();
  CHECK_FALSE(instant_query(server, latency()));
  std::filesystem::remove(pipe);
}

}  // namespace
}  // namespace troupe::actors
