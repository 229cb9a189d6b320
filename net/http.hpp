// HTTP/1.1 in plain types: what listener hands to a handler, and a client for single requests.
// Limits and deadlines are net_settings'; what breaks them is answered here (400, 413, 431, 503)
// and never reaches a handler.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libruntime/failure.hpp"
#include "net/certificates.hpp"
#include "net/io.hpp"
#include "net/settings.hpp"

namespace troupe::net {

using http_headers = std::vector<std::pair<std::string, std::string>>;

// Case-insensitive; the first of that name, or empty.
std::string_view find_header(const http_headers& headers, std::string_view name);

struct http_request {
  std::string method;  // "GET"; a HEAD arrives as HEAD, and the body of its answer is not sent
  std::string target;  // as sent: "/api/v1/jobs?state=running"
  std::string path;    // "/api/v1/jobs", percent-decoded
  std::string query;   // "state=running", not decoded; see parse_query
  http_headers headers;
  std::string body;
  std::optional<net::identity> identity;  // from the peer's certificate; absent without TLS
  std::string remote_address;             // "127.0.0.1:40312"

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

struct http_response {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  http_headers headers;  // beyond Content-Type, Content-Length, Date, Connection and Server
  std::string body;
};

// Answers one request; from any thread, at once or later; the first call counts. When every copy is
// gone without a call, the peer gets a 500.
using http_reply = std::function<void(http_response)>;

// Called on an io thread; must not block. One that throws is answered with a 500.
using http_handler = std::function<void(http_request, http_reply)>;

// "a%20b" → "a b"; none if a percent sign is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);  // all but letters, digits and -._~
// "a=1&b=x+y" → {{"a", "1"}, {"b", "x y"}}; malformed escapes are kept as they are.
http_headers parse_query(std::string_view query);

// ---- client

struct http_call_options {
  std::string method = "GET";
  std::string url;  // "http://host:port/path?query", "https://…"
  http_headers headers;
  std::string body;
  // For https. With files: mutual TLS inside a cluster, where the peer must hold a head's or
  // worker's certificate of that authority. Without: the name in the URL, vouched for by one of
  // `authorities` (a PEM file) or, where that is empty, by one that the system trusts.
  std::optional<tls_files> tls;
  std::filesystem::path authorities;
  duration deadline = std::chrono::seconds{10};  // for everything
  std::uint64_t max_body_bytes = std::uint64_t{8} << 20;
};

// One request on a connection of its own. The callback runs once, on an io thread. Any status is a
// success; a failure means that there was no (whole) answer. Redirects are not followed. After
// io::stop() nothing is begun and nobody called.
void http_call(io& io, http_call_options options,
               std::function<void(result<http_response>)> callback);

}  // namespace troupe::net
