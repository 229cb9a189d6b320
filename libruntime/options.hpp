// Options, each declared once: name, type, bounds and words for people stand in a table that binds
// them to the members of a settings struct; the default is the member's initialiser.
//
//   option_table<worker_settings> table{
//       option("slots", &worker_settings::slots).text("Tasks at a time. 0: one a
//       core.").at_most(512), option("placement", …),  section("launch", &…::launch,
//       launch_options()), sections("pools", &…::pools, pool_options()).named_by("name")};
//
// From a table follow reading with checks (here), and in config/ the YAML front, `config show`,
// `config schema` and the reference page. Pure: no YAML, clock, file or environment access.
// Which C++ types may be options: option_types.hpp. Tables are immutable once built.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "libruntime/option_tree.hpp"

namespace troupe {

struct option_section;

enum class option_kind : std::uint8_t {
  boolean,    // true, false
  integer,    // 42
  number,     // 0.5
  text,       // any string, or one of a form
  choice,     // one of a few words
  duration,   // "500ms"
  bytes,      // "2GiB"
  endpoint,   // "127.0.0.1:7400"
  resources,  // {GPU: 2}
  text_list,  // [a, b]
  text_map,   // {A: x}
  section,    // a nested table
  sections,   // a list of nested tables
  variant,    // a nested table that `type` selects
};

// How a relative path is made absolute when loaded.
enum class path_rule : std::uint8_t {
  none,    // not a path, or not to be changed
  always,  // below the folder of its file; ~/ is the home folder
  search,  // likewise, but a name without a slash is left to be searched for
};

// What strings of an option look like, for checking, for editors and for people.
struct text_form {
  std::string_view words;    // "lower-case letters, digits and inner hyphens, at most 63"
  std::string_view pattern;  // the same as a regular expression (ECMA-262)
  bool (*matches)(std::string_view) = nullptr;
};

struct option_choice {
  std::string word, text;
};

// One case of a variant.
struct option_case {
  std::string type, text;
  std::shared_ptr<const option_section> options;
};

// All that is known of an option but its C++ type.
struct option_info {
  std::string name;
  std::string text;
  option_kind kind = option_kind::text;
  std::string low, high;               // bounds as the user would write them; empty: none
  std::vector<option_choice> choices;  // of a choice
  text_form form;                      // of a text, a text_list's items, a text_map's keys
  std::string absent;  // of an optional value: the word for "none", such as "unlimited"
  bool optional = false;
  bool required = false;
  bool secret = false;   // never shown
  bool no_effect = false;  // taken and checked, but nothing reads it yet: who gives it is warned
  bool live = false;       // a running cluster can take another value over; of a section: of all of it
  std::string inherits;  // unset values come from this section, such as "autoscaler"
  path_rule path = path_rule::none;
  std::shared_ptr<const option_section> nested;  // of section and sections
  std::string named_by;                          // of sections: the option that names each
  std::vector<option_case> cases;                // of a variant
  std::optional<option_value> when_absent;       // of sections: what is read instead
};

// What is allowed, in words: "a whole number of at least 1", "one of pack, spread".
std::string describe(const option_info& info);
// The key that selects a variant's case.
inline constexpr std::string_view type_key = "type";

// Whether a text of this name in a text_map (an environment variable, say) is hidden like a secret
// option: names with TOKEN, SECRET, PASSWORD, CREDENTIAL or KEY in them.
bool names_a_secret(std::string_view name);
// What is shown in place of a secret; refused when it is read, for it can't be what is meant.
inline constexpr std::string_view hidden_value = "<hidden>";

struct option_problem {
  option_origin at;
  std::string path;  // "pools[0].max"; empty: the whole file
  std::string message;

  friend bool operator==(const option_problem&, const option_problem&) = default;
};
// "cluster.yaml:12:10: pools[0].max: …"; of the environment: "environment TROUPE_X: pools[0].max:
// …".
std::string to_string(const option_problem& p);

// Collects what is wrong while options are read and checked, and where every value came from.
// Keeps the first `limit` problems and counts the rest.
class option_report {
 public:
  static constexpr std::size_t limit = 100;

  explicit option_report(option_origin whole = {}) : whole_(std::move(whole)) {}

  void problem(option_origin at, std::string path, std::string message);
  // As above, where the value of `path` stands, or the nearest section around it that was given.
  // Says nothing if one of the `involved` values was itself refused, for it would only confuse.
  void conflict(const std::string& path, std::string message,
                const std::vector<std::string>& involved = {});
  void warn(const std::string& path, std::string message);
  void warn(option_origin at, std::string path, std::string message);
  void came_from(const std::string& path, option_origin at) { origins_[path] = std::move(at); }

