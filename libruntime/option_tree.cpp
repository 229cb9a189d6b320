// See option_tree.hpp.
#include "libruntime/option_tree.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

char folded(char c) {
  if (c == '-') return '_';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Optimal string alignment distance: edits and swaps of neighbours (Damerau 1964). Both texts are
// short: the caller cuts them.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t change = folded(a[i - 1]) == folded(b[j - 1]) ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      bool swapped = i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                     folded(a[i - 2]) == folded(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string to_string(const option_origin& at) {
  switch (at.from) {
    case option_origin::source::standard:
      return "default";
    case option_origin::source::environment:
      return "environment " + at.name;
    case option_origin::source::file:
      break;
  }
  if (at.line == 0) return at.name;
  return at.name + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

option_value option_value::of(shape s) {
  option_value v;
  v.is = s;
  return v;
}

option_value option_value::scalar(std::string text, bool quoted) {
  option_value v = of(shape::scalar);
  v.text = std::move(text);
  v.quoted = quoted;
  return v;
}

const option_value* option_value::find(std::string_view wanted) const {
  if (is != shape::map) return nullptr;
  for (const auto& child : children) {
    if (child.key == wanted) return &child;
  }
  return nullptr;
}

option_value* option_value::find(std::string_view wanted) {
  return const_cast<option_value*>(std::as_const(*this).find(wanted));
}

option_value& option_value::add(std::string name, option_value child) {
  child.key = std::move(name);
  children.push_back(std::move(child));
  return children.back();
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest = 100;  // no name of ours is longer; bounds the work
  if (word.empty() || word.size() > longest) return {};
  const std::string* best = nullptr;
  std::size_t least = longest;
  for (const auto& candidate : candidates) {
    if (candidate.size() > longest) continue;
    // One slip is forgiven in a word of three letters; one of two letters would match anything.
    auto allowed = std::max(word.size(), candidate.size()) / 3;
    auto d = distance(word, candidate);
    if (d > allowed || d >= least) continue;
    least = d;
    best = &candidate;
  }
  return best ? *best : std::string{};
}

std::string quote(std::string_view text) {
  constexpr std::size_t longest = 60;
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text.substr(0, longest)) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    } else {
      out += c;
    }
  }
  if (text.size() > longest) {
    // Not in the middle of a UTF-8 character.
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0) == 0x80) out.pop_back();
    if (static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
    return out + "…\"";
  }
  return out + "\"";
}

}  // namespace troupe
