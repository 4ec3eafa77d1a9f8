#include <algorithm>
#include <pugixml.hpp>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/synth/drum_kit.h"
#include "kit_names.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

// Hydrogen's own limits are generous; what lies beyond is a damaged file.
double number(const pugi::xml_node& node, const char* name, double fallback, double low, double high) {
  return std::clamp(node.child(name).text().as_double(fallback), low, high);
}

DrumLayer read_layer(const pugi::xml_node& node, const fs::path& folder) {
  DrumLayer layer;
  // Kits are read as data of strangers: a file beside drumkit.xml is all they may name.
  const std::string name = fs::path(trim(node.child("filename").text().get())).filename().string();
  if (!name.empty()) layer.file = folder / name;
  layer.low = number(node, "min", 0, 0, 1);
  layer.high = number(node, "max", 1, 0, 1);
  layer.gain = number(node, "gain", 1, 0, 20);
  layer.pitch = number(node, "pitch", 0, -24, 24);
  return layer;
}

KitDrum read_drum(const pugi::xml_node& node, const fs::path& folder) {
  KitDrum drum;
  drum.name = trim(node.child("name").text().get());
  drum.kind = drum_kind(drum.name);
  drum.gain = number(node, "volume", 1, 0, 10) * number(node, "gain", 1, 0, 20);
  drum.choke_group = node.child("muteGroup").text().as_int(-1);
  const auto add = [&](const pugi::xml_node& parent, double gain) {
    for (const pugi::xml_node& child : parent.children("layer")) {
      DrumLayer layer = read_layer(child, folder);
      layer.gain *= gain;
      if (!layer.file.empty()) drum.layers.push_back(std::move(layer));
    }
  };
  add(node, 1);
  // Newer kits have layers inside components, which are further microphones: the first that has sounds will do.
  for (const pugi::xml_node& component : node.children("instrumentComponent"))
    if (drum.layers.empty()) add(component, number(component, "gain", 1, 0, 20));
  // The oldest have no layers.
  if (drum.layers.empty() && node.child("filename")) {
    DrumLayer layer = read_layer(node, folder);
    layer.low = 0, layer.high = 1, layer.gain = 1, layer.pitch = 0;
    if (!layer.file.empty()) drum.layers.push_back(std::move(layer));
  }
  return drum;
}

std::string shortened(std::vector<std::string> names) {
  constexpr size_t kMost = 5;
  const size_t count = names.size();
  names.resize(std::min(count, kMost));
  return join(names, ", ") + (count > kMost ? format(" and %zu more", count - kMost) : "");
}

}  // namespace

DrumKit read_drum_kit(const fs::path& folder) {
  const fs::path path = folder / "drumkit.xml";
  std::error_code code;
  if (!fs::is_regular_file(path, code))
    throw Error(ErrorKind::kMissing,
                "There is no drum kit in '" + folder.string() +
                    "': it has no drumkit.xml; install kits (apt install hydrogen-drumkits) or correct the path.");
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_file(path.c_str());
  const pugi::xml_node root = document.child("drumkit_info");
  if (!parsed || !root)
    throw Error(ErrorKind::kInput, "'" + path.string() + "' is not a drum kit of Hydrogen: " +
                                       (parsed ? "it has no element 'drumkit_info'."
                                               : std::string(parsed.description()) +
                                                     format(" at byte %lld.", static_cast<long long>(parsed.offset))));
  DrumKit kit;
  kit.folder = folder;
  kit.name = trim(root.child("name").text().get());
  if (kit.name.empty()) kit.name = folder.filename().string();
  kit.licence = trim(root.child("license").text().get());
  if (kit.licence.empty()) kit.licence = trim(root.child("licence").text().get());
  for (const pugi::xml_node& node : root.child("instrumentList").children("instrument")) {
    KitDrum drum = read_drum(node, folder);
    std::erase_if(drum.layers, [&](const DrumLayer& layer) {
      if (fs::is_regular_file(layer.file, code)) return false;
      kit.missing_files.push_back(layer.file.filename().string());
      return true;
    });
    if (!drum.layers.empty()) kit.drums.push_back(std::move(drum));
  }
  kit.drum_of_key = match_drums(kit.drums);
  if (kit.drum_of_key.empty() && !kit.missing_files.empty())
    throw Error(ErrorKind::kInput, "The sound files of the drum kit '" + folder.string() +
                                       "' are missing: " + shortened(kit.missing_files) + ".");
  if (kit.drum_of_key.empty())
    throw Error(ErrorKind::kInput, "The drum kit '" + folder.string() +
                                       "' has no drum whose name is known, such as kick, snare or hi-hat.");
  return kit;
}

}  // namespace instructme
