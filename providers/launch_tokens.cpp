// See launch_tokens.hpp.
#include "providers/launch_tokens.hpp"

#include <array>

namespace troupe::providers {

namespace {

std::string hex(std::span<const std::byte> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (auto b : bytes) {
    text += digits[std::to_integer<unsigned>(b) >> 4];
    text += digits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

// Looks at every character, however early they differ, so that time tells nothing.
bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned char differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    differs = differs | static_cast<unsigned char>(a[i] ^ b[i]);
  return differs == 0;
}

}  // namespace

std::string launch_tokens::issue(const request_id& request, time_point until) {
  std::array<std::byte, 32> bytes{};
  random_(bytes);
  auto& e = open_[request];
  e = {hex(bytes), until};
  return request + ":" + e.secret;
}

result<request_id> launch_tokens::redeem(std::string_view token, time_point now) {
  const auto colon = token.rfind(':');
  const auto at = colon == token.npos ? open_.end() : open_.find(token.substr(0, colon));
  if (at == open_.end() || now > at->second.until ||
      !same_secret(at->second.secret, token.substr(colon + 1)))
    return fail(errc::unauthenticated, "the launch token is unknown, used or too old");
  auto request = at->first;
  open_.erase(at);
  return request;
}

}  // namespace troupe::providers
