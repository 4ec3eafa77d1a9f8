#include "plugin.h"

#include <lv2/atom/atom.h>
#include <lv2/atom/util.h>
#include <lv2/core/lv2.h>
#include <lv2/midi/midi.h>
#include <lv2/presets/presets.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "features.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme::lv2host {
namespace {

constexpr int kBlock = 256;
constexpr size_t kSequenceBytes = 1 << 16;
constexpr double kMostLatency_s = 5;

struct Deleter {
  void operator()(LilvWorld* p) const { lilv_world_free(p); }
  void operator()(LilvNode* p) const { lilv_node_free(p); }
  void operator()(LilvNodes* p) const { lilv_nodes_free(p); }
  void operator()(LilvState* p) const { lilv_state_free(p); }
};
using World = std::unique_ptr<LilvWorld, Deleter>;
using Node = std::unique_ptr<LilvNode, Deleter>;
using Nodes = std::unique_ptr<LilvNodes, Deleter>;
using State = std::unique_ptr<LilvState, Deleter>;

// Only the bundle that is wanted: reading all that are installed takes seconds.
World load_world(const std::filesystem::path& bundle) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(bundle / "manifest.ttl", code))
    throw Error(ErrorKind::kMissing, "there is no LV2 bundle '" + bundle.string() + "'");
  World world(lilv_world_new());
  ensure(world != nullptr, "lilv could not create its world");
  const auto load = [&](const std::filesystem::path& folder) {
    const Node uri(lilv_new_file_uri(world.get(), nullptr, (folder.string() + "/").c_str()));
    lilv_world_load_bundle(world.get(), uri.get());
  };
  load(bundle);
  // Presets may lie in a bundle of their own, as ZynAddSubFX's do.
  const std::filesystem::path presets = bundle.string() + "presets";
  if (std::filesystem::is_directory(presets, code)) load(presets);
  return world;
}

struct Buffer {
  const LilvPort* port = nullptr;
  std::vector<float> samples;
  std::vector<uint64_t> atoms;  // 64-bit words, as atoms must be aligned
  float control = 0;
  enum Kind { kAudioIn, kAudioOut, kControl, kAtomIn, kAtomOut, kOther } kind = kOther;
  bool midi = false;
  std::string symbol;

  LV2_Atom_Sequence* sequence() { return reinterpret_cast<LV2_Atom_Sequence*>(atoms.data()); }
};

class Player {
 public:
  explicit Player(const Job& job)
      : job_(job), world_(load_world(job.bundle)), features_(job.sample_rate, kBlock, kSequenceBytes) {
    const Node uri(lilv_new_uri(world_.get(), job.plugin.c_str()));
    if (uri) plugin_ = lilv_plugins_get_by_uri(lilv_world_get_all_plugins(world_.get()), uri.get());
    if (plugin_ == nullptr)
      throw Error(ErrorKind::kMissing, "'" + job.bundle.string() + "' has no plugin '" + job.plugin + "'");
    check_features();
    instance_ = lilv_plugin_instantiate(plugin_, job.sample_rate, features_.list());
    if (instance_ == nullptr) throw Error(ErrorKind::kInput, "the plugin '" + job.plugin + "' cannot be created");
    features_.worker().attach(instance_);
    make_ports();
    apply_settings();
    lilv_instance_activate(instance_);
  }

  std::vector<float> play() {
    std::vector<float> result;
    size_t next = 0;
    int64_t late = 0;
    for (int64_t start = 0; start < job_.frames + late; start += kBlock) {
      prepare_block(start, next);
      if (job_.effect) feed_block(start);
      lilv_instance_run(instance_, kBlock);
      features_.worker().deliver();
      append_block(result);
      late = latency();
    }
    const auto begin = result.begin() + late * job_.channels;
    result = {begin, begin + job_.frames * job_.channels};
    for (const float x : result)
      if (!std::isfinite(x)) throw Error(ErrorKind::kInput, "the plugin '" + job_.plugin + "' makes NaN or infinity");
    return result;
  }

