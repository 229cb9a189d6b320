// Four panels over one time axis, written by hand: a picture needs no library.
#include "autoscaler/simulator/plot.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>

#include "autoscaler/simulator/axis.hpp"

namespace troupe::simulator {

namespace {

constexpr double width = 960, left = 76, right = 150, top = 46, panel = 150, gap = 42, bottom = 46;
constexpr double plot_width = width - left - right;

// Colours that people with any kind of sight can tell apart (after Okabe and Ito).
struct series {
  const char* name;
  const char* colour;
  std::function<double(const sample&)> value;
};

struct panel_plan {
  const char* title;
  const char* unit;
  std::vector<series> lines;
  bool stacked = false;
  bool whole = false;
  bool in_time = false;  // values are seconds
};

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", x);
  return text;
}

std::string text_at(double x, double y, const std::string& text, const std::string& more = "") {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\"" + more + ">" + text + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const char* look) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) +
         "\" y2=\"" + number(y2) + "\" class=\"" + look + "\"/>\n";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

class drawing {
 public:
  drawing(const outcome& o, const std::string& title) : samples_(o.time_line) {
    length_ = samples_.empty() ? 1 : std::max(to_seconds(samples_.back().at), 1e-3);
    time_ = time_axis_up_to(length_);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(width) + " " +
           number(height()) + "\" font-family=\"sans-serif\" font-size=\"12\">\n" +
           "<style>.grid{stroke:#ddd}.axis{stroke:#444}text{fill:#222}.name{font-weight:bold}"
           "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" +
           text_at(left, 22, escaped(title), " class=\"name\" font-size=\"15\"");
  }

  std::string draw() {
    const std::array plans{
        panel_plan{"Tasks", "tasks",
                   {{"running", "#56b4e9", [](auto& s) { return double(s.now.running); }},
                    {"waiting", "#d55e00", [](auto& s) { return double(s.now.waiting); }}},
                   false, true, false},
        panel_plan{"Workers", "workers",
                   {{"busy", "#0072b2", [](auto& s) { return double(s.now.busy); }},
                    {"idle", "#9ad0f0", [](auto& s) { return double(s.now.idle); }},
                    {"starting", "#e69f00", [](auto& s) { return double(s.now.starting); }},
                    {"leaving", "#aaaaaa", [](auto& s) { return double(s.now.leaving); }}},
                   true, true, false},
        panel_plan{"Waiting time of tasks that start", "",
                   {{"longest", "#cc79a7", [](auto& s) { return s.longest_wait; }},
                    {"mean", "#6a3d6a", [](auto& s) { return s.mean_wait; }}},
                   false, false, true},
        money()};
    double y = top;
    for (const auto& p : plans) {
      draw_panel(p, y);
      y += panel + gap;
    }
    const auto unit = unit_for(length_);
    for (auto t : time_.ticks)
      if (t <= length_ * 1.001)
        out_ += text_at(x_of(t), y - gap + 18, tick_text(t / unit.seconds),
                        " text-anchor=\"middle\"");
    out_ += text_at(left + plot_width / 2, y - gap + 36, std::string{"time in "} + unit.name,
                    " text-anchor=\"middle\"");
    return out_ + "</svg>\n";
  }

 private:
  static double height() { return top + 4 * panel + 3 * gap + bottom; }

  // Where no pool has a price, worker-hours stand for it.
  panel_plan money() const {
    const bool priced = !samples_.empty() && samples_.back().cost > 0;
    if (priced)
      return {"Cost so far", "cost", {{"cost", "#009e73", [](auto& s) { return s.cost; }}}};
    return {"Worker-hours so far",
            "worker-hours",
            {{"worker-hours", "#009e73", [](auto& s) { return s.worker_hours; }}}};
  }

  double x_of(double seconds) const { return left + plot_width * seconds / length_; }

