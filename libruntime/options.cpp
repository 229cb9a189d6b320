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

struct namesake {
  std::string path;  // "pools[].provider.seed"
  std::string type;  // of the variant's case it belongs to, if any
};

// All options of that name below a section, for "did you mean".
void find_named(const option_section& section, std::string_view name, const std::string& prefix,
                const std::string& type, std::vector<namesake>& out) {
  for (const auto& o : section.options) {
    auto path = prefix.empty() ? o.info.name : prefix + "." + o.info.name;
    if (o.info.name == name) out.push_back({path, type});
    if (o.info.nested) {
      bool list = o.info.kind == option_kind::sections;
      find_named(*o.info.nested, name, list ? path + "[]" : path, "", out);
    }
    for (const auto& c : o.info.cases) find_named(*c.options, name, path, c.type, out);
  }
}

// "pools[12].max" → "pools[].max".
std::string without_indices(const std::string& path) {
  std::string out;
  bool inside = false;
  for (char c : path) {
    if (c == ']') inside = false;
    if (!inside) out += c;
    if (c == '[') inside = true;
  }
  return out;
}

// "pools[0].worker.slots" without the last step: "pools[0].worker"; of "pools[0]": "pools".
std::string parent(const std::string& path) {
  auto end = path.find_last_of(".[");
  return end == std::string::npos ? std::string{} : path.substr(0, end);
}

}  // namespace

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
    auto placed = seen.emplace(child.key, &child);
    if (placed.second) {
      out.push_back(&child);
      continue;
    }
    auto first_line = placed.first->second->key_at.line;
    below(child.key, [&] {
      report_.problem(child.key_at, path_,
                      "given twice; the first is at line " + std::to_string(first_line));
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

// Where an unknown key was probably meant to go: ", did you mean …?"; empty: no idea.
std::string guess(const option_section& section, const option_value& child, option_reader& r) {
  auto close = nearest(child.key, names(section));
  if (!close.empty()) return "; did you mean " + close + "?";
  std::vector<namesake> elsewhere;
  find_named(r.root(), child.key, "", "", elsewhere);
  if (elsewhere.empty()) return {};
  const auto& first = elsewhere.front();
  bool here = first.path == without_indices(r.path());
  if (here && !first.type.empty()) return "; it belongs to type: " + first.type + ".";
  return "; did you mean " + first.path + "?";
}

void refuse_unknown(const option_section& section, const option_value& child, option_reader& r) {
  auto hint = guess(section, child, r);
  auto known = joined(names(section));
  auto list = known.empty() ? std::string{"nothing"} : known;
  r.report().problem(
      child.key_at, r.path(),
      "unknown option" + hint + (hint.empty() ? "; known here: " : " Known here: ") + list);
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
        if (o.info.no_effect)
          r.report().warn(found->second->at, r.path(),
                          "has no effect yet: it is checked, and then nothing reads it");
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
      auto placed = seen.emplace(name->text, i);
      if (placed.second) return;
      auto first = placed.first->second;
      auto other = in.children[first].find(info.named_by)->at;
      r.below(info.named_by, [&] {
        r.refuse(*name, quote(name->text) + " is taken by " + info.name + "[" +
                            std::to_string(first) + "], at line " + std::to_string(other.line) +
                            "; each needs a name of its own");
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
    if (!chosen) r.refuse(*type, as_choice, "is not known");
  });
  return chosen;
}

}  // namespace troupe
