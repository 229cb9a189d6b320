// The words in which values are refused and what is allowed is said. See options.hpp.
#include <string>
#include <vector>

#include "libruntime/options.hpp"

namespace troupe {

namespace {

using shape = option_value::shape;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

std::vector<std::string> names(const option_section& section) {
  std::vector<std::string> out;
  for (const auto& o : section.options) out.push_back(o.info.name);
  return out;
}

std::string range(const option_info& info) {
  if (!info.low.empty() && !info.high.empty()) return " from " + info.low + " to " + info.high;
  if (!info.low.empty()) return " of at least " + info.low;
  if (!info.high.empty()) return " of at most " + info.high;
  return {};
}

// "words" of choices or cases: "pack, spread".
template <class List, class Word>
std::string words(const List& list, Word word) {
  std::vector<std::string> out;
  for (const auto& item : list) out.push_back(item.*word);
  return joined(out);
}

std::string describe_kind(const option_info& info) {
  std::string form{info.form.words};
  switch (info.kind) {
    case option_kind::boolean:
      return "true or false";
    case option_kind::integer:
      return "a whole number" + range(info);
    case option_kind::number:
      return "a number" + range(info);
    case option_kind::text:
      return form.empty() ? "text" : form;
    case option_kind::choice:
      return "one of " + words(info.choices, &option_choice::word);
    case option_kind::duration:
      return "a duration" + range(info) + ", such as 500ms, 10s, 1h30m (ns, us, ms, s, m, h, d)";
    case option_kind::bytes:
      return "a size" + range(info) + ", such as 64KiB, 10MB, 2GiB";
    case option_kind::endpoint:
      return "HOST:PORT, such as 127.0.0.1:7400 or [::1]:7400";
    case option_kind::resources:
      return "a map of amounts, such as {GPU: 2, licence: 0.5}";
    case option_kind::text_list:
      return "a list of texts, such as [a, b]";
    case option_kind::text_map:
      return "a map of texts, such as {NAME: value}" + (form.empty() ? "" : "; a name is " + form);
    case option_kind::section:
      return "a map with the keys " + joined(names(*info.nested));
    case option_kind::sections:
      return "a list of maps with the keys " + joined(names(*info.nested));
    case option_kind::variant:
      return "a map with `type` one of " + words(info.cases, &option_case::type);
  }
  return {};
}

// What is wrong with a text that is malformed for its kind.
std::string_view not_a(option_kind kind) {
  switch (kind) {
    case option_kind::boolean:
      return "is neither true nor false";
    case option_kind::integer:
      return "is not a whole number";
    case option_kind::number:
      return "is not a number";
    case option_kind::choice:
      return "is not known";
    case option_kind::duration:
      return "is not a duration";
    case option_kind::bytes:
      return "is not a size";
    case option_kind::endpoint:
      return "is not an address";
    case option_kind::text:
      return "has a NUL character in it";
    default:
      return "is not allowed";
  }
}

}  // namespace

std::string describe(const option_info& info) {
  auto out = describe_kind(info);
  if (info.optional && !info.absent.empty()) out += ", or " + info.absent;
  return out;
}

bool expect_scalar(const option_value& in, const option_info& info, option_reader& r) {
  if (!r.expect(in, shape::scalar, info)) return false;
  bool bare = info.kind == option_kind::boolean || info.kind == option_kind::integer ||
              info.kind == option_kind::number;
  if (in.quoted && bare) {
    r.refuse(in, info, "is text because of its quotes");
    return false;
  }
  if (info.kind == option_kind::text && in.text == hidden_value) {
    r.refuse(in, "stands where a secret was hidden; put the value itself");
    return false;
  }
  if (info.kind == option_kind::text && info.form.matches && !info.form.matches(in.text)) {
    r.refuse(in, info, "is not allowed");
    return false;
  }
  return true;
}

namespace {

// The commonest slip of all.
bool without_unit(const option_value& in, const option_info& info) {
  return info.kind == option_kind::duration && !in.text.empty() &&
         in.text.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

void refuse_scalar(const option_value& in, const option_info& info, option_reader& r,
                   option_refusal why) {
  switch (why) {
    case option_refusal::malformed:
      r.refuse(in, info, without_unit(in, info) ? "has no unit" : not_a(info.kind));
      break;
    case option_refusal::too_small:
      r.refuse(in, info, "is too small");
      break;
    case option_refusal::too_large:
      r.refuse(in, info, "is too large");
      break;
  }
}

}  // namespace troupe