  void draw_panel(const panel_plan& p, double y) {
    double most = 0;
    for (const auto& s : samples_) {
      double sum = 0;
      for (const auto& l : p.lines) sum = p.stacked ? sum + l.value(s) : std::max(sum, l.value(s));
      most = std::max(most, sum);
    }
    const auto unit = unit_for(most);
    const auto scale = p.in_time ? time_axis_up_to(most) : axis_up_to(most, p.whole);
    auto y_of = [&](double v) { return y + panel - panel * v / scale.top; };
    for (auto t : scale.ticks) {
      out_ += line(left, y_of(t), left + plot_width, y_of(t), "grid");
      out_ += text_at(left - 6, y_of(t) + 4, tick_text(p.in_time ? t / unit.seconds : t),
                      " text-anchor=\"end\"");
    }
    for (auto t : time_.ticks)
      if (t <= length_ * 1.001) out_ += line(x_of(t), y, x_of(t), y + panel, "grid");
    if (p.stacked)
      draw_areas(p, y_of);
    else
      draw_lines(p, y_of);
    out_ += line(left, y, left, y + panel, "axis");
    out_ += line(left, y + panel, left + plot_width, y + panel, "axis");
    const std::string words = p.in_time ? unit.name : p.unit;
    out_ += text_at(left, y - 8, std::string{p.title} + " (" + words + ")", " class=\"name\"");
    draw_legend(p, y);
  }

  void draw_legend(const panel_plan& p, double y) {
    for (const auto& l : p.lines) {
      y += 18;
      out_ += "<rect x=\"" + number(left + plot_width + 14) + "\" y=\"" + number(y - 10) +
              "\" width=\"12\" height=\"12\" fill=\"" + l.colour + "\"/>\n" +
              text_at(left + plot_width + 32, y, l.name);
    }
  }

  template <class Y>
  void draw_lines(const panel_plan& p, Y y_of) {
    for (const auto& l : p.lines) {
      out_ += "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"" + std::string{l.colour} +
              "\" points=\"";
      for (const auto& s : samples_)
        out_ += number(x_of(to_seconds(s.at))) + "," + number(y_of(l.value(s))) + " ";
      out_ += "\"/>\n";
    }
  }

  // From the bottom up, each from where the one below ends.
  template <class Y>
  void draw_areas(const panel_plan& p, Y y_of) {
    std::vector<double> base(samples_.size(), 0);
    for (const auto& l : p.lines) {
      std::string up, down;
      for (std::size_t i = 0; i < samples_.size(); ++i) {
        const auto x = number(x_of(to_seconds(samples_[i].at)));
        down = x + "," + number(y_of(base[i])) + " " + down;
        base[i] += l.value(samples_[i]);
        up += x + "," + number(y_of(base[i])) + " ";
      }
      out_ += "<polygon fill=\"" + std::string{l.colour} + "\" points=\"" + up + down + "\"/>\n";
    }
  }

  const std::vector<sample>& samples_;
  double length_ = 1;
  axis time_;
  std::string out_;
};

}  // namespace

std::string time_line_csv(const outcome& o, bool header) {
  std::string out;
  if (header)
    out = "policy,seconds,waiting,running,starting,idle,busy,leaving,started,mean_wait_s,"
          "longest_wait_s,worker_hours,cost\n";
  for (const auto& s : o.time_line) {
    char text[256];
    std::snprintf(text, sizeof text, "%s,%.3f,%llu,%llu,%u,%u,%u,%u,%llu,%.3f,%.3f,%.6f,%.6f\n",
                  o.policy.c_str(), to_seconds(s.at),
                  static_cast<unsigned long long>(s.now.waiting),
                  static_cast<unsigned long long>(s.now.running), s.now.starting, s.now.idle,
                  s.now.busy, s.now.leaving, static_cast<unsigned long long>(s.started),
                  s.mean_wait, s.longest_wait, s.worker_hours, s.cost);
    out += text;
  }
  return out;
}

std::string time_line_svg(const outcome& o, const std::string& title) {
  return drawing(o, title).draw();
}

}  // namespace troupe::simulator
