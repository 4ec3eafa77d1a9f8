#pragma once

#include <lilv/lilv.h>
#include <lv2/buf-size/buf-size.h>
#include <lv2/log/log.h>
#include <lv2/options/options.h>
#include <lv2/urid/urid.h>
#include <lv2/worker/worker.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace instructme::lv2host {

/// Numbers for URIs, as plugins want them.
class UridMap {
 public:
  UridMap();
  LV2_URID map(const char* uri);
  LV2_URID_Map* feature() { return &map_; }
  LV2_URID_Unmap* unmap_feature() { return &unmap_; }

 private:
  std::map<std::string, LV2_URID> numbers_;
  std::deque<std::string> uris_;  // a deque does not move what `unmap` has handed out
  LV2_URID_Map map_{};
  LV2_URID_Unmap unmap_{};
};

/// Does a plugin's slow work at once, as nothing here is in a hurry, and gives it the results after each block. That
/// makes the sound independent of how busy the machine is.
class Worker {
 public:
  LV2_Worker_Schedule* feature() { return &schedule_; }
  void attach(LilvInstance* instance);
  void deliver();

 private:
  static LV2_Worker_Status schedule(LV2_Worker_Schedule_Handle self, uint32_t size, const void* data);
  static LV2_Worker_Status respond(LV2_Worker_Respond_Handle self, uint32_t size, const void* data);

  LV2_Worker_Schedule schedule_{this, &Worker::schedule};
  const LV2_Worker_Interface* interface_ = nullptr;
  LV2_Handle plugin_ = nullptr;
  std::vector<std::vector<char>> early_;  // asked for before the plugin was there
  std::vector<std::vector<char>> answers_;
};

/// Everything that plugins are offered.
class Features {
 public:
  Features(int sample_rate, int block, int sequence_bytes);
  Features(const Features&) = delete;
  Features& operator=(const Features&) = delete;
  const LV2_Feature* const* list() const { return list_.data(); }
  bool has(const std::string& uri) const;
  UridMap& urids() { return urids_; }
  Worker& worker() { return worker_; }

 private:
  UridMap urids_;
  Worker worker_;
  float rate_;
  int32_t block_, sequence_bytes_;
  LV2_Options_Option options_[6]{};
  LV2_Log_Log log_{};
  std::vector<LV2_Feature> features_;
  std::vector<const LV2_Feature*> list_;
};

}  // namespace instructme::lv2host
