// See changes.hpp.
#include "config/changes.hpp"

#include <algorithm>

#include "config/json.hpp"
#include "config/time_zones.hpp"
#include "libruntime/settings_options.hpp"

namespace troupe::config {

namespace {

using shape = option_value::shape;

bool same(const option_value& a, const option_value& b) {
  return a.is == b.is && a.text == b.text && a.key == b.key &&
         std::equal(a.children.begin(), a.children.end(), b.children.begin(), b.children.end(),
                    same);
}

// Bytes that are not UTF-8 can't be kept from a file; they are no reason to fail.
std::string text_of(const nlohmann::ordered_json& j) {
  return j.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::string indexed(const std::string& path, std::size_t i) {
  return path + "[" + std::to_string(i) + "]";
}

// An option of both sides, and of what comes of them.
struct place {
  std::string words;           // for people
  std::string from, to, into;  // paths in the running, the wanted and the effective settings
  std::string inherited;       // where its value comes from if it isn't given; empty: nowhere
  bool live = false;

  place below(const option_info& info) const {
    place p{joined(words, info.name), joined(from, info.name), joined(to, info.name),
            joined(into, info.name), inherited.empty() ? "" : joined(inherited, info.name),
            live || info.live};
    if (!info.inherits.empty()) p.inherited = info.inherits;
    return p;
  }
};

class comparison {
 public:
  comparison(const loaded& running, const loaded& wanted) : running_(running), wanted_(wanted) {}

  option_value section(const option_section& options, const option_value& a, const option_value& b,
                       const place& p) {
    auto out = option_value::map();
    for (const auto& o : options.options) {
      const auto *x = a.find(o.info.name), *y = b.find(o.info.name);
      if (x && y) out.add(o.info.name, option(o.info, *x, *y, p.below(o.info)));
    }
    return out;
  }

  std::vector<change> list;
  std::map<std::string, option_origin> origins;

 private:
  option_value option(const option_info& info, const option_value& a, const option_value& b,
                      const place& p) {
    switch (info.kind) {
      case option_kind::section:
        own_origin(p);
        return section(*info.nested, a, b, p);
      case option_kind::sections:
        if (!info.named_by.empty()) return by_name(info, a, b, p);
        break;
      case option_kind::variant:
        if (auto both = same_case(info, a, b)) {
          own_origin(p);
          auto out = section(*both->options, a, b, p);
          out.add(std::string{type_key}, *a.find(type_key));
          adopt(p.from + "." + std::string{type_key}, p.into + "." + std::string{type_key},
                running_);
          return out;
        }
        break;
      default:
        break;
    }
    if (!same(a, b)) note(p, text_of(to_json(info, a)), text_of(to_json(info, b)));
    adopt(p.live ? p.to : p.from, p.into, p.live ? wanted_ : running_);
    return p.live ? b : a;
  }

  static const option_case* same_case(const option_info& info, const option_value& a,
                                      const option_value& b) {
    const auto *x = a.find(type_key), *y = b.find(type_key);
    for (const auto& c : info.cases)
      if (x && y && x->text == c.type && y->text == c.type) return &c;
    return nullptr;
  }

  option_value by_name(const option_info& info, const option_value& a, const option_value& b,
                       const place& p) {
    own_origin(p);
    auto out = option_value::list();
    const auto& base = p.live ? b : a;  // whose items there are
    for (std::size_t i = 0; i < base.children.size(); ++i) {
      const auto& item = base.children[i];
      const auto x = p.live ? index_of(info, a, item) : std::optional{i};
      const auto y = p.live ? std::optional{i} : index_of(info, b, item);
      auto at = p;
      at.words += "[" + name_of(info, item) + "]";
      at.from = x ? indexed(p.from, *x) : "";
      at.to = y ? indexed(p.to, *y) : "";
      at.into = indexed(p.into, i);
      if (x && y) {
        own_origin(at);
        out.children.push_back(section(*info.nested, a.children[*x], b.children[*y], at));
        continue;
      }
      auto text = text_of(to_json(*info.nested, item));
      if (p.live)
        note(at, std::nullopt, std::move(text));
      else
        note(at, std::move(text), std::nullopt);
      adopt(p.live ? at.to : at.from, at.into, p.live ? wanted_ : running_);
      out.children.push_back(item);
    }
    only_there(info, p.live ? a : b, base, p);
    return out;
  }

  // Items of `other` that `base` does not have.
  void only_there(const option_info& info, const option_value& other, const option_value& base,
                  const place& p) {
    for (const auto& item : other.children) {
      if (index_of(info, base, item)) continue;
      auto at = p;
      at.words += "[" + name_of(info, item) + "]";
      auto text = text_of(to_json(*info.nested, item));
      if (p.live)
        note(at, std::move(text), std::nullopt);
      else
        note(at, std::nullopt, std::move(text));
    }
  }

  static std::string name_of(const option_info& info, const option_value& item) {
    const auto* name = item.find(info.named_by);
    return name ? name->text : "";
  }

  static std::optional<std::size_t> index_of(const option_info& info, const option_value& list,
                                             const option_value& item) {
    for (std::size_t i = 0; i < list.children.size(); ++i)
      if (name_of(info, list.children[i]) == name_of(info, item)) return i;
    return std::nullopt;
  }

  void note(const place& p, std::optional<std::string> from, std::optional<std::string> to) {
    change c{p.words, std::move(from), std::move(to), p.live};
    for (const auto& known : list)
      if (known.path == p.inherited && known.from == c.from && known.to == c.to) return;
    list.push_back(std::move(c));
  }

  // Where a section or a list as a whole was given.
  void own_origin(const place& p) {
    const auto x = running_.origins.find(p.from), y = wanted_.origins.find(p.to);
    if (y != wanted_.origins.end())
      origins[p.into] = y->second;
    else if (x != running_.origins.end())
      origins[p.into] = x->second;
  }

  // The origin of a value and of all below it.
  void adopt(const std::string& path, const std::string& into, const loaded& side) {
    for (auto i = side.origins.lower_bound(path);
         i != side.origins.end() && i->first.starts_with(path); ++i) {
      const auto rest = i->first.substr(path.size());
      if (rest.empty() || rest.front() == '.' || rest.front() == '[')
        origins[into + rest] = i->second;
    }
  }

  const loaded &running_, &wanted_;
};

}  // namespace

tl::expected<changes, problems> compare(const loaded& running, const loaded& wanted) {
  const auto& table = cluster_options();
  comparison both{running, wanted};
  const auto tree = both.section(*table.section(), table.write(running.settings),
                                 table.write(wanted.settings), {});
  changes out;
  out.list = std::move(both.list);
  out.effective.file = wanted.file;
  out.effective.warnings = wanted.warnings;
  out.effective.origins = std::move(both.origins);
  option_report report;
  table.read(tree, out.effective.settings, report);
  validate(out.effective.settings, report);
  check_time_zones(out.effective.settings, report);
  if (!report.ok()) return tl::unexpected(report.problems());
  return out;
}

}  // namespace troupe::config