 private:
  void check_features() const {
    const Nodes required(lilv_plugin_get_required_features(plugin_));
    LILV_FOREACH(nodes, i, required.get()) {
      const std::string uri = lilv_node_as_uri(lilv_nodes_get(required.get(), i));
      if (!features_.has(uri))
        throw Error(ErrorKind::kInput, "the plugin '" + job_.plugin + "' needs '" + uri + "', which is not offered");
    }
  }

  void make_ports() {
    const auto node = [&](const char* uri) { return Node(lilv_new_uri(world_.get(), uri)); };
    const Node input = node(LV2_CORE__InputPort), audio = node(LV2_CORE__AudioPort),
               control = node(LV2_CORE__ControlPort), cv = node(LV2_CORE__CVPort), atom = node(LV2_ATOM__AtomPort),
               midi = node(LV2_MIDI__MidiEvent), optional = node(LV2_CORE__connectionOptional);
    const uint32_t count = lilv_plugin_get_num_ports(plugin_);
    std::vector<float> defaults(count);
    lilv_plugin_get_port_ranges_float(plugin_, nullptr, nullptr, defaults.data());
    buffers_.resize(count);
    bool has_midi = false;
    for (uint32_t i = 0; i < count; ++i) {
      Buffer& buffer = buffers_[i];
      const LilvPort* port = buffer.port = lilv_plugin_get_port_by_index(plugin_, i);
      buffer.symbol = lilv_node_as_string(lilv_port_get_symbol(plugin_, port));
      const bool in = lilv_port_is_a(plugin_, port, input.get());
      void* data = nullptr;
      if (lilv_port_is_a(plugin_, port, audio.get()) || lilv_port_is_a(plugin_, port, cv.get())) {
        buffer.kind = in ? Buffer::kAudioIn : Buffer::kAudioOut;
        if (lilv_port_is_a(plugin_, port, cv.get())) buffer.kind = Buffer::kOther;
        if (buffer.kind == Buffer::kAudioIn) inputs_.push_back(&buffer);
        if (buffer.kind == Buffer::kAudioOut) outputs_.push_back(&buffer);
        buffer.samples.resize(kBlock);
        data = buffer.samples.data();
      } else if (lilv_port_is_a(plugin_, port, control.get())) {
        buffer.kind = in ? Buffer::kControl : Buffer::kOther;
        buffer.control = std::isfinite(defaults[i]) ? defaults[i] : 0.0f;
        data = &buffer.control;
      } else if (lilv_port_is_a(plugin_, port, atom.get())) {
        buffer.kind = in ? Buffer::kAtomIn : Buffer::kAtomOut;
        buffer.atoms.resize(kSequenceBytes / sizeof(uint64_t));
        buffer.midi = in && !has_midi && lilv_port_supports_event(plugin_, port, midi.get());
        has_midi = has_midi || buffer.midi;
        data = buffer.atoms.data();
      } else if (!lilv_port_has_property(plugin_, port, optional.get())) {
        throw Error(ErrorKind::kInput,
                    "the plugin '" + job_.plugin + "' has a port of an unknown kind, '" + buffer.symbol + "'");
      }
      lilv_instance_connect_port(instance_, i, data);
    }
    if (!job_.effect && (!has_midi || outputs_.empty()))
      throw Error(ErrorKind::kInput,
                  "the plugin '" + job_.plugin + "' is no instrument: it has no MIDI input or no sound");
    if (lilv_plugin_has_latency(plugin_)) latency_ = &buffers_[lilv_plugin_get_latency_port_index(plugin_)].control;
    // More are side chains, or bands that have been split.
    const auto one_or_two = [](const auto& ports) { return ports.size() == 1 || ports.size() == 2; };
    if (job_.effect && (!one_or_two(inputs_) || !one_or_two(outputs_)))
      throw Error(ErrorKind::kInput, format("the plugin '%s' is no effect with one or two inputs and outputs: it has "
                                            "%zu and %zu",
                                            job_.plugin.c_str(), inputs_.size(), outputs_.size()));
  }

