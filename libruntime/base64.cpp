#include "libruntime/base64.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < n ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= n ? alphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

result<std::string> unbase64(std::string_view text) {
  auto wrong = [] { return fail(errc::invalid_argument, "malformed base64"); };
  if (text.size() % 4 != 0) return wrong();
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    bool last = i + 4 == text.size();
    for (std::size_t k = 0; k < 4; ++k) {
      bool pad = last && k >= 4 - padding;
      auto digit = pad ? 0 : alphabet.find(text[i + k]);
      if (digit == std::string_view::npos) return wrong();
      group = group << 6 | static_cast<std::uint32_t>(digit);
    }
    auto n = last ? 3 - padding : 3;
    for (std::size_t k = 0; k < n; ++k) out += static_cast<char>(group >> (16 - 8 * k) & 255);
  }
  return out;
}

}  // namespace troupe
