#include "instructme/edit/region.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr double kGrid = 8388608.0;      // 2^23
constexpr double kRoundedRange_s = 0.5;  // "to 0:30" in music of 29.8 s

float on_grid(double x) { return static_cast<float>(std::nearbyint(x * kGrid) / kGrid); }

[[noreturn]] void outside(const std::string& range, double seconds) {
  throw Error(ErrorKind::kInput,
              "the range " + range + format(" lies outside the music, which is %.2f s long", seconds));
}

std::pair<double, double> seconds_of_bars(const PlanRange& range, double seconds, const std::vector<Beat>& beats) {
  std::vector<double> starts;  // of the bars
  for (const Beat& beat : beats)
    if (beat.position == 0 && beat.bar >= 0) starts.push_back(beat.time_s);
  if (starts.empty())
    throw Error(ErrorKind::kInput,
                "a range in bars needs the beats of the music: name a file of them with --beats, or give the range in "
                "seconds");
  const auto count = static_cast<int64_t>(starts.size());
  const auto first = static_cast<int64_t>(range.begin < 0 ? static_cast<double>(count) + range.begin : range.begin - 1);
  const int64_t last = range.end ? static_cast<int64_t>(*range.end) : count;  // one past the last bar
  if (first < 0 || first >= count || last > count)
    throw Error(ErrorKind::kInput,
                format("the range of bars lies outside the music, which has %lld bars", static_cast<long long>(count)));
  const auto start_of = [&](int64_t bar) { return bar < count ? starts[static_cast<size_t>(bar)] : seconds; };
  return {start_of(first), start_of(last)};
}

}  // namespace

float Region::weight(int64_t frame) const {
  if (frame < begin || frame >= end) return 0;
  const auto fade = [](int64_t distance, int64_t length) {
    // A fade of n frames has neither 0 nor 1 among its weights.
    const double x = static_cast<double>(distance + 1) / static_cast<double>(length + 1);
    return static_cast<float>(0.5 - 0.5 * std::cos(std::numbers::pi * x));
  };
  float weight = 1;
  if (frame - begin < fade_in) weight = fade(frame - begin, fade_in);
  if (end - 1 - frame < fade_out) weight = std::min(weight, fade(end - 1 - frame, fade_out));
  return weight;
}

std::pair<int64_t, int64_t> around(const Region& region, int64_t frames, int sample_rate) {
  const auto context = static_cast<int64_t>(kContextSeconds * sample_rate);
  return {std::max<int64_t>(0, region.begin - context), std::min(frames, region.end + context)};
}

bool has_bars(const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(),
                     [](const PlanStep& step) { return step.range && step.range->unit == PlanRange::Unit::kBars; });
}

Region resolve_range(const std::optional<PlanRange>& range, int64_t frames, int sample_rate,
                     const std::vector<Beat>& beats) {
  if (!range) return {0, frames, 0, 0};
  const double seconds = static_cast<double>(frames) / sample_rate;
  double begin = range->begin, end = range->end.value_or(seconds);
  if (range->unit == PlanRange::Unit::kBars) {
    std::tie(begin, end) = seconds_of_bars(*range, seconds, beats);
  } else {
    if (begin < 0) begin += seconds;
    if (range->begin < 0 && begin < 0 && begin >= -kRoundedRange_s) begin = 0;
    if (begin < 0 || begin >= seconds || end > seconds + kRoundedRange_s || end <= begin)
      outside(range->end         ? format("%.10g s to %.10g s", range->begin, *range->end)
              : range->begin < 0 ? format("of the last %.10g s", -range->begin)
                                 : format("from %.10g s on", range->begin),
              seconds);
  }
  Region region;
  region.begin = std::clamp<int64_t>(std::llround(begin * sample_rate), 0, frames);
  region.end = std::clamp<int64_t>(std::llround(end * sample_rate), 0, frames);
  if (region.end <= region.begin)
    throw Error(ErrorKind::kInput, "the range holds not one sample of the music: make it longer");
  const int64_t fade = std::min<int64_t>(std::llround(kFadeSeconds * sample_rate), (region.end - region.begin) / 4);
  region.fade_in = region.begin == 0 ? 0 : fade;
  region.fade_out = region.end == frames ? 0 : fade;
  return region;
}

bool is_on_grid(const AudioBuffer& buffer) {
  return std::all_of(buffer.samples.begin(), buffer.samples.end(), [](float x) {
    const double scaled = x * kGrid;
    return std::abs(scaled) <= 2 * kGrid && scaled == std::nearbyint(scaled);
  });
}

AudioBuffer placed(const AudioBuffer& part, int64_t first, int64_t frames, const Region& region, double strength,
                   bool grid) {
  AudioBuffer out{part.sample_rate, part.channels, {}};
  const auto channels = static_cast<size_t>(part.channels);
  out.samples.assign(static_cast<size_t>(frames) * channels, 0.0f);
  const int64_t begin = std::max(region.begin, first), end = std::min({region.end, first + part.frames(), frames});
  for (int64_t frame = begin; frame < end; ++frame) {
    const double factor = strength * region.weight(frame);
    const size_t from = static_cast<size_t>(frame - first) * channels, to = static_cast<size_t>(frame) * channels;
    for (size_t c = 0; c < channels; ++c) {
      const float x = part.samples[from + c];
      out.samples[to + c] = grid ? on_grid(factor * x) : static_cast<float>(factor * x);
    }
  }
  return out;
}

void add_audio(AudioBuffer& sum, const AudioBuffer& part, float sign) {
  ensure(sum.samples.size() == part.samples.size(), "only parts of the same music can be added up");
  for (size_t i = 0; i < sum.samples.size(); ++i) sum.samples[i] += sign * part.samples[i];
}

AudioBuffer slice(const AudioBuffer& buffer, int64_t begin, int64_t end) {
  const auto channels = static_cast<int64_t>(buffer.channels);
  return {buffer.sample_rate,
          buffer.channels,
          {buffer.samples.begin() + begin * channels, buffer.samples.begin() + end * channels}};
}

}  // namespace instructme
