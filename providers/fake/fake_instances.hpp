// The fake provider on the real clock, for clusters whose YAML says `type: fake`: to try out pools,
// limits and failures without starting anything. One thread turns the fake's clock.
#pragma once

#include <memory>
#include <string>

#include "libruntime/settings.hpp"
#include "providers/provider.hpp"

namespace troupe::providers {

std::unique_ptr<provider> make_fake_instances(std::string cluster,
                                              const fake_provider_settings& settings);

}  // namespace troupe::providers
