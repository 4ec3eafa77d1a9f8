#include "features.h"

#include <lv2/atom/atom.h>
#include <lv2/parameters/parameters.h>
#include <lv2/state/state.h>

#include <cstdarg>
#include <utility>

namespace instructme::lv2host {
namespace {

// What plugins have to say is seldom of use; what goes wrong is seen in the sound.
int drop(LV2_Log_Handle, LV2_URID, const char*, ...) { return 0; }
int drop_list(LV2_Log_Handle, LV2_URID, const char*, va_list) { return 0; }

}  // namespace

UridMap::UridMap() {
  map_ = {this, [](LV2_URID_Map_Handle self, const char* uri) { return static_cast<UridMap*>(self)->map(uri); }};
  unmap_ = {this, [](LV2_URID_Unmap_Handle self, LV2_URID urid) -> const char* {
              const auto& uris = static_cast<UridMap*>(self)->uris_;
              return urid >= 1 && urid <= uris.size() ? uris[urid - 1].c_str() : nullptr;
            }};
}

LV2_URID UridMap::map(const char* uri) {
  const auto [found, added] = numbers_.emplace(uri, static_cast<LV2_URID>(numbers_.size() + 1));
  if (added) uris_.emplace_back(uri);
  return found->second;
}

void Worker::attach(LilvInstance* instance) {
  plugin_ = lilv_instance_get_handle(instance);
  interface_ =
      static_cast<const LV2_Worker_Interface*>(lilv_instance_get_extension_data(instance, LV2_WORKER__interface));
  for (const auto& work : std::exchange(early_, {})) schedule(this, static_cast<uint32_t>(work.size()), work.data());
}

void Worker::deliver() {
  if (interface_ == nullptr) return;
  for (const auto& answer : std::exchange(answers_, {}))
    if (interface_->work_response != nullptr)
      interface_->work_response(plugin_, static_cast<uint32_t>(answer.size()), answer.data());
  if (interface_->end_run != nullptr) interface_->end_run(plugin_);
}

LV2_Worker_Status Worker::schedule(LV2_Worker_Schedule_Handle self, uint32_t size, const void* data) {
  auto& worker = *static_cast<Worker*>(self);
  const char* bytes = static_cast<const char*>(data);
  if (worker.plugin_ == nullptr) {
    worker.early_.emplace_back(bytes, bytes + size);
    return LV2_WORKER_SUCCESS;
  }
  if (worker.interface_ == nullptr || worker.interface_->work == nullptr) return LV2_WORKER_ERR_UNKNOWN;
  return worker.interface_->work(worker.plugin_, &Worker::respond, self, size, data);
}

LV2_Worker_Status Worker::respond(LV2_Worker_Respond_Handle self, uint32_t size, const void* data) {
  const char* bytes = static_cast<const char*>(data);
  static_cast<Worker*>(self)->answers_.emplace_back(bytes, bytes + size);
  return LV2_WORKER_SUCCESS;
}

Features::Features(int sample_rate, int block, int sequence_bytes)
    : rate_(static_cast<float>(sample_rate)), block_(block), sequence_bytes_(sequence_bytes) {
  const auto option = [&](const char* key, const char* type, uint32_t size, const void* value) {
    return LV2_Options_Option{LV2_OPTIONS_INSTANCE, 0, urids_.map(key), size, urids_.map(type), value};
  };
  options_[0] = option(LV2_PARAMETERS__sampleRate, LV2_ATOM__Float, sizeof rate_, &rate_);
  options_[1] = option(LV2_BUF_SIZE__minBlockLength, LV2_ATOM__Int, sizeof block_, &block_);
  options_[2] = option(LV2_BUF_SIZE__maxBlockLength, LV2_ATOM__Int, sizeof block_, &block_);
  options_[3] = option(LV2_BUF_SIZE__nominalBlockLength, LV2_ATOM__Int, sizeof block_, &block_);
  options_[4] = option(LV2_BUF_SIZE__sequenceSize, LV2_ATOM__Int, sizeof sequence_bytes_, &sequence_bytes_);
  log_ = {this, &drop, &drop_list};
  features_ = {{LV2_URID__map, urids_.feature()},         {LV2_URID__unmap, urids_.unmap_feature()},
               {LV2_OPTIONS__options, options_},          {LV2_LOG__log, &log_},
               {LV2_WORKER__schedule, worker_.feature()}, {LV2_BUF_SIZE__boundedBlockLength, nullptr},
               {LV2_BUF_SIZE__fixedBlockLength, nullptr}, {LV2_BUF_SIZE__powerOf2BlockLength, nullptr},
               {LV2_STATE__loadDefaultState, nullptr}};
  for (const LV2_Feature& feature : features_) list_.push_back(&feature);
  list_.push_back(nullptr);
}

bool Features::has(const std::string& uri) const {
  for (const LV2_Feature& feature : features_)
    if (uri == feature.URI) return true;
  // Says something about the plugin, not about the host.
  return uri == LV2_CORE__isLive || uri == LV2_CORE__inPlaceBroken || uri == LV2_CORE__hardRTCapable;
}

}  // namespace instructme::lv2host
