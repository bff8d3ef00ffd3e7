// Which encoders are made of vectors region by region, and what of a region depends on the fit.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <type_traits>
#include <utility>

#include "quern/codec/properties.hpp"
#include "quern/fit/fit.hpp"
#include "quern/fit/ggml/group.hpp"
#include "quern/reference/encode.hpp"

namespace quern::inline v0 {

// The level of a granularity that is chosen while a region's codes are written, the finest of the multiplied ones if it
// has the region of Region; G::size: there is none. All other levels are written before.
template <class G>
inline constexpr std::size_t local_level = [] {
  std::size_t found = G::size;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((found = found == G::size && !adding_level<typename G::template level<I>> ? I : found), ...);
  }
  (std::make_index_sequence<G::size>{});
  return found;
}();

// Whether a level from I on multiplies.
template <class G, std::size_t I>
inline constexpr bool multiplies_from = [] {
  if constexpr (I >= G::size) return false;
  else return !adding_level<typename G::template level<I>> || multiplies_from<G, I + 1>;
}();

// Whether a fit searches each region by itself.
template <class Fit>
concept searches_regions = ggml::searches_groups<Fit> && !fits_in_blocks<Fit>;

// Whether a fit has its last word on each region by itself: C has no levels besides one of scales and one of offsets.
template <class C, class Fit>
inline constexpr bool refines_regions = [] {
  if constexpr (refines<Fit, C>)
    return !chooses_finest<Fit, C> && C::granularity::size == 1 && C::symmetry::offsets::size <= 1 &&
           Fit::codes.scale == from::stored;
  return false;
}();

// Whether the finest scale and offset are chosen for the same regions, by statistics or by searching short runs of a row, so
// that one pass writes them and the codes. Else reference::encode serves.
template <class C, class Fit>
inline constexpr bool encodes_by_regions = [] {
  if constexpr (scalar_format<typename C::number> &&
                (statistics_fit<Fit> || searches_regions<Fit> || refines_regions<C, Fit>)) {
    if constexpr (refines<Fit, C> && !refines_regions<C, Fit>) return false;
    bool ok = reference::fit_region<C> == reference::uniform_region<C>;
    if constexpr (searches_regions<Fit> || refines<Fit, C>) {
      constexpr shape region = reference::uniform_region<C>;
      ok = ok && region.rows == 1 && region.cols != all && region.cols <= ggml::samples::most && C::granularity::size == 1;
    }
    const auto local = [&]<class G>(std::type_identity<G>) {
      if constexpr (G::size > 0) {
        constexpr std::size_t i = local_level<G>;
        if constexpr (i == G::size) ok = false;
        else ok = ok && G::template level<i>::region == reference::uniform_region<C>;
      }
    };
    local(std::type_identity<typename C::granularity>{});
    local(std::type_identity<typename C::symmetry::offsets>{});
    return ok;
  }
  return false;
}();

// Whether anything depends on the fit: else codes are those of the weights themselves.
template <class C, class Fit>
inline constexpr bool needs_fit = C::granularity::size + C::symmetry::offsets::size > 0 ||
                                  (Fit::codes.scale == from::ideal && Fit::codes.how != by::nothing);

}  // namespace quern::inline v0