  // Sorted by place. Ends with a line that counts what was left out, if any was.
  std::vector<option_problem> problems() const;
  const std::vector<option_problem>& warnings() const { return warnings_; }
  bool ok() const { return problems_.empty(); }
  bool refused(const std::string& path) const { return refused_.contains(path); }
  // Of every value that was given; what is not in it has its default.
  const std::map<std::string, option_origin>& origins() const { return origins_; }
  // Null: it has its default.
  const option_origin* origin_of(const std::string& path) const;

 private:
  option_origin place_of(std::string path) const;

  option_origin whole_;
  std::vector<option_problem> problems_, warnings_;
  std::size_t left_out_ = 0;
  std::set<std::string> refused_;
  std::map<std::string, option_origin> origins_;
};

// The way from the root to where reading is, with the report at hand.
class option_reader {
 public:
  option_reader(option_report& report, const option_section& root) : report_(report), root_(root) {}

  option_report& report() { return report_; }
  const option_section& root() const { return root_; }
  const std::string& path() const { return path_; }

  // Runs `body` with ".name" or "[index]" added to the path.
  void below(std::string_view name, const std::function<void()>& body);
  void below(std::size_t index, const std::function<void()>& body);

  void refuse(const option_value& in, std::string message);
  // "VALUE WHAT; expected DESCRIPTION", never showing a secret.
  void refuse(const option_value& in, const option_info& info, std::string_view what);
  // Whether `in` has this shape; says so if not. `nothing` is refused.
  bool expect(const option_value& in, option_value::shape s, const option_info& info);
  // The children of a map, each key once: later ones are reported.
  std::vector<const option_value*> children_once(const option_value& map);

 private:
  option_report& report_;
  const option_section& root_;
  std::string path_;
};

// An option with its C++ type forgotten: `settings` points to the struct that its table is for.
struct option_entry {
  option_info info;
  std::function<void(const option_value& in, void* settings, option_reader& r)> read;
  std::function<option_value(const void* settings)> write;
};

// A table with its struct forgotten.
struct option_section {
  std::vector<option_entry> options;
  std::function<option_value()> defaults;  // a map of every option of a new struct

  const option_entry* find(std::string_view name) const;
  // Reads what `map` has (nothing counts as empty) into the struct, in the order of the table.
  // Reports every problem; what is refused leaves its member alone. The key `also` is not unknown.
  void read(const option_value& map, void* settings, option_reader& r,
            std::string_view also = {}) const;
  option_value write(const void* settings) const;
};

// What a builder (option, section, …) turns into, bound to its struct.
template <class S>
struct option_of : option_entry {};

template <class S>
class option_table {
 public:
  option_table(std::initializer_list<option_of<S>> options) {
    auto made = std::make_shared<option_section>();
    for (const auto& o : options) made->options.push_back(o);
    finish(std::move(made));
  }

  // This table with the options of a base class in front.
  template <class Base>
  option_table after(const option_table<Base>& base) const {
    auto made = std::make_shared<option_section>();
    for (const auto& o : base.section()->options) {
      made->options.push_back({o.info,
                               [o](const option_value& in, void* s, option_reader& r) {
                                 o.read(in, static_cast<Base*>(static_cast<S*>(s)), r);
                               },
                               [o](const void* s) {
                                 return o.write(static_cast<const Base*>(static_cast<const S*>(s)));
                               }});
    }
    made->options.insert(made->options.end(), section_->options.begin(), section_->options.end());
    return option_table{std::move(made)};
  }

  void read(const option_value& map, S& settings, option_report& report) const {
    option_reader r{report, *section_};
    section_->read(map, &settings, r);
  }
  option_value write(const S& settings) const { return section_->write(&settings); }
  const std::shared_ptr<const option_section>& section() const { return section_; }

 private:
  explicit option_table(std::shared_ptr<option_section> made) { finish(std::move(made)); }
  void finish(std::shared_ptr<option_section> made) {
    // By a plain pointer: a section that owned itself would never go.
    made->defaults = [raw = made.get()] {
      S fresh{};
      return raw->write(&fresh);
    };
    section_ = std::move(made);
  }

  std::shared_ptr<const option_section> section_;
};

}  // namespace troupe

#include "libruntime/option_types.hpp"
