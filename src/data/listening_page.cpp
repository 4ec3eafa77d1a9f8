#include "instructme/data/listening_page.h"

#include <algorithm>
#include <memory>
#include <set>

#include "instructme/audio/audio_memory.h"
#include "instructme/audio/spectrogram.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/plot/heat_map.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr double kSounds_db = -50;
constexpr const char* kStyle =
    "body{font-family:sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "section{border-top:1px solid #ccc;padding:1em 0}h2{margin:.2em 0}td,th{padding:.15em .8em .15em 0;"
    "text-align:left;vertical-align:top}audio{width:420px;max-width:100%;vertical-align:middle}img{max-width:100%}"
    ".chords{display:flex;font-size:.8em;margin:.5em 0}.chords span{border:1px solid #bbb;background:#eef3f8;"
    "overflow:hidden;white-space:nowrap;box-sizing:border-box;padding:.1em .2em}";

std::string player(const std::string& label, const std::string& file) {
  return "<tr><th>" + escape_html(label) + "</th><td><audio controls preload=\"none\" src=\"" + escape_html(file) +
         "\"></audio></td></tr>\n";
}

std::string row(const std::string& label, const std::string& text) {
  return text.empty() ? "" : "<tr><th>" + escape_html(label) + "</th><td>" + escape_html(text) + "</td></tr>\n";
}

std::string chord_strip(const std::vector<ChordSpan>& chords, double length_s) {
  std::string html = "<div class=\"chords\">";
  double end = 0;
  const auto box = [&](double from, double to, const std::string& label) {
    if (to > from)
      html += format("<span style=\"width:%.2f%%\" title=\"%.2f s\">", 100 * (to - from) / length_s, from) +
              escape_html(label) + "</span>";
  };
  for (const ChordSpan& span : chords) {
    box(end, span.start_s, "");
    box(span.start_s, span.end_s, chord_label(span.chord));
    end = span.end_s;
  }
  box(end, length_s, "");
  return html + "</div>\n";
}

HeatMap picture(const std::string& title, const std::vector<float>& samples, int sample_rate) {
  constexpr int kHop = 256;
  Spectrogram levels = spectrogram(samples, 1024, kHop);
  HeatMap map;
  map.title = title;
  map.y_label = "kHz";
  map.rows = levels.rows;
  map.columns = levels.columns;
  map.values = std::move(levels.levels_db);
  map.low = -100;
  map.high = -20;
  map.x_low = 0;
  map.x_high = static_cast<double>(samples.size()) / sample_rate;
  map.y_low = 0;
  map.y_high = sample_rate / 2000.0;
  return map;
}

void write_sound(const fs::path& path, std::vector<float> samples, int sample_rate) {
  // Louder than a file can hold is only made softer, so that one hears what is trained on.
  const float loudest = peak(samples);
  if (loudest > 1)
    for (float& x : samples) x /= loudest;
  write_file_atomically(path, encode_flac(from_mono(std::move(samples), sample_rate)));
}

std::string section(const fs::path& folder, const ListeningItem& item, size_t number, int sample_rate) {
  const Triplet& triplet = item.example.triplet;
  const ClipInfo& clip = item.example.clip;
  const std::string name = format("%03zu", number);
  std::string html = "<section>\n<h2>" + escape_html(triplet.sentence) + "</h2>\n<table>\n";
  write_sound(folder / (name + "_source.flac"), triplet.source, sample_rate);
  write_sound(folder / (name + "_target.flac"), triplet.target, sample_rate);
  html += player("source", name + "_source.flac") + player("target", name + "_target.flac");
  std::vector<std::string> sounds;
  for (const SoundOrigin& sound : clip.sounds)
    sounds.push_back(sound.source + (sound.licence.empty() ? "" : " (" + sound.licence + ")"));
  const bool new_genre = triplet.source_genre != triplet.target_genre;
  html += row("operation", operation_name(triplet.instruction.operation)) +
          row("in the source", join(triplet.source_instruments, ", ")) +
          row("in the target", join(triplet.target_instruments, ", ")) +
          row("genre", triplet.source_genre + (new_genre ? " to " + triplet.target_genre : "")) +
          row("key and tempo", key_and_tempo(clip.chords, clip.key, clip.tempo_bpm)) +
          row("song", clip.song + format(", from %.1f s", clip.start_s)) + row("music", clip.origin) +
          row("sounds", join(sounds, ", ")) + "</table>\n";
  html += chord_strip(clip.chords, static_cast<double>(triplet.source.size()) / sample_rate);
  if (can_write_png()) {
    write_png(folder / (name + ".png"), render_panels({picture("source", triplet.source, sample_rate),
                                                       picture("target", triplet.target, sample_rate)},
                                                      900, 190));
    html += "<img src=\"" + name + ".png\" alt=\"spectrograms of source and target\" loading=\"lazy\">\n";
  }
  if (!item.stems.empty()) html += "<details><summary>All stems of the song at this place</summary>\n<table>\n";
  for (size_t s = 0; s < item.stems.size(); ++s) {
    const std::string file = format("%s_stem%02zu.flac", name.c_str(), s);
    write_sound(folder / file, item.stems[s].second, sample_rate);
    html += player(item.stems[s].first, file);
  }
  if (!item.stems.empty()) html += "</table></details>\n";
  return html + "</section>\n";
}

std::vector<std::pair<std::string, std::vector<float>>> stems_of(const SongSet& songs, const Triplet& triplet) {
  std::vector<std::pair<std::string, std::vector<float>>> stems;
  const auto frames = static_cast<int64_t>(triplet.source.size());
  const int64_t block = songs.block_frames();
  const auto& arrangements = songs.info(triplet.song).arrangements;
  for (size_t a = 0; a < arrangements.size(); ++a)
    for (size_t v = 0; v < arrangements[a].versions.size(); ++v) {
      const auto& infos = arrangements[a].versions[v].stems;
      for (size_t s = 0; s < infos.size(); ++s) {
        if (songs.clip_level_db(triplet.song, a, v, s, triplet.start_frame / block, (frames + block - 1) / block) <
            kSounds_db)
          continue;
        const std::string instrument = infos[s].instrument.empty() ? "(no instrument)" : infos[s].instrument;
        stems.emplace_back(format("%s, version %zu: ", arrangements[a].genre.c_str(), v + 1) + instrument + " (" +
                               infos[s].source + (infos[s].preset.empty() ? "" : ", " + infos[s].preset) +
                               (infos[s].effects.empty() ? "" : "; " + infos[s].effects) + ")",
                           songs.clip(triplet.song, a, v, s, triplet.start_frame, frames));
      }
    }
  return stems;
}

void check(const ListeningOptions& options) {
  if (options.count < 1 || options.count > 1000)
    throw Error(ErrorKind::kUsage,
                format("A page shows 1 to 1000 examples, not %lld.", static_cast<long long>(options.count)));
}

}  // namespace

