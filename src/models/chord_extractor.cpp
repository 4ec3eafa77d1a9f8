#include "instructme/models/chord_extractor.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <nlohmann/json.hpp>
#include <numbers>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr int64_t kHop = kChordHop / 2;  // two analysis frames per chord frame
constexpr int64_t kWindow = 8 * kHop;    // 320 ms: semitones are apart from about 100 Hz on
constexpr int64_t kOverlap = kWindow / kHop / 2;
constexpr int64_t kBlock = 512;  // analysis frames at a time, to bound memory

// Log-frequency axis, in MIDI notes (69 = A4 = 440 Hz).
constexpr int64_t kPerSemitone = 3;
constexpr double kLowest = 27.0, kHighest = 100.0;
constexpr int64_t kLogBins = static_cast<int64_t>(kHighest - kLowest) * kPerSemitone + 1;
// Notes that may sound, and which of them speak for the harmony and which for the bass.
constexpr int64_t kFirstNote = 28, kLastNote = 88;
constexpr int64_t kNotes = kLastNote - kFirstNote + 1;
constexpr double kHarmonicDecay = 0.7;  // amplitude of each harmonic relative to the one below
constexpr int64_t kNnlsIterations = 40;
constexpr double kFlatNoChord = 0.35;  // spectral flatness from which a frame sounds like noise

double note_hz(double note) { return 440.0 * std::exp2((note - 69.0) / 12.0); }

// Main lobe of the Hann window, 1 at its centre; distance in STFT bins.
double hann_lobe(double distance) {
  const double d = std::abs(distance);
  if (d >= 2.0) return 0.0;
  if (d < 1e-6) return 1.0;
  if (std::abs(d - 1.0) < 1e-6) return 0.5;
  return std::sin(std::numbers::pi * d) / (std::numbers::pi * d * (1.0 - d * d));
}

// Triangles over the STFT bins, as wide as a log-frequency bin but never narrower than the STFT resolves.
at::Tensor make_pooling() {
  const int64_t bins = kWindow / 2 + 1;
  const double bin_hz = static_cast<double>(kChordSampleRate) / kWindow;
  at::Tensor pooling = at::zeros({bins, kLogBins});
  auto weight = pooling.accessor<float, 2>();
  for (int64_t b = 0; b < kLogBins; ++b) {
    const double centre = note_hz(kLowest + static_cast<double>(b) / kPerSemitone) / bin_hz;
    const double half_width = std::max(1.0, centre * (std::exp2(1.0 / (12.0 * kPerSemitone)) - 1.0));
    for (auto k = static_cast<int64_t>(centre - half_width); k <= static_cast<int64_t>(centre + half_width) + 1; ++k)
      if (k >= 0 && k < bins)
        weight[k][b] = static_cast<float>(std::max(0.0, 1.0 - std::abs(static_cast<double>(k) - centre) / half_width));
  }
  return pooling;
}

// Weight of a note in the harmony (full from C3 to C6, fading an octave outside) and in the bass (E1 to B2,
// fading to G3).
double ramp(double x, double zero, double one) { return std::clamp((x - zero) / (one - zero), 0.0, 1.0); }
double harmony_weight(int64_t note) {
  const auto n = static_cast<double>(note);
  return ramp(n, 36.0, 48.0) * ramp(n, 92.0, 80.0);
}
double bass_weight(int64_t note) { return ramp(static_cast<double>(note), 56.0, 47.0); }

// (notes, 12)
at::Tensor fold(double (*weight_of)(int64_t)) {
  at::Tensor folding = at::zeros({kNotes, 12});
  for (int64_t i = 0; i < kNotes; ++i) folding[i][(kFirstNote + i) % 12] = weight_of(kFirstNote + i);
  return folding;
}

// Median over `width` (odd) frames around each; x (T, B).
at::Tensor median_over_time(const at::Tensor& x, int64_t width) {
  if (width <= 1) return x;
  const int64_t half = width / 2;
  const at::Tensor padded =
      at::cat({x.slice(0, 0, 1).expand({half, -1}), x, x.slice(0, x.size(0) - 1).expand({half, -1})});
  std::vector<at::Tensor> blocks;
  for (int64_t start = 0; start < x.size(0); start += kBlock) {
    const int64_t end = std::min(x.size(0), start + kBlock);
    const at::Tensor windows = padded.slice(0, start, end + 2 * half).unfold(0, width, 1);  // (t, B, width)
    blocks.push_back(std::get<0>(windows.median(2)));
  }
  return at::cat(blocks);
}

