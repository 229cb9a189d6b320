// Reading of tables and the words of their problems. See options.hpp.
#include "libruntime/options.hpp"

#include <algorithm>
#include <tuple>

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
    default:
      return "is not allowed";
  }
}

// The paths of all options of that name below a section, for "did you mean".
void find_named(const option_section& section, std::string_view name, const std::string& prefix,
                std::vector<std::string>& out) {
  for (const auto& o : section.options) {
    auto path = prefix.empty() ? o.info.name : prefix + "." + o.info.name;
    if (o.info.name == name) out.push_back(path);
    if (o.info.nested) {
      bool list = o.info.kind == option_kind::sections;
      find_named(*o.info.nested, name, list ? path + "[]" : path, out);
    }
    for (const auto& c : o.info.cases) find_named(*c.options, name, path, out);
  }
}

// "pools[0].worker.slots" without the last step: "pools[0].worker"; of "pools[0]": "pools".
std::string parent(const std::string& path) {
  auto end = path.find_last_of(".[");
  return end == std::string::npos ? std::string{} : path.substr(0, end);
}

}  // namespace

std::string describe(const option_info& info) {
  auto out = describe_kind(info);
  if (info.optional && !info.absent.empty()) out += ", or " + info.absent;
  return out;
}

std::string to_string(const option_problem& p) {
  auto out = to_string(p.at) + ": ";
  if (!p.path.empty()) out += p.path + ": ";
  return out + p.message;
}

// ---- report ----

void option_report::problem(option_origin at, std::string path, std::string message) {
  refused_.insert(path);
  if (problems_.size() >= limit) {
    ++left_out_;
    return;
  }
  problems_.push_back({std::move(at), std::move(path), std::move(message)});
}

void option_report::conflict(const std::string& path, std::string message,
                             const std::vector<std::string>& involved) {
  if (refused(path)) return;
  if (std::any_of(involved.begin(), involved.end(), [&](auto& p) { return refused(p); })) return;
  problem(place_of(path), path, std::move(message));
}

void option_report::warn(const std::string& path, std::string message) {
  warn(place_of(path), path, std::move(message));
}

void option_report::warn(option_origin at, std::string path, std::string message) {
  if (warnings_.size() < limit) {
    warnings_.push_back({std::move(at), std::move(path), std::move(message)});
  }
}

const option_origin* option_report::origin_of(const std::string& path) const {
  auto found = origins_.find(path);
  return found == origins_.end() ? nullptr : &found->second;
}

option_origin option_report::place_of(std::string path) const {
  for (; !path.empty(); path = parent(path)) {
    if (auto* at = origin_of(path); at && at->from != option_origin::source::standard) return *at;
  }
  return whole_;
}

std::vector<option_problem> option_report::problems() const {
  auto sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::tie(a.at.from, a.at.name, a.at.line, a.at.column) <
           std::tie(b.at.from, b.at.name, b.at.line, b.at.column);
  });
  if (left_out_ > 0) {
    sorted.push_back({whole_, "", "and " + std::to_string(left_out_) + " more problems"});
  }
  return sorted;
}

// ---- reader ----

void option_reader::below(std::string_view name, const std::function<void()>& body) {
  auto length = path_.size();
  if (!path_.empty()) path_ += '.';
  path_ += name;
  body();
  path_.resize(length);
}

void option_reader::below(std::size_t index, const std::function<void()>& body) {
  auto length = path_.size();
  path_ += "[" + std::to_string(index) + "]";
  body();
  path_.resize(length);
}

void option_reader::refuse(const option_value& in, std::string message) {
  report_.problem(in.at, path_, std::move(message));
}

void option_reader::refuse(const option_value& in, const option_info& info, std::string_view what) {
  std::string subject;
  switch (in.is) {
    case shape::nothing:
      subject = "nothing";
      break;
    case shape::list:
      subject = "a list";
      break;
    case shape::map:
      subject = "a map";
      break;
    case shape::scalar:
      subject = info.secret ? "the value" : quote(in.text);
      break;
  }
  std::string hint;
  if (info.kind == option_kind::choice && in.is == shape::scalar) {
    std::vector<std::string> candidates;
    for (const auto& c : info.choices) candidates.push_back(c.word);
    if (auto close = nearest(in.text, candidates); !close.empty()) {
      hint = "; did you mean " + close + "?";
    }
  }
  refuse(in, subject + " " + std::string{what} + hint +
                 (hint.empty() ? "; expected " : " Expected ") + describe(info));
}

bool option_reader::expect(const option_value& in, shape s, const option_info& info) {
  if (in.is == s) return true;
  if (in.is == shape::nothing) {
    refuse(in, info, "is given");
  } else {
    refuse(in, info, "is not allowed here");
  }
  return false;
}

