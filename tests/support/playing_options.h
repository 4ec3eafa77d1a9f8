#pragma once

#include <memory>

#include "instructme/edit/editor.h"
#include "small_font.h"

namespace instructme {

/// Of an editor whose new parts are played on the small SoundFont.
inline EditorOptions playing_options() {
  EditorOptions options;
  options.accompanist = std::make_shared<Accompanist>(PaletteOptions{.fonts = {small_font()}});
  return options;
}

}  // namespace instructme
