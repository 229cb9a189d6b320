#include "actors/head_link.hpp"

#include <algorithm>
#include <future>

#include "net/endpoint.hpp"

namespace troupe::actors {
namespace {

constexpr std::chrono::nanoseconds first_backoff = std::chrono::milliseconds{100};
constexpr std::chrono::nanoseconds longest_backoff = std::chrono::seconds{2};

// What was too large for one link is too large for the next.
bool is_hopeless(errc code) {
  return code == errc::unauthenticated || code == errc::forbidden ||
         code == errc::version_mismatch || code == errc::invalid_argument ||
         code == errc::too_large;
}

}  // namespace

void head_link::start(head_link_handlers handlers) {
  handlers_ = std::move(handlers);
  post([self = shared_from_this()] {
    self->broken_since_ = std::chrono::steady_clock::now();
    self->backoff_ = first_backoff;
    self->dial();
  });
}

void head_link::post(std::function<void()> fn) { io_.post(std::move(fn)); }

void head_link::dial() {
  if (over_) return;
  auto endpoint = net::parse_endpoint(options_.address);
  if (!endpoint) return give_up(endpoint.error());
  net::connect_options o;
  o.host = endpoint->host;
  o.port = endpoint->port;
  o.tls = options_.tls;
  o.deadline = std::chrono::duration_cast<duration>(options_.timeout);
  net::connect(io_, o, net::net_settings{},
               [self = shared_from_this()](result<std::shared_ptr<net::link>> link) {
                 self->linked(std::move(link));
               });
}

void head_link::linked(result<std::shared_ptr<net::link>> link) {
  if (over_ || on_closed_) {
    if (link) (*link)->close();
    return;
  }
  if (!link) return retry(link.error());
  endpoint_ = std::make_unique<link_endpoint>(*link, options_.store);
  welcomed_ = false;
  std::weak_ptr<head_link> weak = weak_from_this();
  net::link_handlers handlers;
  handlers.on_frame = [weak](std::span<const std::byte> frame) {
    if (auto self = weak.lock()) self->on_frame(frame);
  };
  handlers.on_drained = [weak] {
    if (auto self = weak.lock()) self->flush();
  };
  handlers.on_closed = [weak](const failure& why) {
    if (auto self = weak.lock()) self->on_closed(why);
  };
  (*link)->start(std::move(handlers));
  endpoint_->push(options_.hello);
  endpoint_->flush();
}

void head_link::greet(std::vector<protocol::message>& messages) {
  if (auto* welcome = std::get_if<protocol::welcome>(&messages.front())) {
    welcomed_ = ever_welcomed_ = true;
    backoff_ = first_backoff;
    options_.hello.epoch = welcome->epoch;
    endpoint_->link().established();
    handlers_.on_welcome(*welcome);
    messages.erase(messages.begin());
  } else if (!std::holds_alternative<protocol::refused>(messages.front())) {
    give_up({errc::protocol, "the head's first message is not a welcome", {}});
  }
}

void head_link::on_frame(std::span<const std::byte> frame) {
  if (!endpoint_ || over_) return;
  std::vector<protocol::message> messages;
  if (auto ok = endpoint_->receive(frame, messages); !ok) {
    endpoint_->link().close(ok.error());
    return;
  }
  if (!welcomed_ && !messages.empty()) greet(messages);
  for (auto& m : messages)
    if (auto* refused = std::get_if<protocol::refused>(&m)) return give_up(refused->why);
  if (over_ || !endpoint_) return;
  if (!messages.empty()) handlers_.on_messages(messages);
  flush();
}

void head_link::on_closed(const failure& why) {
  endpoint_.reset();
  if (over_ || on_closed_) return part();
  retry(why.code == errc::none ? failure{errc::unavailable, "the head ended the connection", {}}
                               : why);
}

void head_link::retry(failure why) {
  auto now = std::chrono::steady_clock::now();
  if (backoff_ == first_backoff) broken_since_ = now;
  auto patience = ever_welcomed_ ? options_.patience : options_.first_patience;
  if (is_hopeless(why.code) || now - broken_since_ >= patience) return give_up(std::move(why));
  handlers_.on_broken();
  io_.after(std::chrono::duration_cast<duration>(backoff_),
            [self = shared_from_this()] { self->dial(); });
  backoff_ = std::min(backoff_ * 2, longest_backoff);
}

void head_link::give_up(failure why) {
  if (std::exchange(over_, true)) return;
  if (endpoint_) endpoint_->link().close(why);
  endpoint_.reset();
  why.message = "the head at " + options_.address + ": " + why.message;
  handlers_.on_lost(why);
}

void head_link::send(protocol::message m) {
  if (endpoint_ && welcomed_) endpoint_->push(std::move(m));
}

bool head_link::writable() const {
  return endpoint_ && welcomed_ && !endpoint_->full();
}

void head_link::flush_endpoint() {
  if (endpoint_) endpoint_->flush();
}

void head_link::flush() {
  if (!endpoint_) return;
  endpoint_->flush();
  if (!over_ && writable()) {
    handlers_.on_writable();
    if (endpoint_) endpoint_->flush();
  }
  part();
}

// While closing: when the link has everything it is closed, which lets it all leave; its end is told.
void head_link::part() {
  if (!on_closed_) return;
  if (!endpoint_)
    std::exchange(on_closed_, nullptr)();
  else if (endpoint_->handed_over())
    endpoint_->link().close();
}

void head_link::close(std::chrono::nanoseconds patience) {
  auto end = [](head_link& self) {
    self.over_ = true;
    self.on_closed_ = nullptr;
    if (self.endpoint_) self.endpoint_->link().close();
    self.endpoint_.reset();
  };
  if (on_io_thread()) {
    if (endpoint_) endpoint_->flush();
    return end(*this);
  }
  auto closed = std::make_shared<std::promise<void>>();
  post([self = shared_from_this(), closed] {
    self->on_closed_ = [closed] { closed->set_value(); };
    if (self->endpoint_ && !self->over_) self->flush();
    else self->part();
  });
  // What can't leave in time is lost with this process, as if it had been killed.
  closed->get_future().wait_for(patience);
  auto ended = std::make_shared<std::promise<void>>();
  post([self = shared_from_this(), ended, end] {
    end(*self);
    ended->set_value();
  });
  ended->get_future().wait_for(std::chrono::seconds{5});
}

}  // namespace troupe::actors
