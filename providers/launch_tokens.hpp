// Launch tokens: by which a worker proves once, when it first connects, which launch it is.
//
// REQUEST-ID:SECRET, 32 random bytes in hex. Looked up by the request id, which is no secret, and
// compared in constant time; spent at the first use, and void after its deadline. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "libruntime/failure.hpp"
#include "providers/provider.hpp"

namespace troupe::providers {

// Fills the bytes from a cryptographic source.
using random_source = std::function<void(std::span<std::byte>)>;

class launch_tokens {
 public:
  explicit launch_tokens(random_source random) : random_(std::move(random)) {}

  std::string issue(const request_id& request, time_point until);
  // The failure doesn't say which part was wrong.
  result<request_id> redeem(std::string_view token, time_point now);
  void revoke(const request_id& request) { open_.erase(request); }
  std::size_t open() const { return open_.size(); }

 private:
  struct entry {
    std::string secret;
    time_point until{};
  };
  random_source random_;
  std::map<request_id, entry, std::less<>> open_;
};

}  // namespace troupe::providers
