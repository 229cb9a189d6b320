// The option tables of settings.hpp, one a module, and the checks that one option alone can't make.
// Each is built on first use and never changes; any thread may read it.
#pragma once

#include "libruntime/options.hpp"
#include "libruntime/settings.hpp"

namespace troupe {

// Names of clusters and pools: fit for host names, tags, metrics and environment variables.
bool is_label(std::string_view text);
inline constexpr text_form label_form{"lower-case letters, digits and inner hyphens, at most 63",
                                      "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", is_label};

const option_table<identity_settings>& identity_options();
const option_table<scheduler_settings>& scheduler_options();
const option_table<security_settings>& security_options();
const option_table<scaling_settings>& scaling_options();
const option_table<autoscaler_settings>& autoscaler_options();
const option_table<worker_settings>& worker_options();
const option_table<pool_settings>& pool_options();
// The whole file.
const option_table<cluster_settings>& cluster_options();

// What must hold between options. Each reports at the path of the option to change.
void validate(const cluster_settings& s, option_report& report);
// Its part about the autoscaler, of the cluster and of each pool.
void validate_scaling(const cluster_settings& s, option_report& report);

}  // namespace troupe