// What stands out of the octave around each bin, in units of its deviation; x (T, B).
at::Tensor whiten(const at::Tensor& x) {
  constexpr int64_t kOctave = 12 * kPerSemitone + 1;
  const auto octave_mean = [](const at::Tensor& values) {
    return at::avg_pool1d(values.unsqueeze(1), {kOctave}, {1}, {kOctave / 2}, /*ceil_mode=*/false,
                          /*count_include_pad=*/false)
        .squeeze(1);
  };
  const at::Tensor mean = octave_mean(x);
  const at::Tensor deviation = (octave_mean(x.square()) - mean.square()).clamp_min(0.0).sqrt();
  // The floor, relative to the frame, keeps numerical dust in empty octaves from becoming notes.
  const at::Tensor floor = 0.02 * std::get<0>(deviation.max(1, true)) + 1e-7;
  return at::relu(x - mean) / (deviation + floor);
}

// argmin |dictionary a - spectrum| with a >= 0, by multiplicative updates (Lee and Seung 2001).
// spectrum (T, B), dictionary (B, notes) -> (T, notes)
at::Tensor non_negative_least_squares(const at::Tensor& spectrum, const at::Tensor& dictionary) {
  const at::Tensor correlation = spectrum.matmul(dictionary);
  const at::Tensor gram = dictionary.t().matmul(dictionary);
  at::Tensor activation = correlation.clone();
  for (int64_t i = 0; i < kNnlsIterations; ++i)
    activation = activation * correlation / (activation.matmul(gram) + 1e-9);
  return activation;
}

// Geometric over arithmetic mean of the power, 0 (one tone) to 1 (white); x (T, B) -> (T)
at::Tensor flatness(const at::Tensor& x) {
  const at::Tensor power = x.square().slice(1, 21 * kPerSemitone) + 1e-14;  // from C3
  return power.log().mean(1).exp() / power.mean(1);
}

// Circular mean of the position of the peaks between semitones; whitened (T, B).
double tuning_of(const at::Tensor& whitened) {
  const at::Tensor energy = whitened.square().mean(0).to(at::kDouble).contiguous();
  std::complex<double> sum = 0.0;
  for (int64_t b = 30 * kPerSemitone; b < kLogBins; ++b)  // from A3, where a bin is wider than the window blurs
    sum += energy[b].item<double>() *
           std::polar(1.0, 2.0 * std::numbers::pi * static_cast<double>(b % kPerSemitone) / kPerSemitone);
  return std::abs(sum) > 0.0 ? std::arg(sum) / (2.0 * std::numbers::pi) : 0.0;
}

at::Tensor unit_length(const at::Tensor& x) { return x / x.norm(2, -1, true).clamp_min(1e-9); }

}  // namespace

void ChromaTemplateOptions::validate() const {
  const auto require = [](bool good, const char* what) {
    if (!good) throw Error(ErrorKind::kModel, format("chord extractor: %s", what));
  };
  require(median_seconds >= 0.0 && median_seconds <= 10.0, "median_seconds must lie in 0..10");
  require(bass_weight >= 0.0 && std::isfinite(bass_weight), "bass_weight must be 0 or more");
  require(temperature > 0.0 && std::isfinite(temperature), "temperature must be above 0");
  require(self_transition >= 0.0 && self_transition < 1.0, "self_transition must lie in 0..1, below 1");
  require(std::isfinite(silence_db), "silence_db must be a finite number");
}

ChromaTemplateOptions ChromaTemplateOptions::read(ConfigReader config) {
  ChromaTemplateOptions options;
  config.read("estimate_tuning", options.estimate_tuning);
  config.read("median_seconds", options.median_seconds);
  config.read("bass_weight", options.bass_weight);
  config.read("temperature", options.temperature);
  config.read("self_transition", options.self_transition);
  config.read("silence_db", options.silence_db);
  config.finish();
  options.validate();
  return options;
}

nlohmann::json ChromaTemplateOptions::to_json() const {
  return {{"estimate_tuning", estimate_tuning}, {"median_seconds", median_seconds},   {"bass_weight", bass_weight},
          {"temperature", temperature},         {"self_transition", self_transition}, {"silence_db", silence_db}};
}

