// How a struct names its fields, once, for everything that walks over them: the codec, comparisons,
// and the table in docs/protocol.md.
#pragma once

#include <string_view>
#include <tuple>

// Declares what the codec reads and writes, in order. New fields are only ever added at the end:
// a decoder ignores extra ones and leaves missing ones at their defaults, and an encoder leaves out
// trailing ones that have their defaults. So a default is part of the protocol and never changes.
#define TROUPE_FIELDS(...)                                                  \
  auto fields() { return std::tie(__VA_ARGS__); }                           \
  auto fields() const { return std::tie(__VA_ARGS__); }                     \
  static constexpr std::string_view field_names() { return #__VA_ARGS__; }