  /// Frames by which the output is late, as far as the plugin says so.
  int64_t latency() const {
    if (latency_ == nullptr) return 0;
    const double frames = std::round(*latency_);
    if (!(frames >= 0 && frames <= kMostLatency_s * job_.sample_rate))
      throw Error(ErrorKind::kInput, format("the plugin '%s' is late by %g frames, which is not to be believed",
                                            job_.plugin.c_str(), frames));
    return static_cast<int64_t>(frames);
  }

  void feed_block(int64_t start) {
    const auto channels = static_cast<size_t>(job_.channels);
    for (size_t port = 0; port < inputs_.size(); ++port)
      for (size_t i = 0; i < kBlock; ++i) {
        const size_t at = (static_cast<size_t>(start) + i) * channels;
        float& sample = inputs_[port]->samples[i];
        if (at >= job_.input.size())
          sample = 0;
        else if (channels == 2 && inputs_.size() == 1)
          sample = 0.5f * (job_.input[at] + job_.input[at + 1]);
        else
          sample = job_.input[at + (channels == 2 ? port : 0)];
      }
  }

  void append_block(std::vector<float>& result) const {
    const bool mean = job_.channels == 1 || outputs_.size() != 2;
    for (size_t i = 0; i < kBlock; ++i)
      for (size_t channel = 0; channel < static_cast<size_t>(job_.channels); ++channel) {
        float sample = 0;
        if (mean)
          for (const Buffer* output : outputs_) sample += output->samples[i] / static_cast<float>(outputs_.size());
        else
          sample = outputs_[channel]->samples[i];
        result.push_back(sample);
      }
  }

  static void set_port(const char* symbol, void* self, const void* value, uint32_t size, uint32_t type) {
    auto& player = *static_cast<Player*>(self);
    UridMap& urids = player.features_.urids();
    double number = 0;
    if (type == urids.map(LV2_ATOM__Float) && size == sizeof(float)) {
      float x;
      std::memcpy(&x, value, sizeof x);
      number = x;
    } else if (type == urids.map(LV2_ATOM__Double) && size == sizeof(double)) {
      std::memcpy(&number, value, sizeof number);
    } else if ((type == urids.map(LV2_ATOM__Int) || type == urids.map(LV2_ATOM__Bool)) && size == sizeof(int32_t)) {
      int32_t x;
      std::memcpy(&x, value, sizeof x);
      number = x;
    } else {
      return;
    }
    player.set_control(symbol, number);
  }

  bool set_control(const std::string& symbol, double value) {
    for (Buffer& buffer : buffers_)
      if (buffer.kind == Buffer::kControl && buffer.symbol == symbol) {
        buffer.control = static_cast<float>(value);
        return true;
      }
    return false;
  }

  void apply_settings() {
    LV2_URID_Map* map = features_.urids().feature();
    const std::string uri = job_.preset.empty() ? job_.plugin : job_.preset;
    const Node node(lilv_new_uri(world_.get(), uri.c_str()));
    if (!job_.preset.empty()) lilv_world_load_resource(world_.get(), node.get());
    const State state(lilv_state_new_from_world(world_.get(), map, node.get()));
    if (!state && !job_.preset.empty())
      throw Error(ErrorKind::kMissing, "the plugin '" + job_.plugin + "' has no preset '" + job_.preset + "'");
    if (state) lilv_state_restore(state.get(), instance_, &Player::set_port, this, 0, features_.list());
    for (const auto& [symbol, value] : job_.controls)
      if (!set_control(symbol, value)) {
        std::vector<std::string> symbols;
        for (const Buffer& buffer : buffers_)
          if (buffer.kind == Buffer::kControl) symbols.push_back(buffer.symbol);
        throw Error(ErrorKind::kInput,
                    "the plugin '" + job_.plugin + "' has no control '" + symbol + "'" + did_you_mean(symbol, symbols));
      }
  }

