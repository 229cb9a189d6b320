// See signal_reader.hpp. Everything here runs on the reader's own io thread, so nothing needs a
// lock.
#include "actors/signal_reader.hpp"

#include <algorithm>
#include <chrono>

#include "actors/promql.hpp"
#include "net/http.hpp"
#include "net/io.hpp"

namespace troupe::actors {
namespace {

using autoscaler::signal_reading;
using autoscaler::signal_trouble;

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_asked(const signal_settings& s) {
  return s.source == signal_source::prometheus;
}

}  // namespace

class signal_reader::impl : public std::enable_shared_from_this<impl> {
 public:
  impl(const autoscaler_settings& settings, listener tell)
      : server_(settings.prometheus), tell_(std::move(tell)) {
    for (const auto& s : settings.signals)
      if (is_asked(s)) signals_.push_back(s);
  }

  void begin() {
    for (std::size_t i = 0; i < signals_.size(); ++i)
      io_.post([self = shared_from_this(), i] { self->ask(i); });
  }

  // Not from the io thread. Calls under way get their failure, which nobody hears any more.
  void end() {
    io_.post([self = shared_from_this()] { self->tell_ = nullptr; });
    io_.stop();
    io_.join();
    tell_ = nullptr;
  }

 private:
  // The next question comes at the interval, or with the answer where that takes longer.
  void ask(std::size_t i) {
    const auto& s = signals_[i];
    const auto asked = clock::now();
    auto query = instant_query(server_, s);
    if (!query) {
      tell({s.name, asked, {}, signal_trouble::unauthorized, query.error().message});
      return again(i, asked);
    }
    net::http_call(io_, std::move(*query),
                   [weak = weak_from_this(), i, asked](result<net::http_response> answer) {
                     if (auto self = weak.lock()) self->answered(i, asked, answer);
                   });
  }

  void answered(std::size_t i, time_point asked, const result<net::http_response>& answer) {
    tell(reading_of(signals_[i], answer, clock::now(), unix_now()));
    again(i, asked);
  }

  void again(std::size_t i, time_point asked) {
    if (!tell_) return;
    const auto due = asked + signals_[i].interval - clock::now();
    io_.after(std::max(due, duration{std::chrono::milliseconds{1}}), [weak = weak_from_this(), i] {
      if (auto self = weak.lock()) self->ask(i);
    });
  }

  void tell(signal_reading r) {
    if (tell_) tell_(std::move(r));
  }

  const prometheus_settings server_;
  listener tell_;  // empty: at its end
  std::vector<signal_settings> signals_;
  net::io io_{1};  // last: its thread ends before what it uses
};

signal_reader::signal_reader(const autoscaler_settings& settings, listener tell)
    : impl_(std::make_shared<impl>(settings, std::move(tell))) {
  impl_->begin();
}

signal_reader::~signal_reader() {
  impl_->end();
}

bool signal_reader::needed(const autoscaler_settings& settings) {
  return std::any_of(settings.signals.begin(), settings.signals.end(), is_asked);
}

}  // namespace troupe::actors