ChromaTemplateChordExtractor::ChromaTemplateChordExtractor(const ChromaTemplateOptions& options)
    : options_(options), stft_(kWindow, kHop), pooling_(make_pooling()) {
  options_.validate();
  templates_ = at::zeros({12, kChordClasses - 1});
  quality_bias_ = at::zeros({kChordClasses - 1});
  for (int index = 1; index < kChordClasses; ++index) {
    const Chord chord = chord_of_class(index);
    const std::vector<int> tones = chord_pitch_classes(chord);
    for (const int tone : tones) templates_[tone][index - 1] = 1.0 / std::sqrt(static_cast<double>(tones.size()));
    // Rare qualities need better evidence; four tones fit any chroma a little better than three.
    switch (chord.quality) {
      case ChordQuality::kMaj:
      case ChordQuality::kMin: break;
      case ChordQuality::k7:
      case ChordQuality::kMaj7:
      case ChordQuality::kMin7: quality_bias_[index - 1] = -0.04; break;
      default: quality_bias_[index - 1] = -0.05; break;
    }
  }
}

// waveform (S) -> (T, B) magnitudes, T = analysis_frames
at::Tensor ChromaTemplateChordExtractor::log_spectrum(const at::Tensor& waveform, int64_t analysis_frames) const {
  std::vector<at::Tensor> blocks;
  for (int64_t start = 0; start < analysis_frames; start += kBlock) {
    const int64_t end = std::min(analysis_frames, start + kBlock);
    const int64_t first = std::max<int64_t>(0, start - kOverlap), last = std::min(analysis_frames, end + kOverlap);
    const at::Tensor piece = waveform.slice(0, first * kHop, last * kHop).unsqueeze(0);
    const at::Tensor power = stft_.magnitude(piece).square().squeeze(0).slice(0, start - first, end - first);
    blocks.push_back(power.matmul(pooling_).sqrt());
  }
  return at::cat(blocks);
}

// (B, notes) of unit length: every note with its harmonics as the analysis above would show them.
at::Tensor ChromaTemplateChordExtractor::note_dictionary(double tuning) const {
  const double bin_hz = static_cast<double>(kChordSampleRate) / kWindow;
  at::Tensor spectra = at::zeros({kNotes, stft_.bins()});
  auto magnitude = spectra.accessor<float, 2>();
  for (int64_t note = 0; note < kNotes; ++note) {
    const double hz = note_hz(static_cast<double>(kFirstNote + note) + tuning);
    double amplitude = 1.0;
    for (int64_t harmonic = 1; hz * static_cast<double>(harmonic) < note_hz(kHighest); ++harmonic) {
      const double centre = hz * static_cast<double>(harmonic) / bin_hz;
      for (auto k = static_cast<int64_t>(centre) - 1; k <= static_cast<int64_t>(centre) + 2; ++k)
        if (k >= 0 && k < stft_.bins())
          magnitude[note][k] += static_cast<float>(amplitude * hann_lobe(static_cast<double>(k) - centre));
      amplitude *= kHarmonicDecay;
    }
  }
  return unit_length(spectra.square().matmul(pooling_).sqrt()).t().contiguous();
}

double ChromaTemplateChordExtractor::tuning(const at::Tensor& waveform) const {
  const at::NoGradGuard no_grad;
  ensure(waveform.dim() == 1 && waveform.numel() > 0, "tuning needs one waveform of shape (S)");
  const at::Tensor audio = waveform.to(at::kCPU, at::kFloat);
  const int64_t frames = (audio.size(0) + kHop - 1) / kHop;
  return tuning_of(whiten(log_spectrum(at::constant_pad_nd(audio, {0, frames * kHop - audio.size(0)}), frames)));
}

// waveform (frames * 1920) -> (frames, classes), class 0 included
at::Tensor ChromaTemplateChordExtractor::scores(const at::Tensor& waveform, int64_t frames) const {
  const at::Tensor raw = log_spectrum(waveform, 2 * frames);
  const double frames_per_second = static_cast<double>(kChordSampleRate) / kHop;
  const auto half = static_cast<int64_t>(options_.median_seconds * frames_per_second / 2.0);
  const at::Tensor tonal = median_over_time(raw, 2 * half + 1);
  const at::Tensor whitened = whiten(tonal);
  const double deviation = options_.estimate_tuning ? tuning_of(whitened) : 0.0;
  const at::Tensor notes = non_negative_least_squares(whitened, note_dictionary(deviation));  // (2 frames, notes)

  const auto per_chord_frame = [&](const at::Tensor& x) { return x.view({frames, 2, -1}).mean(1); };
  // The root of the activation keeps one loud note, a melody say, from hiding the others.
  const at::Tensor harmony = unit_length(per_chord_frame(notes.matmul(fold(harmony_weight))).sqrt());
  const at::Tensor bass_chroma = per_chord_frame(notes.matmul(fold(bass_weight)));
  const at::Tensor bass = bass_chroma / std::get<0>(bass_chroma.max(1, true)).clamp_min(1e-6);  // 0..1

  // Class 1 + 12 * quality + root, so the bass repeats once per quality.
  const at::Tensor chords =
      harmony.matmul(templates_) + quality_bias_ + options_.bass_weight * bass.repeat({1, kChordQualities});
  const at::Tensor even = harmony.sum(1) / std::sqrt(12.0);  // cosine to "all pitch classes alike"
  const at::Tensor noise = at::relu(per_chord_frame(flatness(tonal)).squeeze(1) - kFlatNoChord);
  at::Tensor none = even - 0.1 + 2.0 * noise;
  const at::Tensor level = waveform.view({frames, kChordHop}).square().mean(1);  // power
  none = none.masked_fill(level.lt(std::pow(10.0, options_.silence_db / 10.0)), 2.0 + options_.bass_weight);
  return at::cat({none.unsqueeze(1), chords}, 1);
}