std::string escape_html(const std::string& text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  return out;
}

size_t write_listening_page(const ListeningOptions& options, const ListeningItems& next, int sample_rate) {
  make_folder(options.folder);
  std::string sections;
  size_t count = 0;
  while (const std::optional<ListeningItem> item = next())
    sections += section(options.folder, *item, count++, sample_rate);
  const std::string head =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>" + escape_html(options.title) +
      "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n<h1>" + escape_html(options.title) + "</h1>\n" +
      format(
          "<p>%zu training examples drawn with the seed %llu. Under each are the chords of the music "
          "from beginning to end.</p>\n",
          count, static_cast<unsigned long long>(options.seed));
  write_file_atomically(options.folder / "index.html", head + sections + "</body>\n</html>\n");
  return count;
}

ListeningItems draw_items(const ListeningOptions& options, const SongSet& songs, const Lexicon& lexicon,
                          const TripletOptions& triplets) {
  check(options);
  const auto sampler = std::make_shared<const TripletSampler>(songs, lexicon, triplets);
  return [sampler, options, &songs, i = int64_t{0}]() mutable -> std::optional<ListeningItem> {
    if (i == options.count) return std::nullopt;
    Rng rng = Rng(options.seed).fork("listen").fork(static_cast<uint64_t>(i++));
    Triplet triplet = sampler->sample(rng);
    ClipInfo clip = clip_info(songs, triplet);
    auto stems = options.stems ? stems_of(songs, triplet) : decltype(ListeningItem::stems){};
    return ListeningItem{{std::move(triplet), std::move(clip)}, std::move(stems)};
  };
}

ListeningItems draw_items(const ListeningOptions& options, ShardSet& shards) {
  check(options);
  const auto count = static_cast<size_t>(std::min(options.count, shards.size()));
  return [rng = Rng(options.seed).fork("listen"), drawn = std::set<int64_t>(), count,
          &shards]() mutable -> std::optional<ListeningItem> {
    while (drawn.size() < count)
      if (const int64_t index = rng.integer(0, shards.size() - 1); drawn.insert(index).second)
        return ListeningItem{shards.at(index), {}};
    return std::nullopt;
  };
}

}  // namespace instructme
