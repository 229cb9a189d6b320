// Bytes as text in the standard alphabet, with padding (RFC 4648, section 4). Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "libruntime/failure.hpp"

namespace troupe {

std::string base64(std::span<const std::byte> bytes);
// Fails with invalid_argument on other letters and wrong padding.
result<std::string> unbase64(std::string_view text);

}  // namespace troupe
