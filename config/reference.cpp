// docs/configuration.md, written from the option tables. See config.hpp.
#include "config/config.hpp"
#include "libruntime/settings_options.hpp"

namespace troupe::config {

namespace {

using shape = option_value::shape;

constexpr const char* opening = R"(# Configuration

<!-- Written from the option tables, and kept so by a test: change libruntime/*_options.cpp. -->

A cluster is described in one YAML file. Every option has a default, so a file holds only what
differs; an empty file is a cluster with one pool, `local`, of at most one worker with all cores of
this machine.

```yaml
cluster: {name: demo}
pools:
  - name: here
    provider: {type: local}
    max: 4
    worker: {slots: 1, memory: 2GiB}
autoscaler: {target_duration: 1s, scale_down: {idle_timeout: 30s}}
```

- `troupe config check FILE` names every problem of a file at once, with line and column.
- `troupe config show FILE` prints the settings in effect and where each came from.
- `troupe config schema` prints a JSON Schema. Editors that know it complete and check while you
  type: put `# yaml-language-server: $schema=troupe.schema.json` at the top of the file.

**Environment.** A variable overrides the file, which overrides the default:
`TROUPE_SCHEDULER_LISTEN` is `scheduler.listen`, and `TROUPE_POOLS_HERE_MAX` is `max` of the pool
named `here` (in names, `-` and `.` become `_`). Lists are written `a,b`, resources
`GPU=2,licence=1`, one variable of a worker's environment `TROUPE_POOLS_HERE_WORKER_ENV_LANG=C`.

**Durations** are numbers with a unit: `500ms`, `10s`, `1h30m`; units are ns, us, ms, s, m, h, d.
**Sizes** are bytes, or numbers with a unit: `64KiB`, `2GiB` (1024), `10MB` (1000).

**Paths** that are relative begin at the folder of the file, where nothing else is said; `~/` is the
home folder.

**Changes.** What is marked *Live*, with all below it, can change while the cluster runs: `troupe config apply FILE`, or
SIGHUP to the head, which then reads its own file again. A file with a mistake changes nothing; what
is not live waits for the next start, and is named.

**Repetition.** Anchors, aliases and merge keys (`<<: *name`) work; keys at the top that begin with
`x-` are left alone and make a place for anchors.
)";

std::string type_name(const option_info& info) {
  switch (info.kind) {
    case option_kind::boolean:
      return "true, false";
    case option_kind::integer:
      return "whole number";
    case option_kind::number:
      return "number";
    case option_kind::text:
      return info.path == path_rule::none ? "text" : "path";
    case option_kind::choice:
      return "choice";
    case option_kind::duration:
      return "duration";
    case option_kind::bytes:
      return "size";
    case option_kind::endpoint:
      return "host:port";
    case option_kind::resources:
      return "map of amounts";
    case option_kind::text_list:
      return info.path == path_rule::none ? "list of texts" : "paths";
    case option_kind::text_map:
      return "map of texts";
    case option_kind::section:
    case option_kind::variant:
      return "section";
    case option_kind::sections:
      return "list of sections";
  }
  return {};
}

std::string allowed(const option_info& info) {
  if (!info.low.empty() && !info.high.empty()) return info.low + " to " + info.high;
  if (!info.low.empty()) return "at least " + info.low;
  if (!info.high.empty()) return "at most " + info.high;
  if (info.kind == option_kind::text && info.form.matches) return std::string{info.form.words};
  return {};
}

std::string standard(const option_info& info, const option_value* v) {
  if (info.required) return "*required*";
  if (!v) return {};
  switch (v->is) {
    case shape::nothing:
      return "`" + info.absent + "`";
    case shape::scalar:
      return v->text.empty() ? "" : "`" + v->text + "`";
    case shape::list:
      return v->children.empty() ? "`[]`" : "";
    case shape::map:
      return v->children.empty() ? "`{}`" : "";
  }
  return {};
}

std::string anchor(const std::string& path) {
  std::string out;
  for (char c : path) {
    // As GitHub makes them from headings: punctuation goes, small letters stay.
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-') out += c;
  }
  return out;
}

class writer {
 public:
  std::string take() { return std::move(out_); }

  void section(const option_section& options, const std::string& path, const std::string& text) {
    if (!path.empty()) out_ += "\n## " + path + "\n" + text + "\n";
    auto defaults = options.defaults();
    table(options, path, defaults);
    for (const auto& o : options.options) below(o.info, path);
  }

 private:
  void table(const option_section& options, const std::string& path, const option_value& defaults) {
    if (options.options.empty()) {
      out_ += "\nNo options.\n";
      return;
    }
    out_ += "\n| option | type | default | what it does |\n| --- | --- | --- | --- |\n";
    for (const auto& o : options.options) row(o.info, path, defaults);
  }

  void row(const option_info& info, const std::string& path, const option_value& defaults) {
    auto name = "`" + info.name + "`";
    bool nested = info.nested || !info.cases.empty();
    if (nested) name = "[" + name + "](#" + anchor(heading(info, path)) + ")";
    auto type = type_name(info);
    if (auto bounds = allowed(info); !bounds.empty()) type += ", " + bounds;
    if (!info.absent.empty()) type += ", or `" + info.absent + "`";
    auto text = info.text + (info.live ? " *Live.*" : "");
    for (const auto& c : info.choices) text += "<br>`" + c.word + "`: " + c.text;
    auto value = standard(info, defaults.find(info.name));
    out_ += "| " + name + " | " + type + " | " + (nested ? "" : value) + " | " + text + " |\n";
  }

  static std::string heading(const option_info& info, const std::string& path) {
    auto out = path.empty() ? info.name : path + "." + info.name;
    return info.kind == option_kind::sections ? out + "[]" : out;
  }

  void below(const option_info& info, const std::string& path) {
    auto title = heading(info, path);
    if (info.nested) {
      // Described once, where the values come from; here only that each can be given.
      if (!info.inherits.empty()) {
        out_ += "\n## " + title + "\n" + info.text + " It takes these keys of [" + info.inherits +
                "](#" + anchor(info.inherits) + "); what is not given is as there:\n\n";
        for (const auto& o : info.nested->options) out_ += "- `" + o.info.name + "`\n";
        return;
      }
      section(*info.nested, title, info.text);
    }
    if (info.cases.empty()) return;
    out_ += "\n## " + title + "\n" + info.text + " `type` says which:\n";
    for (const auto& c : info.cases) {
      out_ += "\n### type: " + c.type + "\n" + c.text + "\n";
      auto defaults = c.options->defaults();
      table(*c.options, title, defaults);
    }
  }

  std::string out_;
};

}  // namespace

std::string reference_markdown() {
  writer w;
  w.section(*cluster_options().section(), "", "");
  return opening + w.take();
}

}  // namespace troupe::config