std::vector<const option_value*> option_reader::children_once(const option_value& map) {
  std::vector<const option_value*> out;
  std::map<std::string_view, const option_value*> seen;
  for (const auto& child : map.children) {
    auto [first, is_new] = seen.emplace(child.key, &child);
    if (is_new) {
      out.push_back(&child);
      continue;
    }
    below(child.key, [&] {
      report_.problem(
          child.key_at, path_,
          "given twice; the first is at line " + std::to_string(first->second->key_at.line));
    });
  }
  return out;
}

// ---- section ----

const option_entry* option_section::find(std::string_view name) const {
  for (const auto& o : options) {
    if (o.info.name == name) return &o;
  }
  return nullptr;
}

namespace {

void refuse_unknown(const option_section& section, const option_value& child, option_reader& r) {
  std::string message = "unknown option";
  auto close = nearest(child.key, names(section));
  if (close.empty()) {
    std::vector<std::string> elsewhere;
    find_named(r.root(), child.key, "", elsewhere);
    if (!elsewhere.empty()) close = elsewhere.front();
  }
  if (!close.empty()) message += "; did you mean " + close + "?";
  message += (close.empty() ? "; known here: " : " Known here: ") + joined(names(section));
  r.report().problem(child.key_at, r.path(), message);
}

}  // namespace

void option_section::read(const option_value& map, void* settings, option_reader& r,
                          std::string_view also) const {
  if (map.is != shape::nothing && map.is != shape::map) {
    option_info self;
    self.kind = option_kind::section;
    // Not owned: this section outlives the call.
    self.nested = std::shared_ptr<const option_section>{std::shared_ptr<void>{}, this};
    r.refuse(map, self, "is not allowed here");
    return;
  }
  auto given = r.children_once(map);
  std::map<std::string_view, const option_value*> by_name;
  for (const auto* child : given) {
    if (find(child->key)) {
      by_name.emplace(child->key, child);
    } else if (child->key != also) {
      r.below(child->key, [&] { refuse_unknown(*this, *child, r); });
    }
  }
  for (const auto& o : options) {
    auto found = by_name.find(o.info.name);
    r.below(o.info.name, [&] {
      if (found != by_name.end()) {
        r.report().came_from(r.path(), found->second->at);
        o.read(*found->second, settings, r);
      } else if (o.info.required) {
        r.report().problem(map.at, r.path(), "missing; expected " + describe(o.info));
      } else if (o.info.when_absent) {
        o.read(*o.info.when_absent, settings, r);
      }
    });
  }
}

option_value option_section::write(const void* settings) const {
  auto map = option_value::map();
  for (const auto& o : options) map.add(o.info.name, o.write(settings));
  return map;
}

// ---- lists of sections, variants ----

void read_sections(const option_value& in, const option_info& info, option_reader& r,
                   const std::function<void(const option_value&)>& read_item) {
  if (in.is == shape::nothing) return;  // "pools:" with everything below it commented out
  if (!r.expect(in, shape::list, info)) return;
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < in.children.size(); ++i) {
    const auto& item = in.children[i];
    r.below(i, [&] {
      r.report().came_from(r.path(), item.at);
      read_item(item);
      const auto* name = info.named_by.empty() ? nullptr : item.find(info.named_by);
      if (!name || name->is != shape::scalar) return;
      auto [first, is_new] = seen.emplace(name->text, i);
      if (is_new) return;
      auto other = in.children[first->second].find(info.named_by)->at;
      r.below(info.named_by, [&] {
        r.refuse(*name, quote(name->text) + " is taken by " + info.name + "[" +
                            std::to_string(first->second) + "], at line " +
                            std::to_string(other.line) + "; each needs a name of its own");
      });
    });
  }
}

std::optional<std::size_t> read_case(const option_value& in, const option_info& info,
                                     option_reader& r) {
  if (!r.expect(in, shape::map, info)) return std::nullopt;
  const auto* type = in.find(type_key);
  std::optional<std::size_t> chosen;
  r.below(type_key, [&] {
    option_info as_choice;
    as_choice.kind = option_kind::choice;
    for (const auto& c : info.cases) as_choice.choices.push_back({c.type, c.text});
    if (!type) {
      r.report().problem(in.at, r.path(), "missing; expected " + describe(as_choice));
      return;
    }
    r.report().came_from(r.path(), type->at);
    if (!r.expect(*type, shape::scalar, as_choice)) return;
    for (std::size_t i = 0; i < info.cases.size(); ++i) {
      if (info.cases[i].type == type->text) chosen = i;
    }
    if (!chosen) r.refuse(*type, as_choice, not_a(option_kind::choice));
  });
  return chosen;
}

// ---- single texts ----

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

void refuse_scalar(const option_value& in, const option_info& info, option_reader& r,
                   option_refusal why) {
  switch (why) {
    case option_refusal::malformed:
      r.refuse(in, info, not_a(info.kind));
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
