// Private to net/: from a host name to a connected, encrypted, verified stream. Used by connect()
// and http_call().
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/certificates.hpp"
#include "net/io_pool.hpp"
#include "net/stream.hpp"

namespace troupe::net {

struct dial_target {
  std::string host;
  std::uint16_t port = 0;
  enum class security {
    plain,           // to any address
    plain_loopback,  // refused elsewhere
    cluster,         // mutual TLS with `files`; the peer must have one of `roles`
    world,           // TLS with the host's name, and `authorities` or the system's
  } security = security::cluster;
  tls_files files;
  std::filesystem::path authorities;  // PEM; empty: the system's
  std::vector<role> roles;
  time_point deadline;
};

struct dialled {
  any_stream stream;
  std::optional<net::identity> identity;
  std::string address;  // of the peer: "127.0.0.1:7400"
};

// The callback runs once, on the io thread of the stream.
void dial(const std::shared_ptr<io_pool>& pool, dial_target target,
          std::function<void(result<dialled>)> callback);

}  // namespace troupe::net
