// What options are read from and written to: a tree of texts that remembers where each came from,
// whatever the format was. config/ makes it from YAML and lays the environment over it; options.hpp
// reads structs from it. Plain data, no I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

// Where a value or a key came from.
struct option_origin {
  enum class source : std::uint8_t { standard, file, environment };
  source from = source::standard;
  std::string name;          // the file, or the variable
  std::uint32_t line = 0;    // from 1; 0: the file as a whole
  std::uint32_t column = 0;  // from 1

  friend bool operator==(const option_origin&, const option_origin&) = default;
};
// "default", "cluster.yaml:3:5", "environment TROUPE_CLUSTER_NAME".
std::string to_string(const option_origin& at);

struct option_value {
  enum class shape : std::uint8_t { nothing, scalar, list, map };
  shape is = shape::nothing;
  bool quoted = false;  // a scalar that was written in quotes, so it can't be meant as a number
  std::string text;     // of a scalar
  std::string key;      // of a map's child
  std::vector<option_value> children;  // of a list or a map; a map may hold a key twice
  option_origin at;
  option_origin key_at;

  static option_value scalar(std::string text, bool quoted = false);
  static option_value list() { return of(shape::list); }
  static option_value map() { return of(shape::map); }

  option_value* find(std::string_view wanted);  // null: not there, or not a map
  const option_value* find(std::string_view wanted) const;
  option_value& add(std::string name, option_value child);  // to a map

 private:
  static option_value of(shape s);
};

// The candidate that `word` is most likely a slip of: at most a third of its letters changed,
// swapped, left out or put in, small and capital letters and - and _ being the same. Empty: none.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// As shown to people: in quotes, control characters escaped, cut at 60 bytes.
std::string quote(std::string_view text);

}  // namespace troupe
