// How each type of option is read and written. See option_types.hpp.
#include "libruntime/options.hpp"

namespace troupe {

namespace {

using shape = option_value::shape;

constexpr auto malformed = option_refusal::malformed;

template <class T>
option_parsed<T> or_malformed(std::optional<T> parsed) {
  if (!parsed) return tl::unexpected(malformed);
  return std::move(*parsed);
}

}  // namespace

option_parsed<bool> option_scalar<bool>::parse(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return tl::unexpected(malformed);
}

option_parsed<double> option_scalar<double>::parse(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return tl::unexpected(option_refusal::too_large);
  // from_chars also takes "inf" and "nan", which are no amounts of anything.
  bool whole = error == std::errc{} && end == text.data() + text.size() && std::isfinite(number);
  if (!whole) return tl::unexpected(malformed);
  return number;
}

std::string option_scalar<double>::format(double d) {
  std::array<char, 400> buffer{};
  // Plain digits where they fit: 1000000 and not 1e+06.
  auto style = std::fabs(d) < 1e12 ? std::chars_format::fixed : std::chars_format::general;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), d, style);
  return error == std::errc{} ? std::string{buffer.data(), end} : std::string{"0"};
}

option_parsed<std::string> option_scalar<std::string>::parse(std::string_view text) {
  if (text.size() > longest) return tl::unexpected(option_refusal::too_large);
  // A path or a variable with a NUL in it would be cut there by the system, silently.
  if (text.find('\0') != std::string_view::npos) return tl::unexpected(malformed);
  return std::string{text};
}

option_parsed<duration> option_scalar<duration>::parse(std::string_view text) {
  return or_malformed(parse_duration(text));
}

option_parsed<byte_count> option_scalar<byte_count>::parse(std::string_view text) {
  return or_malformed(parse_bytes(text));
}

option_parsed<host_port> option_scalar<host_port>::parse(std::string_view text) {
  return or_malformed(parse_host_port(text));
}

bool names_a_secret(std::string_view name) {
  std::string upper;
  for (char c : name) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (std::string_view word : {"SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "KEY"}) {
    if (upper.find(word) != std::string::npos) return true;
  }
  return false;
}

// ---- compounds ----

namespace {

// A text inside a list or a map: described as such, with its container's secrecy.
option_info item_info(const option_info& container) {
  option_info item;
  item.kind = option_kind::text;
  item.secret = container.secret;
  return item;
}

}  // namespace

void option_compound<std::vector<std::string>>::read(const option_value& in,
                                                     const option_info& info, option_reader& r,
                                                     type& out) {
  type list;
  if (in.is != shape::nothing) {
    if (!r.expect(in, shape::list, info)) return;
    auto item = item_info(info);
    item.form = info.form;
    for (std::size_t i = 0; i < in.children.size(); ++i) {
      r.below(i, [&] {
        if (auto text = read_scalar<std::string>(in.children[i], item, r, {}, {})) {
          list.push_back(std::move(*text));
        }
      });
    }
  }
  out = std::move(list);
}

option_value option_compound<std::vector<std::string>>::write(const type& list) {
  auto out = option_value::list();
  for (const auto& text : list) out.children.push_back(option_value::scalar(text));
  return out;
}

void option_compound<std::map<std::string, std::string>>::read(const option_value& in,
                                                               const option_info& info,
                                                               option_reader& r, type& out) {
  type map;
  if (in.is != shape::nothing) {
    if (!r.expect(in, shape::map, info)) return;
    auto item = item_info(info);
    for (const auto* child : r.children_once(in)) {
      r.below(child->key, [&] {
        r.report().came_from(r.path(), child->at);
        if (info.form.matches && !info.form.matches(child->key)) {
          r.report().problem(child->key_at, r.path(),
                             "not a possible name; expected " + std::string{info.form.words});
          return;
        }
        item.secret = info.secret || names_a_secret(child->key);
        if (auto text = read_scalar<std::string>(*child, item, r, {}, {})) {
          map.emplace(child->key, std::move(*text));
        }
      });
    }
  }
  out = std::move(map);
}

option_value option_compound<std::map<std::string, std::string>>::write(const type& map) {
  auto out = option_value::map();
  for (const auto& [name, text] : map) out.add(name, option_value::scalar(text));
  return out;
}

void option_compound<resource_set>::read(const option_value& in, const option_info& info,
                                         option_reader& r, resource_set& out) {
  resource_set set;
  if (in.is != shape::nothing) {
    if (!r.expect(in, shape::map, info)) return;
    option_info item;
    item.kind = option_kind::number;
    item.low = "0";
    item.high = "1000000000";
    for (const auto* child : r.children_once(in)) {
      r.below(child->key, [&] {
        r.report().came_from(r.path(), child->at);
        bool named = !child->key.empty() && child->key.size() <= 100 &&
                     child->key.find_first_of("=, \t\r\n") == std::string::npos;
        if (!named) {
          r.report().problem(child->key_at, r.path(),
                             "not a possible name; expected text without spaces, commas and =");
          return;
        }
        auto n = read_scalar<double>(*child, item, r, 0.0, 1e9);
        if (n) set.set(child->key, static_cast<amount>(std::llround(*n * one_unit)));
      });
    }
  }
  out = std::move(set);
}

option_value option_compound<resource_set>::write(const resource_set& resources) {
  auto out = option_value::map();
  for (const auto& [name, a] : resources.entries()) {
    auto units = static_cast<double>(a) / one_unit;
    out.add(name, option_value::scalar(option_scalar<double>::format(units)));
  }
  return out;
}

}  // namespace troupe