  void prepare_block(int64_t start, size_t& next) {
    const LV2_URID sequence = features_.urids().map(LV2_ATOM__Sequence), chunk = features_.urids().map(LV2_ATOM__Chunk),
                   midi = features_.urids().map(LV2_MIDI__MidiEvent);
    const size_t first = next;
    for (Buffer& buffer : buffers_) {
      if (buffer.kind == Buffer::kAtomOut) {
        buffer.sequence()->atom = {kSequenceBytes - sizeof(LV2_Atom), chunk};
      } else if (buffer.kind == Buffer::kAtomIn) {
        buffer.sequence()->atom = {sizeof(LV2_Atom_Sequence_Body), sequence};
        buffer.sequence()->body = {0, 0};
        if (!buffer.midi) continue;
        for (next = first; next < job_.events.size() && job_.events[next].frame < start + kBlock; ++next) {
          struct {
            LV2_Atom_Event event;
            std::array<uint8_t, 8> bytes;
          } entry{};
          const MidiEvent& event = job_.events[next];
          entry.event.time.frames = std::max<int64_t>(0, event.frame - start);
          entry.event.body = {event.size, midi};
          std::copy(event.bytes.begin(), event.bytes.end(), entry.bytes.begin());
          if (lv2_atom_sequence_append_event(buffer.sequence(), kSequenceBytes - sizeof(LV2_Atom), &entry.event) ==
              nullptr)
            break;  // more than a thousand events at once: the rest comes with the next block
        }
      }
    }
  }

  const Job& job_;
  World world_;
  Features features_;
  const LilvPlugin* plugin_ = nullptr;
  std::vector<Buffer> buffers_;
  std::vector<Buffer*> inputs_, outputs_;  // of audio
  const float* latency_ = nullptr;         // a port; nullptr when there is none
  // Never freed: the process ends after one job, and some plugins crash when they are taken down.
  LilvInstance* instance_ = nullptr;
};

}  // namespace

std::vector<float> play(const Job& job) { return Player(job).play(); }

std::string describe_bundle(const std::filesystem::path& bundle) {
  const World world = load_world(bundle);
  const Node preset(lilv_new_uri(world.get(), LV2_PRESETS__Preset)),
      label(lilv_new_uri(world.get(), LILV_NS_RDFS "label")), input(lilv_new_uri(world.get(), LV2_CORE__InputPort)),
      control(lilv_new_uri(world.get(), LV2_CORE__ControlPort));
  std::string text;
  const LilvPlugins* plugins = lilv_world_get_all_plugins(world.get());
  LILV_FOREACH(plugins, i, plugins) {
    const LilvPlugin* plugin = lilv_plugins_get(plugins, i);
    text += std::string("plugin ") + lilv_node_as_uri(lilv_plugin_get_uri(plugin)) + "\n";
    const Nodes presets(lilv_plugin_get_related(plugin, preset.get()));
    LILV_FOREACH(nodes, j, presets.get()) {
      const LilvNode* node = lilv_nodes_get(presets.get(), j);
      lilv_world_load_resource(world.get(), node);
      const Node name(lilv_world_get(world.get(), node, label.get(), nullptr));
      text += std::string("  preset ") + lilv_node_as_uri(node) + "\t" + (name ? lilv_node_as_string(name.get()) : "") +
              "\n";
    }
    const uint32_t count = lilv_plugin_get_num_ports(plugin);
    std::vector<float> low(count), high(count), usual(count);
    lilv_plugin_get_port_ranges_float(plugin, low.data(), high.data(), usual.data());
    for (uint32_t p = 0; p < count; ++p) {
      const LilvPort* port = lilv_plugin_get_port_by_index(plugin, p);
      if (lilv_port_is_a(plugin, port, input.get()) && lilv_port_is_a(plugin, port, control.get()))
        text += format("  control %s\t%g to %g, %g\n", lilv_node_as_string(lilv_port_get_symbol(plugin, port)),
                       static_cast<double>(low[p]), static_cast<double>(high[p]), static_cast<double>(usual[p]));
    }
  }
  return text;
}

}  // namespace instructme::lv2host