at::Tensor ChromaTemplateChordExtractor::extract(const at::Tensor& waveform, int64_t frames) {
  const at::NoGradGuard no_grad;
  if ((waveform.dim() != 1 && waveform.dim() != 2) || frames < 1)
    throw Error(ErrorKind::kInternal,
                format("chords are extracted from waveforms of shape (S) or (N, S) into 1 or more frames; found %lld "
                       "dimensions and %lld frames",
                       static_cast<long long>(waveform.dim()), static_cast<long long>(frames)));
  at::Tensor audio = waveform.to(at::kCPU, at::kFloat);
  if (audio.dim() == 1) audio = audio.unsqueeze(0);
  if (!audio.isfinite().all().item<bool>())
    throw Error(ErrorKind::kInput, "the audio holds samples that are not finite numbers; export it again");
  const int64_t wanted = frames * kChordHop;
  audio =
      at::constant_pad_nd(audio.slice(1, 0, wanted), {0, std::max<int64_t>(0, wanted - audio.size(1))}).contiguous();

  std::vector<at::Tensor> results;
  for (int64_t n = 0; n < audio.size(0); ++n) {
    const at::Tensor score = scores(audio[n], frames).to(at::kDouble);
    const at::Tensor likelihood = at::softmax(score / options_.temperature, 1);
    results.push_back(smooth_forward_backward(likelihood, options_.self_transition).to(at::kFloat));
  }
  if (results.empty()) return at::zeros({0, frames, kChordClasses}, waveform.options().dtype(at::kFloat));
  return at::stack(results).to(waveform.device());
}

at::Tensor smooth_forward_backward(const at::Tensor& likelihood, double self_transition) {
  ensure(
      likelihood.dim() == 2 && likelihood.scalar_type() == at::kDouble && likelihood.is_cpu() && likelihood.size(1) > 1,
      "smoothing needs a float64 matrix (T, C) on the CPU with two or more classes");
  const at::Tensor observed = likelihood.contiguous();
  const int64_t frames = observed.size(0), classes = observed.size(1);
  const auto p = observed.accessor<double, 2>();
  const double move = (1.0 - self_transition) / static_cast<double>(classes - 1);
  at::Tensor posterior = at::empty_like(observed);
  auto forward = posterior.accessor<double, 2>();

  const auto normalise = [classes](auto row) {
    double sum = 0.0;
    for (int64_t c = 0; c < classes; ++c) sum += row[c];
    for (int64_t c = 0; c < classes; ++c) row[c] /= sum;
  };
  // With equal moves, sum over c' of x[c'] P(c' -> c) is (self - move) x[c] + move sum(x); rows sum to 1.
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t c = 0; c < classes; ++c) {
      const double before = t == 0 ? 1.0 : (self_transition - move) * forward[t - 1][c] + move;
      forward[t][c] = (p[t][c] + 1e-300) * before;
    }
    normalise(forward[t]);
  }
  std::vector<double> backward(static_cast<size_t>(classes), 1.0), seen(backward);
  for (int64_t t = frames - 2; t >= 0; --t) {
    double sum = 0.0;
    for (int64_t c = 0; c < classes; ++c)
      sum += seen[static_cast<size_t>(c)] = (p[t + 1][c] + 1e-300) * backward[static_cast<size_t>(c)];
    for (int64_t c = 0; c < classes; ++c) {
      const auto i = static_cast<size_t>(c);
      backward[i] = (self_transition - move) * seen[i] / sum + move;
      forward[t][c] *= backward[i];
    }
    normalise(forward[t]);
  }
  return posterior;
}

}  // namespace instructme
